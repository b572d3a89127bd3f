// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs the vlp-run program and keeps what it prints.
#include "test/tools/vlp-run/RunTool.h"

#include <algorithm>
#include <cstdlib>
#include <sys/wait.h>

namespace vlp::test {

std::unique_ptr<ScratchFolder> ToolTest::folder;

void ToolTest::SetUpTestSuite() {
  folder = std::make_unique<ScratchFolder>();
  writeToyClip(file("model.vlp"));
  ASSERT_TRUE(toyShapes(*folder));
  std::filesystem::rename(file("shapes16-6"), file("shapes"));
  ASSERT_EQ(tool("train model.vlp --data=shapes --out=run --steps=40 --threads=1").exitCode, 0);
}

void ToolTest::TearDownTestSuite() { folder.reset(); }

ToolResult ToolTest::tool(const std::string &arguments) {
  std::string command =
      "cd '" + folder->path.string() + "' && '" VLP_RUN "' " + arguments + " >out.txt 2>err.txt </dev/null";
  int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, readText(file("out.txt")), readText(file("err.txt"))};
}

std::string ToolTest::succeeds(const std::string &arguments) {
  ToolResult result = tool(arguments);
  EXPECT_EQ(result.exitCode, 0) << arguments << "\n" << result.err;
  return result.out;
}

void ToolTest::fails(const std::string &arguments, std::initializer_list<const char *> parts) {
  ToolResult result = tool(arguments);
  EXPECT_EQ(result.exitCode, 1) << arguments << "\n" << result.out << result.err;
  size_t begin = result.err.find("error: "); // notes and progress may come before it
  ASSERT_NE(begin, std::string::npos) << arguments << "\n" << result.err;
  std::string line = result.err.substr(begin);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << arguments << "\n" << line;
  for (const char *part : parts)
    EXPECT_NE(line.find(part), std::string::npos) << arguments << "\nexpected: " << part << "\n" << line;
}

} // namespace vlp::test
