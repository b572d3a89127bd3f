// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Parses, compiles, loads and launches.
#include "test/passes/Sim/SimKernel.h"

#include "passes/Sim/CompileSim.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/SourceMgr.h"
#include <cstring>
#include <gtest/gtest.h>

using namespace vlp;

static constexpr const char *kDeclarations = R"(
target triple = "nvptx64-nvidia-cuda"
@smem = external addrspace(3) global [0 x i8], align 128
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.nctaid.x()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare void @llvm.nvvm.bar.warp.sync(i32)
declare i32 @llvm.nvvm.shfl.sync.up.i32(i32, i32, i32, i32)
declare i32 @llvm.nvvm.shfl.sync.down.i32(i32, i32, i32, i32)
declare i32 @llvm.nvvm.shfl.sync.bfly.i32(i32, i32, i32, i32)
declare i32 @llvm.nvvm.shfl.sync.idx.i32(i32, i32, i32, i32)
declare float @llvm.nvvm.shfl.sync.up.f32(i32, float, i32, i32)
declare float @llvm.nvvm.shfl.sync.down.f32(i32, float, i32, i32)
declare float @llvm.nvvm.shfl.sync.bfly.f32(i32, float, i32, i32)
declare float @llvm.nvvm.shfl.sync.idx.f32(i32, float, i32, i32)
declare i32 @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x1.b16.p3(ptr3)
declare {i32, i32} @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x2.b16.p3(ptr3)
declare {i32, i32, i32, i32} @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3(ptr3)
declare i32 @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x1.trans.b16.p3(ptr3)
declare {i32, i32} @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x2.trans.b16.p3(ptr3)
declare {i32, i32, i32, i32} @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.trans.b16.p3(ptr3)
declare {float, float, float, float} @llvm.nvvm.mma.m16n8k16.row.col.bf16(i32, i32, i32, i32, i32, i32, float, float, float, float)
declare {float, float, float, float} @llvm.nvvm.mma.m16n8k8.row.col.tf32(i32, i32, i32, i32, i32, i32, float, float, float, float)
declare void @llvm.nvvm.cp.async.ca.shared.global.4(ptr3, ptr1)
declare void @llvm.nvvm.cp.async.ca.shared.global.8(ptr3, ptr1)
declare void @llvm.nvvm.cp.async.ca.shared.global.16(ptr3, ptr1)
declare void @llvm.nvvm.cp.async.cg.shared.global.16(ptr3, ptr1)
declare void @llvm.nvvm.cp.async.ca.shared.global.4.s(ptr3, ptr1, i32)
declare void @llvm.nvvm.cp.async.ca.shared.global.8.s(ptr3, ptr1, i32)
declare void @llvm.nvvm.cp.async.ca.shared.global.16.s(ptr3, ptr1, i32)
declare void @llvm.nvvm.cp.async.cg.shared.global.16.s(ptr3, ptr1, i32)
declare void @llvm.nvvm.cp.async.commit.group()
declare void @llvm.nvvm.cp.async.wait.group(i32)
declare i32 @llvm.nvvm.f2tf32.rna(float)
declare float @llvm.nvvm.ex2.approx.f32(float)
declare float @llvm.nvvm.ex2.approx.ftz.f32(float)
declare float @llvm.fma.f32(float, float, float)
declare float @llvm.sqrt.f32(float)
)";

std::string test::with(std::string body, const std::vector<std::pair<std::string, std::string>> &values) {
  for (const auto &[name, value] : values)
    for (size_t at = 0; (at = body.find(name, at)) != std::string::npos; at += value.size())
      body.replace(at, name.size(), value);
  return body;
}

std::string test::sharedAt(const std::string &name, const std::string &offset) {
  return "  %" + name + " = getelementptr i8, ptr3 @smem, i32 " + offset + "\n";
}

std::string test::wordOf(const std::string &name, const std::string &parameter, const std::string &index) {
  return "  %" + name + " = getelementptr i32, ptr1 %" + parameter + ", i32 " + index + "\n";
}

