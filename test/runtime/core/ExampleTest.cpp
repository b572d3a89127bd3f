// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs the example in C as a user would: on the toy file, with a seed, with weights, and with what it must refuse.
#include "TestModule.h"
#include "runtime/checkpoint/Checkpoint.h"

#include <cstdio>
#include <gtest/gtest.h>
#include <sys/wait.h>

using namespace vlp;
using namespace vlp::test;

/// What a command prints, standard error included, and its exit status.
static std::pair<std::string, int> runExample(const std::string &arguments) {
  std::FILE *pipe = popen((std::string(VLP_EXAMPLE_ENCODE) + " " + arguments + " 2>&1").c_str(), "r");
  std::string text;
  for (int c; (c = std::fgetc(pipe)) != EOF;)
    text += char(c);
  int status = pclose(pipe);
  return {text, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

/// The toy with an image of the shape that the example asks for, of as many numbers.
static void giveImageShape(format::Manifest &manifest) {
  for (format::Entry &entry : *manifest.mutable_programs(0)->mutable_entries())
    for (format::Tensor &tensor : *entry.mutable_inputs())
      if (tensor.name() == "image") {
        tensor.clear_shape();
        for (int64_t extent : {int64_t(1), int64_t(3), int64_t(1), kToyWidth})
          tensor.add_shape(extent);
      }
}

TEST(Example, EncodesWithSeedAndWeights) {
  TemporaryFolder folder;
  std::string file = folder.file("toy.vlp");
  writeFile(file, toyFile(giveImageShape));
  auto [seeded, status] = runExample(file + " 7");
  EXPECT_EQ(status, 0) << seeded;
  EXPECT_EQ(seeded.find("toy: cosine of image and text "), 0u) << seeded;
  auto session = toySession(folder, 1, giveImageShape);
  ASSERT_TRUE(session);
  session->initialize(7);
  std::string weights = folder.file("weights.safetensors");
  ASSERT_TRUE(saveCheckpoint(*session, weights));
  EXPECT_EQ(runExample(file + " " + weights), std::pair(seeded, 0));
  EXPECT_NE(runExample(file + " 8").first, seeded);
}

TEST(Example, RefusesInOneLine) {
  TemporaryFolder folder;
  std::string file = folder.file("toy.vlp");
  writeFile(file, toyFile());
  auto expect = [](const std::string &arguments, const std::string &part) {
    auto [text, status] = runExample(arguments);
    EXPECT_EQ(status, 1) << text;
    EXPECT_EQ(text.find("error: "), 0u) << text;
    EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
  };
  expect(file + ".none 1", "cannot open");
  expect(file + " none.safetensors", "none.safetensors: cannot open");
  expect(file + " 1", "expected input 'image' of shape");
  writeFile(file, toyFile().substr(0, 5000));
  expect(file + " 1", "truncated: expected ");
  EXPECT_EQ(runExample("").second, 1);
}
