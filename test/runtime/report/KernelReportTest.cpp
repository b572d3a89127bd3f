// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the sums, roofs and tables of the kernel report, also where a file lacks what they are made of.
#include "runtime/report/KernelReport.h"
#include "runtime/report/KernelJson.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace vlp;
using namespace vlp::report;

namespace {

format::Kernel &addKernel(format::Program &program, const char *name, uint32_t registers, uint32_t tensor,
                          uint32_t tf32) {
  format::Kernel &kernel = *program.add_kernels();
  kernel.set_name(name);
  kernel.set_anchor("matmul");
  kernel.set_registers(registers);
  kernel.set_tensor_instructions(tensor);
  kernel.set_tf32_instructions(tf32);
  kernel.set_instructions(1000);
  return kernel;
}

void addLaunch(format::Entry &entry, uint32_t kernel, double flops, double bytes, uint64_t shared = 0) {
  format::Launch &launch = *entry.add_ops()->mutable_launch();
  launch.set_kernel(kernel);
  launch.set_flops(flops);
  launch.set_bytes(bytes);
  launch.set_threads(256);
  launch.set_shared(shared);
  for (uint64_t size : {4000, 40})
    launch.add_args()->set_size(size);
}

/// A matmul in bf16, one in f32, their sum of partials, and a copy.
format::Manifest smallManifest() {
  format::Manifest manifest;
  manifest.add_programs()->set_target("cpu");
  manifest.mutable_programs(0)->set_chip("x86-64-v3");
  format::Program &program = *manifest.add_programs();
  program.set_target("cuda");
  program.set_chip("sm_80");
  addKernel(program, "bf16_matmul", 168, 64, 0).set_spills(12);
  addKernel(program, "f32_matmul", 128, 96, 96);
  addKernel(program, "f32_matmul_sum", 32, 0, 0).set_local_instructions(3);
  format::Entry &entry = *program.add_entries();
  entry.set_name("train");
  addLaunch(entry, 0, 312e9, 1e6, 98304);
  addLaunch(entry, 0, 312e9, 1e6, 98304);
  addLaunch(entry, 1, 52e9, 1e6);
  addLaunch(entry, 2, 0, 0);
  entry.add_ops()->mutable_copy()->mutable_src()->set_size(64);
  program.add_entries()->set_name("empty");
  return manifest;
}

} // namespace

TEST(KernelReport, Roofs) {
  format::Program program;
  const GpuPeak &a100 = gpuPeaks()[0];
  format::Kernel bf16 = addKernel(program, "a", 1, 2, 0), tf32 = addKernel(program, "b", 1, 2, 2),
                 plain = addKernel(program, "c", 1, 0, 0);
  EXPECT_DOUBLE_EQ(roofOf(bf16, 312e12, 1, a100).seconds, 1);
  EXPECT_DOUBLE_EQ(roofOf(tf32, 52e12, 1, a100).seconds, 1); // three products each
  EXPECT_DOUBLE_EQ(roofOf(plain, 19.5e12, 1, a100).seconds, 1);
  EXPECT_TRUE(roofOf(bf16, 312e12, 1, a100).computeBound);
  EXPECT_DOUBLE_EQ(roofOf(bf16, 1, 2039e9, a100).seconds, 1);
  EXPECT_FALSE(roofOf(bf16, 1, 2039e9, a100).computeBound);
  EXPECT_EQ(roofOf(plain, 0, 0, a100).seconds, 0);
}

