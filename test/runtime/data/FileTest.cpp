// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards file access: errors that name the file, whole-or-nothing writes, child processes without a shell.
#include "test/runtime/data/TestImages.h"

using namespace vlp;
using namespace vlp::data;
using namespace vlp::data::testing;

TEST(File, MissingAndWrongKindsAreNamed) {
  ScratchDirectory dir;
  Expected<Bytes> missing = readFile(dir / "none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.status().code(), StatusCode::NotFound);
  EXPECT_NE(missing.status().message().find("none"), std::string::npos);
  EXPECT_FALSE(readFile(dir.path()));
  EXPECT_FALSE(MappedFile::open(dir.path()));
}

TEST(File, EmptyFilesAndLimits) {
  ScratchDirectory dir;
  writeFile(dir / "empty", "");
  writeFile(dir / "five", "12345");
  EXPECT_TRUE(readFile(dir / "empty")->empty());
  EXPECT_TRUE(MappedFile::open(dir / "empty")->bytes().empty());
  EXPECT_EQ(readFile(dir / "five", 5)->size(), 5u);
  EXPECT_FALSE(readFile(dir / "five", 4));
}

TEST(File, AtomicWriteLeavesNothingBehind) {
  ScratchDirectory dir;
  Bytes content = {1, 2, 3};
  ASSERT_TRUE(writeFileAtomically(dir / "a", content).isOk());
  EXPECT_EQ(*readFile(dir / "a"), content);
  EXPECT_FALSE(writeFileAtomically(dir / "no/such/dir", content).isOk());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(File, TemporaryDirectoryGoesAway) {
  std::filesystem::path path;
  {
    Expected<TemporaryDirectory> dir = TemporaryDirectory::create();
    ASSERT_TRUE(dir);
    path = dir->path();
    writeFile(path / "sub/file", "x");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(File, ProgramsSucceedOrSayWhy) {
  ScratchDirectory dir;
  EXPECT_TRUE(runProgram({"touch", "a name; with $(odd) parts"}, dir.path()).isOk());
  EXPECT_TRUE(std::filesystem::exists(dir / "a name; with $(odd) parts"));
  Status failed = runProgram({"sh", "-c", "echo first; echo the reason >&2; exit 3"}, dir.path());
  EXPECT_NE(failed.message().find("exit status 3: the reason"), std::string::npos) << failed.message();
  EXPECT_NE(runProgram({"no-such-program-of-ours"}, dir.path()).message().find("cannot run"), std::string::npos);
}
