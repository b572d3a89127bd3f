// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checked mode reports nothing on any kernel of CLIP, whatever its sizes: every pair of values of two dimensions once
// an anchor, and with VLP_ALL_SHAPES in the environment every combination.
#include "test/passes/CUDA/UglyShapes.h"
#include "test/passes/CUDA/CoveringSet.h"
#include "test/passes/CUDA/KernelHarness.h"

#include <cstdlib>
#include <gtest/gtest.h>

using namespace vlp::test;

namespace {

struct Widths {
  int width, heads, channels, patch;
};

// Each dimension from cheap to dear: ties of the covering set go to what stands first.
const int kBatches[] = {1, 3, 5};
const int kSequences[] = {1, 17, 50, 77, 197, 257};
const Widths kWidths[] = {{192, 3, 3, 8},  {320, 5, 5, 8},   {512, 8, 2, 16},
                          {588, 7, 3, 14}, {768, 12, 3, 16}, {1024, 16, 4, 16}};
const char *const kTypes[] = {"f32", "bf16"};

struct Shape {
  const Family *family;
  Sizes sizes;
};

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (const Family &family : families()) {
    std::vector<int> counts = {3, 6, 6, 2, static_cast<int>(family.variants.size())};
    for (const Choice &c : std::getenv("VLP_ALL_SHAPES") ? allChoices(counts) : pairwiseChoices(counts)) {
      const Widths &w = kWidths[c[2]];
      Sizes sizes = {kBatches[c[0]], kSequences[c[1]], w.width,      w.heads,
                     w.channels,     w.patch,          kTypes[c[3]], family.variants[c[4]]};
      all.push_back({&family, sizes});
    }
  }
  return all;
}

std::string nameOf(const testing::TestParamInfo<Shape> &info) {
  const Sizes &s = info.param.sizes;
  return std::string(info.param.family->name) + "_" + s.variant + "_" + s.type + "_b" + std::to_string(s.batch) + "_s" +
         std::to_string(s.sequence) + "_w" + std::to_string(s.width);
}

class CudaUglyShapes : public testing::TestWithParam<Shape> {};

TEST_P(CudaUglyShapes, CheckedModeIsSilent) { checkReports(GetParam().family->make(GetParam().sizes)); }

INSTANTIATE_TEST_SUITE_P(All, CudaUglyShapes, testing::ValuesIn(shapes()), nameOf);

} // namespace
