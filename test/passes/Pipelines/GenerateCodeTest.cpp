// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards that code depends on the plan and the target alone: not on the number of processes, not on what the cache
// holds; and that what cannot be compiled is reported, kernel by kernel.
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"
#include "passes/CUDA/Assemble.h"
#include "passes/CUDA/Emitters.h"
#include "passes/CUDA/KernelBuilder.h"
#include "passes/Pipelines/Compile.h"
#include "passes/Pipelines/CompilePiece.h"
#include "passes/Pipelines/Registration.h"
#include "passes/Plan/Passes.h"
#include "runtime/format/Container.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;

/// Four kernels, two of which differ in their sizes alone.
static const char *const model = R"(
func.func @f(%x: tensor<37x65xf32> {vlp.name = "x"}, %y: tensor<4x8xf32> {vlp.name = "y"}, %z: tensor<3x5xf32> {vlp.name = "z"})
    -> (tensor<37x65xf32> {vlp.name = "a"}, tensor<4x8xf32> {vlp.name = "b"}, tensor<3x5xf32> {vlp.name = "c"},
        tensor<6x5xf32> {vlp.name = "d"}) attributes {vlp.entry = "f"} {
  %a = vlp.gelu %x : (tensor<37x65xf32>) -> tensor<37x65xf32>
  %b = vlp.gelu %y : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %c = vlp.exp %z : (tensor<3x5xf32>) -> tensor<3x5xf32>
  %d = vlp.concat %z, %z {axis = 0 : i64} : (tensor<3x5xf32>, tensor<3x5xf32>) -> tensor<6x5xf32>
  return %a, %b, %c, %d : tensor<37x65xf32>, tensor<4x8xf32>, tensor<3x5xf32>, tensor<6x5xf32>
})";

namespace {

class GenerateCodeTest : public ::testing::Test {
protected:
  GenerateCodeTest() : context(makeRegistry(), MLIRContext::Threading::DISABLED) {
    registerTargets();
    context.printOpOnDiagnostic(false);
    context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) { problems += diagnostic.str() + "\n"; });
    std::string pattern = (std::filesystem::temp_directory_path() / "vlp-code-XXXXXX").string();
    folder = mkdtemp(pattern.data());
  }
  ~GenerateCodeTest() override {
    registerTargets(); // whatever a test put in place of the emitters
    std::filesystem::remove_all(folder);
  }

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  FailureOr<CompiledModel> compile(std::vector<TargetInfo> targets, CodegenOptions codegen) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(model, &context);
    CompileOptions options;
    options.targets = std::move(targets);
    options.codegen = std::move(codegen);
    return compileModel(*module, options);
  }

  const std::vector<TargetInfo> all = {{"cpu", "x86-64-v3"}, {"cuda", "sm_90"}, {"cuda", "sm_80"}, {"sim", "sm_80"}};
  MLIRContext context;
  std::string folder, problems;
};

/// Calls what no NVPTX code generator knows.
class UnselectableEmitter : public Emitter {
public:
  KernelPlan plan(KernelOp kernel, const TargetInfo &target) const override {
    return cuda::elementwiseEmitter().plan(kernel, target);
  }
  LogicalResult emit(KernelOp kernel, const TargetInfo &, const KernelPlan &plan, unsigned launch, StringRef symbol,
                     ModuleOp module) const override {
    unsigned arguments = plan.launches[launch].arguments.size();
    cuda::KernelBuilder k(module, symbol, kernel.getLoc(), arguments, 32);
    auto i64 = k.b.getI64Type();
    auto time = LLVM::CallIntrinsicOp::create(k.b, i64, k.b.getStringAttr("llvm.x86.rdtsc"), ValueRange());
    LLVM::StoreOp::create(k.b, time.getResults(), k.pointers.back());
    k.finish();
    return success();
  }
};

const Emitter *findUnselectable(StringRef anchor) {
  static const UnselectableEmitter emitter;
  return anchor == "elementwise" ? &emitter : cuda::findEmitter(anchor);
}

/// Never comes back.
class CrashingEmitter : public UnselectableEmitter {
public:
  LogicalResult emit(KernelOp, const TargetInfo &, const KernelPlan &, unsigned, StringRef, ModuleOp) const override {
    abort();
  }
};

const Emitter *findCrashing(StringRef anchor) {
  static const CrashingEmitter emitter;
  return anchor == "elementwise" ? &emitter : cuda::findEmitter(anchor);
}

size_t countLines(const std::string &text, const std::string &part) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
    ++n;
  return n;
}

} // namespace

TEST_F(GenerateCodeTest, TheNumberOfProcessesDoesNotMatter) {
  auto one = compile(all, {1, ""});
  ASSERT_TRUE(succeeded(one)) << problems;
  EXPECT_EQ(one->statistics.pieces, 2 * 4 + 2 + 1 + 1u); // kernels and an assembly a chip; cpu; sim
  EXPECT_EQ(one->statistics.cached, 0u);
  for (unsigned jobs : {2, 7, 0}) {
    auto many = compile(all, {jobs, ""});
    ASSERT_TRUE(succeeded(many)) << problems;
    EXPECT_TRUE(many->bytes == one->bytes) << jobs;
  }
  EXPECT_EQ(problems, "");
}

