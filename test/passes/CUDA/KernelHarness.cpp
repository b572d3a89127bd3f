// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The harness behind every CUDA kernel test.
#include "test/passes/CUDA/KernelHarness.h"

#include "test/passes/CUDA/CompiledKernel.h"
#include "test/passes/CUDA/SimulatedRun.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;

std::vector<cuda::PtxCounts> test::checkKernel(const KernelCase &c, const std::string &matmulTile) {
  SCOPED_TRACE(moduleText(c));
  MLIRContext context(MLIRContext::Threading::DISABLED);
  loadDialects(context);
  PreparedCase prepared = prepare(c, context);
  if (!prepared.kernel)
    return {};
  std::vector<cuda::PtxCounts> counts;
  for (const char *chip : {"sm_80", "sm_90"}) {
    SCOPED_TRACE(chip);
    std::unique_ptr<CompiledKernel> code = compileKernel(prepared.kernel, chip, matmulTile);
    if (!code)
      return counts;
    judge(*code, chip);
    if (StringRef(chip) != "sm_80")
      continue;
    counts = code->lint.kernels;
    simulate(c, prepared, {code->plan, code->symbols, *code->device, largestShared(chip)});
  }
  return counts;
}

void test::checkReports(const KernelCase &c) {
  SCOPED_TRACE(moduleText(c));
  MLIRContext context(MLIRContext::Threading::DISABLED);
  loadDialects(context);
  PreparedCase prepared = prepare(c, context);
  if (!prepared.kernel)
    return;
  const char *chip = "sm_80";
  if (std::unique_ptr<CompiledKernel> code = lowerKernel(prepared.kernel, chip))
    simulate(c, prepared, {code->plan, code->symbols, *code->device, largestShared(chip)}, /*checkedOnly=*/true);
}
