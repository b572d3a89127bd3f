// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loading of code sections that are damaged, foreign or of another version.
#include "runtime/sim/Engine.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>

using namespace vlp;
using testing::HasSubstr;

namespace {

std::string errorOf(std::span<const char> bytes) {
  auto code = sim::Code::load(bytes);
  EXPECT_FALSE(code);
  return code ? "" : code.status().message();
}

std::vector<char> fileBytes(const char *path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(CodeSections, RefusesWhatIsCutOff) {
  std::vector<char> bytes = fileBytes(VLP_TEST_MODULE_OF_TODAY);
  EXPECT_THAT(errorOf(std::span(bytes).first(16)), HasSubstr("is not a shared object"));
  // Where the pages are that the loader touches; what lies behind the last segment is for debuggers.
  for (size_t size : {64, 100, 1000, 4096, 5000})
    EXPECT_THAT(errorOf(std::span(bytes).first(size)), HasSubstr("is cut off")) << size;
}

TEST(CodeSections, RefusesAnotherVersion) {
  EXPECT_EQ(errorOf(fileBytes(VLP_TEST_MODULE_OF_TOMORROW)),
            "the simulator's section has version " + std::to_string(VLP_SIM_VERSION + 1) + ", expected " +
                std::to_string(VLP_SIM_VERSION) + "; compile the model again with this version's vlpc");
}

TEST(CodeSections, RefusesOtherLibraries) {
  EXPECT_THAT(errorOf(fileBytes(VLP_TEST_OTHER_LIBRARY)), HasSubstr("lacks kernels: vlp_sim_module"));
}

TEST(CodeSections, LoadsSeveralOnesAtOnce) {
  std::vector<char> bytes = fileBytes(VLP_TEST_MODULE_OF_TODAY);
  auto first = sim::Code::load(bytes), second = sim::Code::load(bytes);
  ASSERT_TRUE(first && second);
  EXPECT_NE(&(*first)->module(), &(*second)->module());
  const vlp_sim_kernel *kernel = (*first)->find("nothing");
  ASSERT_NE(kernel, nullptr);
  EXPECT_TRUE((*first)->contains(reinterpret_cast<uintptr_t>(kernel->plain)));
  EXPECT_FALSE((*second)->contains(reinterpret_cast<uintptr_t>(kernel->plain)));
  EXPECT_FALSE((*first)->contains(reinterpret_cast<uintptr_t>(&bytes)));
  EXPECT_EQ((*first)->siteAt(reinterpret_cast<uintptr_t>(kernel->plain)), UINT32_MAX);
  EXPECT_EQ((*first)->describe(0), "an instruction");
  EXPECT_EQ((*first)->describe(1), "");
  first->reset(); // and the other stays
  sim::GlobalMemory memory;
  sim::Engine engine(memory, {});
  EXPECT_TRUE(engine.launch(**second, *(*second)->find("nothing"), {.blocks = 5, .threads = 7}, {}).isOk());
}

} // namespace