TEST_F(GenerateCodeTest, TheCacheDoesNotMatter) {
  auto plain = compile(all, {2, ""}), first = compile(all, {2, folder}), second = compile(all, {2, folder});
  ASSERT_TRUE(succeeded(plain) && succeeded(first) && succeeded(second)) << problems;
  EXPECT_TRUE(first->bytes == plain->bytes);
  EXPECT_TRUE(second->bytes == plain->bytes);
  EXPECT_EQ(first->statistics.cached, 0u);
  EXPECT_EQ(second->statistics.cached, second->statistics.pieces);
  // Of a file for fewer targets, all pieces are known.
  auto fewer = compile({{"cuda", "sm_80"}}, {2, folder});
  ASSERT_TRUE(succeeded(fewer)) << problems;
  EXPECT_EQ(fewer->statistics.cached, fewer->statistics.pieces);
  // Damage is mended.
  for (const auto &entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      std::ofstream(entry.path(), std::ios::app) << "x";
  auto third = compile(all, {2, folder}), fourth = compile(all, {2, folder});
  ASSERT_TRUE(succeeded(third) && succeeded(fourth)) << problems;
  EXPECT_EQ(third->statistics.cached, 0u);
  EXPECT_EQ(fourth->statistics.cached, fourth->statistics.pieces);
  EXPECT_TRUE(third->bytes == plain->bytes);
}

TEST_F(GenerateCodeTest, ACacheThatCannotBeWrittenIsAWarning) {
  std::ofstream(folder + "/file") << "";
  auto compiled = compile({{"cuda", "sm_80"}}, {2, folder + "/file"});
  ASSERT_TRUE(succeeded(compiled)) << problems;
  EXPECT_EQ(countLines(problems, "cannot keep results in"), 1u) << problems;
}

TEST_F(GenerateCodeTest, TheFileSaysWhatTheKernelsAre) {
  auto compiled = compile(all, {2, ""});
  ASSERT_TRUE(succeeded(compiled)) << problems;
  auto container = format::Container::parse({compiled->bytes.begin(), compiled->bytes.end()}, "test");
  ASSERT_TRUE(bool(container)) << container.status().message();
  const format::Manifest &manifest = container->manifest();
  ASSERT_EQ(manifest.programs_size(), 4);
  EXPECT_EQ(manifest.programs(0).target(), "cpu");
  const format::Program &newest = manifest.programs(1), &older = manifest.programs(2), &sim = manifest.programs(3);
  EXPECT_EQ(newest.chip(), "sm_90");
  EXPECT_EQ(sim.target(), "sim");
  EXPECT_GE(sim.features_size(), 3);
  // PTX comes with the newest chip alone.
  EXPECT_NE(newest.ptx_section(), 0u);
  EXPECT_EQ(older.ptx_section(), 0u);
  EXPECT_GE(older.driver_version(), 11000u);
  for (const format::Program *program : {&newest, &older}) {
    EXPECT_EQ(program->kernels_size(), 4);
    for (const format::Kernel &kernel : program->kernels()) {
      EXPECT_GT(kernel.registers(), 0u) << kernel.name();
      EXPECT_GT(kernel.instructions(), 10u) << kernel.name();
      EXPECT_EQ(kernel.spills(), 0u) << kernel.name();
      EXPECT_EQ(kernel.stack(), 0u) << kernel.name();
      EXPECT_EQ(kernel.local_instructions(), 0u) << kernel.name();
    }
  }
  EXPECT_EQ(newest.kernels_sha256(), sim.kernels_sha256());
}

TEST_F(GenerateCodeTest, WhatCannotBeSelectedIsReportedForEachKernel) {
  registerEmitters("cuda", findUnselectable);
  EXPECT_TRUE(failed(compile({{"cuda", "sm_80"}, {"cuda", "sm_90"}}, {2, folder})));
  // Three elementwise kernels for two chips; the concatenation is well.
  EXPECT_EQ(countLines(problems, "no code for cuda:sm_80: LLVM ERROR: Cannot select: "), 3u) << problems;
  EXPECT_EQ(countLines(problems, "no code for cuda:sm_90: LLVM ERROR: Cannot select: "), 3u) << problems;
  EXPECT_NE(problems.find("x86.rdtsc"), std::string::npos) << problems;
}

TEST_F(GenerateCodeTest, ACrashIsAnError) {
  registerEmitters("cuda", findCrashing);
  EXPECT_TRUE(failed(compile({{"cuda", "sm_80"}, {"sim", "sm_80"}}, {2, ""})));
  EXPECT_EQ(countLines(problems, "no code for cuda:sm_80: the code generator was ended by signal 6 (Aborted)"), 3u)
      << problems;
  EXPECT_EQ(countLines(problems, "no code for sim:sm_80: the code generator was ended by signal 6 (Aborted)"), 1u)
      << problems;
}

TEST(CubinText, RoundTrips) {
  cuda::Cubin cubin;
  cubin.bytes = std::string("\n\0\n bytes \xff", 11);
  cubin.kernels = {{"matmul_1", 168, 4, 8, 16, 1024}, {"row", 32, 0, 0, 0, 0}};
  auto read = readCubin(writeCubin(cubin));
  ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
  EXPECT_EQ(read->bytes, cubin.bytes);
  ASSERT_EQ(read->kernels.size(), 2u);
  EXPECT_EQ(read->kernels[0].name, "matmul_1");
  EXPECT_EQ(read->kernels[0].registers, 168u);
  EXPECT_EQ(read->kernels[0].spillStores, 4u);
  EXPECT_EQ(read->kernels[0].spillLoads, 8u);
  EXPECT_EQ(read->kernels[0].stack, 16u);
  EXPECT_EQ(read->kernels[0].staticShared, 1024u);
  for (const char *text : {"matmul 1 2\n\n", "matmul a b c d e\n\n"}) {
    auto bad = readCubin(text);
    EXPECT_FALSE(bool(bad)) << text;
    llvm::consumeError(bad.takeError());
  }
}
