// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs the vlp-run program and keeps what it prints; a fixture with a toy model, data and a short run.
#pragma once

#include "test/runtime/train/ToyClip.h"

#include <gtest/gtest.h>

namespace vlp::test {

struct ToolResult {
  int exitCode;
  std::string out, err;
};

class ToolTest : public testing::Test {
protected:
  /// Model, data (shapes of 16 pixels) and one run of 40 steps, made once for all tests.
  static void SetUpTestSuite();
  static void TearDownTestSuite();

  /// Runs `vlp-run ARGUMENTS` through the shell, in the folder of the fixture: "model.vlp", "shapes" and "run" lie
  /// there.
  static ToolResult tool(const std::string &arguments);
  /// Expects exit 0 and returns standard output.
  static std::string succeeds(const std::string &arguments);
  /// Expects exit 1 and one line on standard error, "error: ...", that holds all of `parts`.
  static void fails(const std::string &arguments, std::initializer_list<const char *> parts);
  static std::string file(const std::string &name) { return folder->file(name); }

  static std::unique_ptr<ScratchFolder> folder;
};

} // namespace vlp::test
