// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards that a file holds old or new bytes, never a part, and that failures leave nothing behind.
#include "runtime/core/AtomicFile.h"
#include "TestModule.h"

#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;

static std::span<const std::byte> bytesOf(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

static size_t countFiles(const TemporaryFolder &folder) {
  return size_t(std::distance(std::filesystem::directory_iterator(folder.path), {}));
}

TEST(AtomicFile, ReplacesOnCommitOnly) {
  TemporaryFolder folder;
  std::string path = folder.file("data");
  writeFile(path, "old");
  {
    auto file = AtomicFile::create(path);
    ASSERT_TRUE(file) << file.status().message();
    ASSERT_TRUE(file->write(bytesOf("new")));
    EXPECT_EQ(readFile(path), "old");
    ASSERT_TRUE(file->commit());
  }
  EXPECT_EQ(readFile(path), "new");
  EXPECT_EQ(countFiles(folder), 1u);
}

TEST(AtomicFile, AbandonedLeavesNothing) {
  TemporaryFolder folder;
  std::string path = folder.file("data");
  writeFile(path, "old");
  {
    auto file = AtomicFile::create(path);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write(bytesOf(std::string(3 << 20, 'x'))));
  }
  EXPECT_EQ(readFile(path), "old");
  EXPECT_EQ(countFiles(folder), 1u);
}

TEST(AtomicFile, SmallAndLargePiecesInOrder) {
  TemporaryFolder folder;
  std::string path = folder.file("data"), expected;
  auto file = AtomicFile::create(path);
  ASSERT_TRUE(file);
  for (size_t size : {size_t(0), size_t(1), size_t(1) << 20, size_t(5), (size_t(1) << 20) + 1, size_t(1)}) {
    std::string piece(size, char('a' + expected.size() % 26));
    ASSERT_TRUE(file->write(bytesOf(piece)));
    expected += piece;
  }
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(readFile(path), expected);
}

TEST(AtomicFile, SaysWhereItCannotWrite) {
  TemporaryFolder folder;
  auto missing = AtomicFile::create(folder.file("no/such/folder/data"));
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.status().message().find("no/such/folder"), std::string::npos) << missing.status().message();
  auto isFolder = AtomicFile::create(folder.path.string());
  ASSERT_FALSE(isFolder);
  EXPECT_NE(isFolder.status().message().find("is a folder"), std::string::npos);
  EXPECT_FALSE(AtomicFile::create(""));
}
