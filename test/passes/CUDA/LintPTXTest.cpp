// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The PTX lint finds each defect it is there for, and counts what kernels are judged by.
#include "passes/CUDA/LintPTX.h"

#include <gtest/gtest.h>

using vlp::cuda::lintPTX;
using vlp::cuda::PtxLint;

namespace {

const char *kClean = R"(
.version 7.0
.target sm_80
.extern .shared .align 128 .b8 smem[];
.shared .align 16 .b8 table[64];
.visible .entry first(
	.param .u64 .ptr .global .align 1 first_param_0
)
.reqntid 128
{
	.reg .b32 	%r<9>;
	.shared .align 16 .b8 inner[32];
	ld.param.b64 	%rd1, [first_param_0];
	@%p1 cp.async.cg.shared.global [%r1], [%rd1], 16;
	cp.async.cg.shared.global [%r1], [%rd1], 16, %r2;
	cp.async.ca.shared.global [%r1], [%rd1], 4;
	cp.async.commit_group;
	cp.async.wait_group 0;
	bar.sync 	0;
	ldmatrix.sync.aligned.m8n8.x4.shared.b16 	{%r1, %r2, %r3, %r4}, [%r5];
	mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1}, {%r1}, {%r5}, {%f1};
	ld.global.v4.b32 	{%r1, %r2, %r3, %r4}, [%rd1];
	ld.global.nc.v2.b64 	{%rd1, %rd2}, [%rd1];
	@%p2 st.global.v4.b32 	[%rd1], {%r1, %r2, %r3, %r4};
	st.global.v2.b32 	[%rd1], {%r1, %r2};
	st.global.b32 	[%rd1], %r1; // st.local.b32
	ld.shared.v8.b16 	{%rs1}, [%r1];
	ld.shared.v4.b16 	{%rs1}, [%r1];
	ret;
}
.visible .entry second()
{
	mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f1}, {%r1}, {%r5}, {%f1};
	ret;
}
)";

TEST(LintPTX, CountsByKernel) {
  PtxLint lint = lintPTX(kClean);
  EXPECT_TRUE(lint.problems.empty()) << lint.problems.front();
  ASSERT_EQ(lint.kernels.size(), 2u);
  EXPECT_EQ(lint.kernels[0].kernel, "first");
  EXPECT_EQ(lint.kernels[0].mma, 1u);
  EXPECT_EQ(lint.kernels[0].ldmatrix, 1u);
  EXPECT_EQ(lint.kernels[0].asyncCopies, 3u);
  EXPECT_EQ(lint.kernels[0].wideAsyncCopies, 2u);
  EXPECT_EQ(lint.kernels[0].wideGlobal, 3u);
  EXPECT_EQ(lint.kernels[0].wideShared, 1u);
  EXPECT_EQ(lint.kernels[0].barriers, 1u);
  EXPECT_EQ(lint.kernels[1].kernel, "second");
  EXPECT_EQ(lint.kernels[1].mma, 1u);
  EXPECT_EQ(lint.kernels[1].wideGlobal, 0u);
}

TEST(LintPTX, ComparesWithWhatTilesAskFor) {
  vlp::cuda::PtxCounts counts = lintPTX(kClean).kernels[0];
  EXPECT_TRUE(compareCounts(counts, {}).empty()); // nothing is known
  EXPECT_TRUE(compareCounts(counts, {1, 1, 3, 2, 3, 1}).empty());
  EXPECT_EQ(compareCounts(counts, {2, 2, 4, 3, 4, 2}).size(), 6u);
  EXPECT_EQ(compareCounts(counts, {1, 1, 3, 3, {}, {}}),
            std::vector<std::string>{"kernel 'first': expected 3 cp.async of 16 bytes by its tiles, the PTX has 2"});
}

/// The clean text with `line` in the body of its first kernel.
std::vector<std::string> problemsOf(const std::string &line) {
  std::string text = kClean, mark = "\tbar.sync";
  text.insert(text.find(mark), line + "\n");
  return lintPTX(text).problems;
}

TEST(LintPTX, ReportsEachDefectOnce) {
  for (const char *line : {
           "\t.shared .align 2 .b8 tile[4096];", // ldmatrix and cp.async fault
           "\t.shared .b8 tile[4096];",          // no alignment at all
           "\t.shared .align 128 .b8 smem2;",    // dynamic memory that became one byte
           "\t.shared .align 128 .b8 smem2[1];",
           "\t.shared .align 128 .b8 smem2[];", // no size, and not external
           "\t.local .align 8 .b8 \t__local_depot0[64];",
           "\tld.local.b32 \t%r1, [%rd1];",
           "\t@%p1 st.local.v4.b32 \t[%rd1], {%r1, %r2, %r3, %r4};",
           "\tcall.uni (retval0), __nv_expf, (param0);",
           "\t{ call (retval0), vprintf, (param0); }",
       }) {
    auto problems = problemsOf(line);
    ASSERT_EQ(problems.size(), 1u) << line;
    EXPECT_NE(problems[0].find("kernel 'first'"), std::string::npos) << problems[0];
  }
  EXPECT_EQ(lintPTX(".visible .func (.param .b32 retval) helper()\n{\nret;\n}\n").problems.size(), 1u);
}

} // namespace
