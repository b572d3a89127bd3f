// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Plan, code and statistics of a kernel, as vlpc makes them.
#include "test/passes/CUDA/CompiledKernel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/CUDA/Emitters.h"
#include "passes/Plan/EmitKernels.h"
#include "llvm/ADT/StringSwitch.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::test;

// As CUDA's programming guide lists them.
int64_t test::largestShared(StringRef chip) {
  return llvm::StringSwitch<int64_t>(chip)
      .Case("sm_80", 163 << 10)
      .Cases({"sm_86", "sm_89", "sm_120"}, 99 << 10)
      .Default(227 << 10);
}
/// Warps are dealt to four schedulers, each with registers of its own.
static constexpr int64_t kWarp = 32, kLargestBlock = 1024, kSchedulers = 4, kSchedulerRegisters = 16384;

void test::loadDialects(MLIRContext &context) {
  DialectRegistry registry;
  registry.insert<VLPDialect, func::FuncDialect>();
  cuda::registerDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
}

static std::vector<KernelToEmit> functionsOf(KernelOp kernel, CompiledKernel &out) {
  std::vector<KernelToEmit> items;
  for (unsigned i = 0; i < out.plan.launches.size(); ++i) {
    std::string symbol = "kernel" + out.plan.launches[i].suffix;
    if (!llvm::is_contained(out.symbols, symbol))
      items.push_back({kernel, &out.plan, i, symbol});
    out.symbols.push_back(symbol);
  }
  return items;
}

/// Plan and LLVM IR. The stage that failed, or nothing.
static std::string lower(KernelOp kernel, const TargetInfo &target, CompiledKernel &out) {
  const Emitter *emitter = cuda::findEmitter(kernel.getAnchor());
  if (!emitter)
    return "no emitter for '" + kernel.getAnchor().str() + "'";
  if (std::string why; !emitter->supports(kernel, target, why))
    return why;
  out.plan = emitter->plan(kernel, target);
  auto module = emitKernels(kernel->getContext(), functionsOf(kernel, out), target, cuda::findEmitter);
  if (failed(module) || failed((*module)->verify()))
    return "the emitter fails";
  auto device = cuda::lowerToNVPTX(**module, target, out.context);
  if (failed(device))
    return "no LLVM IR";
  out.device = std::move(*device);
  return "";
}

/// All of it. The stage that failed, or nothing.
static std::string compile(KernelOp kernel, const TargetInfo &target, CompiledKernel &out) {
  if (std::string problem = lower(kernel, target, out); !problem.empty())
    return problem;
  FailureOr<std::string> ptx = cuda::generatePTX(*out.device, target, kernel.getLoc());
  if (failed(ptx))
    return "no PTX";
  out.ptx = std::move(*ptx);
  out.lint = cuda::lintPTX(out.ptx);
  FailureOr<cuda::Cubin> cubin = cuda::assemble(out.ptx, target.chip, kernel.getLoc());
  if (failed(cubin))
    return "this does not assemble:\n" + out.ptx;
  out.cubin = std::move(*cubin);
  return "";
}

std::unique_ptr<CompiledKernel> test::compileKernel(KernelOp kernel, StringRef chip, StringRef matmulTile) {
  auto out = std::make_unique<CompiledKernel>();
  std::string problem = compile(kernel, {"cuda", chip.str(), matmulTile.str()}, *out);
  if (problem.empty())
    return out;
  ADD_FAILURE() << problem;
  return nullptr;
}

std::unique_ptr<CompiledKernel> test::lowerKernel(KernelOp kernel, StringRef chip) {
  auto out = std::make_unique<CompiledKernel>();
  std::string problem = lower(kernel, {"cuda", chip.str()}, *out);
  if (problem.empty())
    return out;
  ADD_FAILURE() << problem;
  return nullptr;
}

void test::judge(const CompiledKernel &code, StringRef chip) {
  for (const std::string &problem : code.lint.problems)
    ADD_FAILURE() << problem;
  for (auto [launch, symbol] : llvm::zip_equal(code.plan.launches, code.symbols)) {
    SCOPED_TRACE(symbol);
    auto found = llvm::find_if(code.cubin.kernels, [&](const auto &kernel) { return kernel.name == symbol; });
    ASSERT_NE(found, code.cubin.kernels.end()) << "the assembler says nothing of it";
    auto counts = llvm::find_if(code.lint.kernels, [&](const auto &kernel) { return kernel.kernel == symbol; });
    ASSERT_NE(counts, code.lint.kernels.end());
    for (const std::string &difference : cuda::compareCounts(*counts, launch.instructions))
      ADD_FAILURE() << difference;
    EXPECT_EQ(found->spillStores + found->spillLoads, 0u) << "bytes of spills";
    EXPECT_EQ(found->stack, 0u) << "bytes of local memory";
    EXPECT_GT(found->registers, 0u);
    EXPECT_GE(launch.tasks, 1);
    EXPECT_LT(launch.tasks, int64_t(1) << 31);
    EXPECT_TRUE(launch.threads >= kWarp && launch.threads <= kLargestBlock && launch.threads % kWarp == 0)
        << launch.threads;
    // Registers are given to a warp in portions of 256.
    int64_t warps = llvm::divideCeil(launch.threads / kWarp, kSchedulers);
    EXPECT_LE(warps * static_cast<int64_t>(llvm::alignTo(found->registers * kWarp, 256)), kSchedulerRegisters);
    EXPECT_LE(found->staticShared + launch.shared, largestShared(chip));
  }
}
