// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the counts of machine instructions on code whose instructions are known, on every chip.
#include "passes/CUDA/Sass.h"
#include "passes/CUDA/Assemble.h"
#include "passes/CUDA/CompileCUDA.h"

#include "mlir/IR/MLIRContext.h"
#include <gtest/gtest.h>

using namespace vlp;

/// Tensor-core work whose results are all used, so that none is removed; and an array that is indexed at run time.
static const char *const kernels = R"(
.version 7.8
.target sm_80
.address_size 64
.extern .shared .align 128 .b8 smem[];
.visible .entry tensor(.param .u64 pa, .param .u64 pb) .maxntid 32 {
  .reg .b32 %r<64>; .reg .b64 %d<8>; .reg .f32 %f<64>;
  ld.param.u64 %d0, [pa]; ld.param.u64 %d1, [pb]; mov.u32 %r0, %tid.x; mul.wide.u32 %d2, %r0, 16;
  add.u64 %d3, %d0, %d2; add.u64 %d4, %d1, %d2; mov.u32 %r1, smem; shl.b32 %r2, %r0, 4; add.u32 %r3, %r1, %r2;
  cp.async.cg.shared.global [%r3], [%d3], 16; cp.async.ca.shared.global [%r3+1024], [%d3+4096], 8;
  cp.async.commit_group; cp.async.wait_group 0; bar.sync 0;
  ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r4, %r5, %r6, %r7}, [%r3];
  ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%r8, %r9, %r10, %r11}, [%r3];
  mov.f32 %f0, 0f00000000;
  mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1,%f2,%f3,%f4}, {%r4,%r5,%r6,%r7}, {%r8,%r9}, {%f0,%f0,%f0,%f0};
  mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1,%f2,%f3,%f4}, {%r4,%r5,%r6,%r7}, {%r10,%r11}, {%f1,%f2,%f3,%f4};
  mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f1,%f2,%f3,%f4}, {%r4,%r5,%r6,%r7}, {%r8,%r9}, {%f1,%f2,%f3,%f4};
  st.global.v4.f32 [%d4], {%f1, %f2, %f3, %f4}; ret;
}
.visible .entry local(.param .u64 pa, .param .u32 n) {
  .local .align 16 .b8 stack[256]; .reg .b32 %r<8>; .reg .b64 %d<8>; .reg .f32 %f<4>;
  ld.param.u64 %d0, [pa]; ld.param.u32 %r1, [n]; mov.u32 %r0, %tid.x; mul.wide.u32 %d2, %r0, 4; add.u64 %d3, %d0, %d2;
  ld.global.f32 %f1, [%d3]; mov.u64 %d4, stack; and.b32 %r2, %r0, 63; mul.wide.u32 %d5, %r2, 4; add.u64 %d5, %d4, %d5;
  st.local.f32 [%d5], %f1; and.b32 %r3, %r1, 63; mul.wide.u32 %d6, %r3, 4; add.u64 %d6, %d4, %d6;
  ld.local.f32 %f2, [%d6]; st.global.f32 [%d3], %f2; ret;
}
)";

static std::vector<cuda::InstructionCounts> countFor(llvm::StringRef chip, std::string *bytes = nullptr) {
  mlir::MLIRContext context;
  auto cubin = cuda::assemble(kernels, chip, mlir::UnknownLoc::get(&context));
  EXPECT_TRUE(succeeded(cubin)) << chip.str();
  if (failed(cubin))
    return {};
  if (bytes)
    *bytes = cubin->bytes;
  auto counts = cuda::countInstructions(cubin->bytes);
  EXPECT_TRUE(bool(counts)) << llvm::toString(counts.takeError());
  if (!counts)
    return {};
  llvm::sort(*counts, [](const auto &a, const auto &b) { return a.kernel < b.kernel; });
  return *counts;
}

TEST(CountInstructions, TensorCoreAndLocalMemoryOnEveryChip) {
  for (llvm::StringRef chip : cuda::supportedChips()) {
    SCOPED_TRACE(chip.str());
    auto counts = countFor(chip);
    ASSERT_EQ(counts.size(), 2u);
    const cuda::InstructionCounts &local = counts[0], &tensor = counts[1];
    EXPECT_EQ(tensor.kernel, "tensor");
    EXPECT_EQ(tensor.tensor, 3u);
    EXPECT_EQ(tensor.tensorTF32, 1u);
    EXPECT_EQ(tensor.local, 0u);
    EXPECT_EQ(tensor.histogram.at("HMMA"), 3u);
    EXPECT_EQ(tensor.histogram.at("LDSM"), 2u);
    EXPECT_EQ(tensor.histogram.at("LDGSTS"), 2u);
    EXPECT_EQ(tensor.histogram.at("STG"), 1u);
    EXPECT_EQ(tensor.histogram.at("BAR"), 1u);
    EXPECT_EQ(tensor.histogram.count("NOP"), 0u);
    EXPECT_EQ(local.kernel, "local");
    EXPECT_EQ(local.tensor, 0u);
    EXPECT_EQ(local.local, 2u);
    EXPECT_EQ(local.histogram.at("LDL"), 1u);
    EXPECT_EQ(local.histogram.at("STL"), 1u);
    for (const cuda::InstructionCounts &kernel : counts) {
      uint32_t sum = 0;
      for (auto &[name, n] : kernel.histogram)
        sum += n;
      EXPECT_EQ(kernel.total, sum);
    }
  }
}

TEST(CountInstructions, BrokenFilesAreRefused) {
  std::string bytes;
  countFor("sm_80", &bytes);
  for (size_t length : {size_t(0), size_t(3), size_t(16), size_t(63), size_t(64), bytes.size() / 2}) {
    auto counts = cuda::countInstructions(llvm::StringRef(bytes).take_front(length));
    EXPECT_FALSE(bool(counts)) << length;
    llvm::consumeError(counts.takeError());
  }
}
