// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards that the cache gives back what was stored or nothing, whoever else writes and whatever the disk does.
#include "passes/Codegen/ContentCache.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sys/wait.h>
#include <unistd.h>

using namespace vlp;
namespace fs = std::filesystem;

namespace {

class ContentCacheTest : public ::testing::Test {
protected:
  ContentCacheTest() {
    std::string pattern = (fs::temp_directory_path() / "vlp-cache-XXXXXX").string();
    folder = mkdtemp(pattern.data());
  }
  ~ContentCacheTest() override { fs::remove_all(folder); }

  /// All files below the folder.
  std::vector<fs::path> files() const {
    std::vector<fs::path> list;
    for (const auto &entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file())
        list.push_back(entry.path());
    return list;
  }

  std::string folder;
  std::string key = makeKey({"some", "kernel"});
};

std::string read(const fs::path &file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write(const fs::path &file, const std::string &bytes) { std::ofstream(file, std::ios::binary) << bytes; }

} // namespace

TEST(MakeKey, OtherListsHaveOtherKeys) {
  EXPECT_EQ(makeKey({"a", "b"}), makeKey({"a", "b"}));
  EXPECT_EQ(makeKey({"a"}).size(), 64u);
  std::set<std::string> keys = {makeKey({}),         makeKey({""}),       makeKey({"", ""}), makeKey({"ab"}),
                                makeKey({"a", "b"}), makeKey({"b", "a"}), makeKey({"1:ab"})};
  EXPECT_EQ(keys.size(), 7u);
}

TEST(CompilerIdentity, NamesThisProgramAndLLVM) {
  EXPECT_NE(compilerIdentity().find("libLLVM"), std::string::npos) << compilerIdentity();
  EXPECT_EQ(compilerIdentity(), compilerIdentity());
}

TEST_F(ContentCacheTest, GivesBackWhatWasStored) {
  ContentCache cache(folder);
  EXPECT_FALSE(cache.find(key).has_value());
  std::string value("\0binary\n\xff", 9);
  cache.store(key, value);
  cache.store(makeKey({"empty"}), "");
  EXPECT_EQ(ContentCache(folder).find(key), value);
  EXPECT_EQ(cache.find(makeKey({"empty"})), "");
  EXPECT_FALSE(cache.find(makeKey({"other"})).has_value());
  EXPECT_EQ(cache.hits(), 1u);
  EXPECT_EQ(cache.stores(), 2u);
  EXPECT_EQ(cache.problem(), "");
  EXPECT_EQ(files().size(), 2u); // no temporary files stay
}

TEST_F(ContentCacheTest, DamagedFilesAreMissing) {
  std::string value = "machine code of some length";
  ContentCache(folder).store(key, value);
  ASSERT_EQ(files().size(), 1u);
  fs::path file = files().front();
  std::string whole = read(file);
  for (size_t length = 0; length < whole.size(); ++length) {
    write(file, whole.substr(0, length));
    EXPECT_FALSE(ContentCache(folder).find(key).has_value()) << length;
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] ^= 1;
    write(file, flipped);
    EXPECT_FALSE(ContentCache(folder).find(key).has_value()) << at;
  }
  write(file, whole + "x");
  EXPECT_FALSE(ContentCache(folder).find(key).has_value());
  ContentCache(folder).store(key, value); // mends it
  EXPECT_EQ(ContentCache(folder).find(key), value);
}

TEST_F(ContentCacheTest, ManyWritersAndReaders) {
  std::string value(100000, 'v');
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    pid_t child = fork();
    if (child == 0) {
      for (int round = 0; round < 50; ++round) {
        ContentCache cache(folder);
        cache.store(key, value);
        if (cache.find(key) != value || !cache.problem().empty())
          _exit(1);
      }
      _exit(0);
    }
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(ContentCacheTest, WithoutAFolderNothingIsKept) {
  ContentCache cache("");
  cache.store(key, "value");
  EXPECT_FALSE(cache.find(key).has_value());
  cache.trim(0);
  EXPECT_EQ(cache.problem(), "");
}

TEST_F(ContentCacheTest, SaysWhyItCannotStore) {
  write(folder + "/file", "");
  ContentCache cache(folder + "/file/below");
  cache.store(key, "value");
  EXPECT_NE(cache.problem().find("cannot keep results in " + folder + "/file/below: "), std::string::npos)
      << cache.problem();
  EXPECT_EQ(cache.stores(), 0u);
}

TEST_F(ContentCacheTest, TrimRemovesWhatWasNotUsedForLongest) {
  ContentCache cache(folder);
  std::vector<std::string> keys;
  for (int i = 0; i < 4; ++i) {
    keys.push_back(makeKey({std::to_string(i)}));
    cache.store(keys.back(), std::string(1000, 'x'));
    fs::path file = folder + "/" + keys[i].substr(0, 2) + "/" + keys[i].substr(2);
    fs::last_write_time(file, fs::last_write_time(file) - std::chrono::hours(10 - i));
  }
  write(folder + "/" + "precious.txt", std::string(5000, 'x')); // somebody's own
  EXPECT_TRUE(cache.find(keys[0]).has_value());                 // used now
  cache.trim(2500);
  EXPECT_TRUE(cache.find(keys[0]).has_value());
  EXPECT_FALSE(cache.find(keys[1]).has_value());
  EXPECT_FALSE(cache.find(keys[2]).has_value());
  EXPECT_TRUE(cache.find(keys[3]).has_value());
  cache.trim(0);
  EXPECT_EQ(files(), std::vector<fs::path>{folder + "/precious.txt"});
}

TEST_F(ContentCacheTest, DefaultFolderFollowsTheDesktopStandard) {
  std::string cache = getenv("XDG_CACHE_HOME") ? getenv("XDG_CACHE_HOME") : "",
              home = getenv("HOME") ? getenv("HOME") : "";
  setenv("XDG_CACHE_HOME", "/some/cache", 1);
  setenv("HOME", "/home/someone", 1);
  EXPECT_EQ(ContentCache::defaultFolder(), "/some/cache/vlpc");
  setenv("XDG_CACHE_HOME", "relative", 1); // the standard: to be ignored
  EXPECT_EQ(ContentCache::defaultFolder(), "/home/someone/.cache/vlpc");
  unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(ContentCache::defaultFolder(), "/home/someone/.cache/vlpc");
  unsetenv("HOME");
  EXPECT_EQ(ContentCache::defaultFolder(), "");
  if (!cache.empty())
    setenv("XDG_CACHE_HOME", cache.c_str(), 1);
  setenv("HOME", home.c_str(), 1);
}