TEST(KernelReport, SumsOverLaunches) {
  format::Manifest manifest = smallManifest();
  std::vector<EntryKernels> entries = sumKernels(manifest.programs(1));
  ASSERT_EQ(entries.size(), 2u);
  const EntryKernels &train = entries[0];
  EXPECT_EQ(train.launches, 4);
  ASSERT_EQ(train.kernels.size(), 3u);
  EXPECT_EQ(train.kernels[0].kernel->name(), "bf16_matmul"); // 2 ms, the slowest
  EXPECT_EQ(train.kernels[0].launches, 2);
  EXPECT_EQ(train.kernels[0].shared, 98304u);
  EXPECT_NEAR(train.kernels[0].roofs[0].seconds, 2e-3, 1e-12);
  EXPECT_NEAR(train.kernels[1].roofs[0].seconds, 1e-3, 1e-12);
  EXPECT_EQ(train.kernels[2].bytes, 4040); // what its arguments hold
  EXPECT_FALSE(train.kernels[2].roofs[0].computeBound);
  EXPECT_NEAR(train.roofs[0].seconds, 3e-3 + 4040 / 2039e9, 1e-12);
  EXPECT_TRUE(train.roofs[0].computeBound);
  EXPECT_EQ(train.flops, 676e9);
  EXPECT_EQ(entries[1].launches, 0);
  EXPECT_EQ(entries[1].roofs[0].seconds, 0);
}

TEST(KernelReport, FindsTheProgram) {
  format::Manifest manifest = smallManifest();
  std::string why;
  for (const char *target : {"", "cuda", "cuda:sm_80"})
    EXPECT_EQ(findKernelProgram(manifest, target, why), &manifest.programs(1)) << target;
  for (const char *target : {"cuda:sm_90", "cpu", "cpu:x86-64-v3", "sim"}) {
    EXPECT_EQ(findKernelProgram(manifest, target, why), nullptr) << target;
    EXPECT_EQ(why, "expected code for " + std::string(target) +
                       ", the file has cpu:x86-64-v3, cuda:sm_80; compile with --target=cuda:CHIP");
  }
  EXPECT_EQ(findKernelProgram(format::Manifest(), "", why), nullptr);
  EXPECT_EQ(why, "expected code for cuda, the file has none; compile with --target=cuda:CHIP");
}

TEST(KernelReport, Text) {
  format::Manifest manifest = smallManifest();
  std::string text = describeKernels(manifest.programs(1));
  for (const char *part : {"train: 4 launches a run, at least 3.000 ms on A100, ", "(cuda sm_80)", "empty: 0 launches",
                           "2000.0 C", "f32_matmul_sum", "96.0 KiB", "12 %", "NVIDIA L4 data sheet"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  std::string html = kernelsHtml(manifest.programs(1));
  EXPECT_NE(html.find("<td class=\"left\">bf16_matmul</td>"), std::string::npos) << html;
}

TEST(KernelReport, KernelsThatFitNowhereAndChipsThatNobodyKnows) {
  format::Manifest manifest = smallManifest();
  format::Program &program = *manifest.mutable_programs(1);
  program.mutable_entries(0)->mutable_ops(0)->mutable_launch()->set_shared(200 << 10);
  EXPECT_NE(describeKernels(program).find("none fits"), std::string::npos);
  program.set_chip("sm_999");
  EXPECT_EQ(describeKernels(program).find("none fits"), std::string::npos);
  program.mutable_entries(0)->mutable_ops(0)->mutable_launch()->set_kernel(
      77); // refused when a file is opened; no crash here
  EXPECT_EQ(sumKernels(program)[0].launches, 3);
}

TEST(KernelReport, Json) {
  format::Manifest manifest = smallManifest();
  auto document = nlohmann::json::parse(kernelsJson(manifest.programs(1), "small.vlp"));
  EXPECT_EQ(document["chip"], "sm_80");
  EXPECT_EQ(document["boards"].size(), 3u);
  auto &train = document["entries"][0];
  EXPECT_EQ(train["launches"], 4);
  EXPECT_EQ(train["kernels"][0]["name"], "bf16_matmul");
  EXPECT_EQ(train["kernels"][0]["spill_bytes"], 12);
  EXPECT_EQ(train["kernels"][0]["blocks"], 1);
  EXPECT_EQ(train["kernels"][0]["roofs"]["A100"]["bound"], "compute");
  EXPECT_EQ(train["kernels"][2]["local_instructions"], 3);
  EXPECT_TRUE(nlohmann::json::accept(kernelsJson(format::Program(), "x")));
}