std::string test::moduleText(const KernelText &kernel) {
  std::string parameters;
  for (size_t i = 0; i < kernel.inputs.size(); ++i)
    parameters += "ptr1 %in" + std::to_string(i) + ", ";
  std::string text = std::string(kDeclarations) + "define ptx_kernel void @k(" + parameters +
                     "ptr1 %out) \"nvvm.reqntid\"=\"" + std::to_string(kernel.threads) +
                     "\" {\nentry:\n  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n" +
                     "  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()\n" + kernel.body + "  ret void\n}\n";
  return with(text, {{"ptr1", "ptr addrspace(1)"}, {"ptr3", "ptr addrspace(3)"}});
}

/// The shared object, or nothing and the reason.
static std::string compile(const std::string &text, std::string &error) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(text, diagnostic, context);
  if (!module) {
    ADD_FAILURE() << "line " << diagnostic.getLineNo() << ": " << diagnostic.getMessage().str() << "\n"
                  << diagnostic.getLineContents().str();
    return "";
  }
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  EXPECT_FALSE(llvm::verifyModule(*module, &stream)) << problem;
  auto object = sim::compileModule(*module, [&](const std::string &text) { error += text; });
  EXPECT_EQ(succeeded(object), error.empty());
  return succeeded(object) ? *object : "";
}

std::string test::compile(const std::string &module) {
  std::string error, object = ::compile(module, error);
  EXPECT_EQ(error, "");
  return object;
}

std::string test::compileError(const std::string &module) {
  std::string error;
  ::compile(module, error);
  return error;
}

test::LoadedKernel::LoadedKernel(const KernelText &kernel) : kernel(kernel) {
  auto loaded = sim::Code::load(compile(moduleText(kernel)));
  EXPECT_TRUE(loaded) << loaded.status().message();
  if (loaded)
    code = std::move(*loaded);
}

test::Outcome test::LoadedKernel::run(const sim::EngineOptions &options) const {
  if (!code)
    return {Status::invalid("no code"), {}, {}};
  sim::GlobalMemory memory;
  sim::Engine engine(memory, options);
  std::vector<uint64_t> parameters;
  for (const Words &input : kernel.inputs) {
    std::byte *buffer = memory.allocate(input.size() * 4);
    std::memcpy(buffer, input.data(), input.size() * 4);
    memory.markInitialised(buffer, input.size() * 4);
    parameters.push_back(reinterpret_cast<uint64_t>(buffer));
  }
  std::byte *out = memory.allocate(kernel.resultWords * 4);
  parameters.push_back(reinterpret_cast<uint64_t>(out));
  sim::LaunchConfig config{kernel.blocks, kernel.threads, kernel.shared};
  Outcome outcome;
  outcome.status = engine.launch(*code, *code->find("k"), config, parameters);
  outcome.findings = engine.findings();
  const auto *words = reinterpret_cast<const uint32_t *>(out);
  outcome.result.assign(words, words + kernel.resultWords);
  return outcome;
}

test::Outcome test::run(const KernelText &kernel, const sim::EngineOptions &options) {
  return LoadedKernel(kernel).run(options);
}

test::Words test::runEverywhere(const KernelText &kernel) {
  using sim::ThreadOrder;
  const std::pair<const char *, sim::EngineOptions> modes[] = {
      {"forward", {.order = ThreadOrder::Forward, .workers = 1}},
      {"forward, copies at once", {.order = ThreadOrder::Forward, .lateCopies = false, .workers = 1}},
      {"reverse, three host threads", {.order = ThreadOrder::Reverse, .workers = 3}},
      {"random 1", {.order = ThreadOrder::Random, .seed = 1, .workers = 1}},
      {"random 2, three host threads", {.order = ThreadOrder::Random, .seed = 2, .workers = 3}},
      {"checked, forward", {.checked = true}},
      {"checked, reverse", {.checked = true, .order = ThreadOrder::Reverse}},
      {"checked, random", {.checked = true, .order = ThreadOrder::Random, .seed = 3, .lateCopies = false}}};
  LoadedKernel loaded(kernel);
  Words first;
  for (const auto &[name, options] : modes) {
    SCOPED_TRACE(name);
    Outcome outcome = loaded.run(options);
    EXPECT_TRUE(outcome.status.isOk()) << outcome.status.message();
    for (const sim::Finding &finding : outcome.findings)
      ADD_FAILURE() << finding.message;
    if (first.empty())
      first = outcome.result;
    EXPECT_EQ(first, outcome.result);
  }
  return first;
}
