// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The AdamW emitter against the interpreter: tails, many parameters a kernel, steps from 1 to a million, the finite
// flag.
#include "test/passes/CUDA/CompiledKernel.h"
#include "test/passes/CUDA/KernelHarness.h"

#include <cmath>
#include <gtest/gtest.h>

using vlp::test::checkKernel;
using vlp::test::KernelCase;

namespace {

/// Updates of parameters of `shapes` (with the element type) in one kernel. Inputs: parameter, gradient and moments of
/// each; then the scalars.
KernelCase updates(const std::vector<std::string> &shapes, bool decay) {
  KernelCase c;
  c.anchor = "adamw";
  std::vector<std::string> scalarTypes = {"i32", "f32", "f32", "f32", "f32", "f32", "f32", "i32"};
  size_t firstScalar = 4 * shapes.size();
  for (size_t i = 0; i < shapes.size(); ++i) {
    std::string operands, types, n = std::to_string(i), t = "tensor<" + shapes[i] + ">";
    for (size_t j = 0; j < 4; ++j) {
      operands += (j ? ", %a" : "%a") + std::to_string(4 * i + j);
      types += (j ? ", " : "") + t;
      c.inputs.push_back(shapes[i]);
    }
    for (size_t j = 0; j < scalarTypes.size(); ++j) {
      operands += ", %a" + std::to_string(firstScalar + j);
      types += ", tensor<" + scalarTypes[j] + ">";
    }
    c.body += "%p" + n + ", %m" + n + ", %v" + n + " = vlp.adamw " + operands + (decay ? " {decay}" : "") + " : (" +
              types + ") -> (" + t + ", " + t + ", " + t + ")\n";
    for (const char *name : {"%p", "%m", "%v"}) {
      c.yields.push_back(name + n);
      c.results.push_back(shapes[i]);
    }
  }
  c.inputs.insert(c.inputs.end(), scalarTypes.begin(), scalarTypes.end());
  c.positive = true; // the second moment is
  return c;
}

/// Sets the scalars: what training uses, at `step`.
void setScalars(KernelCase &c, double step, double enabled, double scale = 1) {
  unsigned at = c.inputs.size() - 8;
  for (double value : {step, 5e-4, 0.9, 0.98, 1e-6, 0.2, scale, enabled})
    c.given[at++] = {value};
}

TEST(AdamW, TailsAndDecay) {
  for (const char *shape : {"1xf32", "37xf32", "3x5x7xf32", "4096xf32", "17x242xf32", "f32"})
    for (bool decay : {false, true}) {
      KernelCase c = updates({shape}, decay);
      setScalars(c, 7, 1, 0.25);
      checkKernel(c);
    }
}

// 1 - 0.98^t loses its digits in f32 while t is small, and beta^t underflows at the end.
TEST(AdamW, FirstAndLateSteps) {
  for (double step : {1.0, 2.0, 1000.0, 1e6, 2147483647.0}) {
    KernelCase c = updates({"10xf32"}, true);
    setScalars(c, step, 1);
    checkKernel(c);
  }
}

// The gradients of a step that is not finite change nothing.
TEST(AdamW, LeavesAloneWhenDisabled) {
  KernelCase c = updates({"21xf32", "8xf32"}, true);
  setScalars(c, 3, 0, NAN);
  c.given[1] = std::vector<double>(21, NAN);
  c.given[5] = std::vector<double>(8, INFINITY);
  c.tolerance = 0;
  checkKernel(c);
}

TEST(AdamW, ManyParametersInOneKernel) {
  std::vector<std::string> shapes = {"1xf32", "4100xf32", "7x3xf32", "f32", "8192xf32", "64xf32", "4095xf32"};
  for (size_t count : {2u, 3u, 7u}) {
    KernelCase c = updates({shapes.begin(), shapes.begin() + count}, count == 3);
    setScalars(c, 12, 1, 0.5);
    checkKernel(c);
  }
}

// As many as vlp-batch-updates puts together.
KernelCase fullBatch() {
  std::vector<std::string> shapes;
  for (int i = 0; i < 64; ++i)
    shapes.push_back(std::to_string(1 + i % 5) + "x" + std::to_string(3 + i) + "xf32");
  KernelCase c = updates(shapes, true);
  setScalars(c, 12, 1);
  return c;
}

TEST(AdamW, FullBatch) { checkKernel(fullBatch()); }

// 456 pointers must not live in registers: 76 are used, and 213 were with pointers selected one by one.
TEST(AdamW, FullBatchTakesFewRegisters) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  vlp::test::loadDialects(context);
  vlp::test::PreparedCase prepared = vlp::test::prepare(fullBatch(), context);
  for (const char *chip : {"sm_80", "sm_90"}) {
    auto code = vlp::test::compileKernel(prepared.kernel, chip);
    ASSERT_TRUE(code);
    EXPECT_LE(code->cubin.kernels.at(0).registers, 96u) << chip;
  }
}

TEST(AdamW, StoredInBF16) {
  KernelCase c = updates({"12xbf16", "5xbf16"}, true);
  setScalars(c, 4, 1);
  checkKernel(c);
}

} // namespace
