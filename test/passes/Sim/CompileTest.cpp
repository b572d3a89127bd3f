// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the simulator's compiler takes, what it refuses, and what it writes.
#include "test/passes/Sim/SimKernel.h"

#include "llvm/Object/ELFObjectFile.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;
using testing::HasSubstr;

namespace {

std::string withDeclaration(const std::string &declaration, const std::string &body) {
  return moduleText({body}) + declaration + "\n";
}

TEST(Refuses, UnknownIntrinsicsByName) {
  for (auto [declaration, call] :
       {std::pair("declare i32 @llvm.nvvm.vote.ballot.sync(i32, i1)",
                  "call i32 @llvm.nvvm.vote.ballot.sync(i32 -1, i1 true)"),
        {"declare i32 @llvm.nvvm.redux.sync.add(i32, i32)", "call i32 @llvm.nvvm.redux.sync.add(i32 %t, i32 -1)"},
        {"declare i32 @llvm.nvvm.read.ptx.sreg.tid.y()", "call i32 @llvm.nvvm.read.ptx.sreg.tid.y()"},
        {"declare i32 @llvm.nvvm.read.ptx.sreg.laneid()", "call i32 @llvm.nvvm.read.ptx.sreg.laneid()"},
        {"declare {i32, i1} @llvm.nvvm.shfl.sync.down.i32p(i32, i32, i32, i32)",
         "call {i32, i1} @llvm.nvvm.shfl.sync.down.i32p(i32 -1, i32 %t, i32 1, i32 31)"},
        {"declare void @llvm.nvvm.cp.async.wait.all()", "call void @llvm.nvvm.cp.async.wait.all()"},
        {"declare float @llvm.nvvm.lg2.approx.f(float)", "call float @llvm.nvvm.lg2.approx.f(float 1.0)"},
        {"declare {float, float, float, float} @llvm.nvvm.mma.m16n8k8.row.col.bf16(i32, i32, i32, float, float, float, "
         "float)",
         "call {float, float, float, float} @llvm.nvvm.mma.m16n8k8.row.col.bf16(i32 0, i32 0, i32 0, float 0.0, float "
         "0.0, float 0.0, float 0.0)"},
        {"declare float @llvm.exp.f32(float)", "call float @llvm.exp.f32(float 1.0)"},
        {"declare float @llvm.pow.f32(float, float)", "call float @llvm.pow.f32(float 1.0, float 2.0)"},
        {"declare float @__nv_expf(float)", "call float @__nv_expf(float 1.0)"}}) {
    std::string name = std::string(declaration).substr(std::string(declaration).find('@') + 1);
    name.resize(name.find('('));
    std::string result = std::string(call).starts_with("call void") ? "  " : "  %r = ";
    EXPECT_EQ(compileError(withDeclaration(declaration, result + call + "\n")), "the simulator does not know " + name);
  }
}

TEST(Refuses, AllUnknownOnesAtOnce) {
  std::string error = compileError(
      withDeclaration("declare float @llvm.exp.f32(float)\ndeclare float @llvm.sin.f32(float)",
                      "  %x = call float @llvm.exp.f32(float 1.0)\n  %y = call float @llvm.sin.f32(float 1.0)\n"));
  EXPECT_EQ(error, "the simulator does not know llvm.exp.f32, llvm.sin.f32");
}

TEST(Refuses, InlinePTX) {
  EXPECT_EQ(compileError(moduleText({"  %x = call float asm \"tanh.approx.f32 $0, $1;\", \"=f,f\"(float 1.0)\n"})),
            "the simulator does not know inline PTX 'tanh.approx.f32 $0, $1;'");
}

TEST(Refuses, AtomicOperations) {
  EXPECT_THAT(compileError(moduleText({"  %x = atomicrmw add ptr1 %out, i32 1 monotonic\n"})),
              HasSubstr("atomic operation (atomicrmw)"));
  EXPECT_THAT(compileError(moduleText({"  %x = cmpxchg ptr1 %out, i32 0, i32 1 monotonic monotonic\n"})),
              HasSubstr("atomic operation (cmpxchg)"));
}

TEST(Refuses, OtherBarriers) {
  EXPECT_THAT(compileError(moduleText({"  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 1)\n"})),
              HasSubstr("llvm.nvvm.barrier.cta.sync.aligned.all"));
}

TEST(Refuses, StaticMemory) {
  EXPECT_EQ(
      compileError(
          moduleText({""}) +
          "@tile = internal addrspace(3) global [64 x float] poison\n@pi = internal addrspace(1) global float 3.0\n"),
      "the simulator does not know static memory 'pi', static memory 'tile'");
}

TEST(Refuses, ParametersThatAreNoPointers) {
  EXPECT_EQ(compileError(with(moduleText({""}), {{"@k(", "@k(i32 %n, "}})),
            "the simulator does not know parameter 0 of kernel k, which is no pointer");
}

TEST(Writes, TheSameBytesForTheSameModule) {
  std::string body = "  %o = shl i32 %t, 4\n" + sharedAt("s", "%o") +
                     "  %m = call {i32, i32, i32, i32} @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3(ptr3 %s)\n" +
                     "  %e = extractvalue {i32, i32, i32, i32} %m, 2\n" + wordOf("p", "out", "%t") +
                     "  store i32 %e, ptr1 %p\n";
  std::string text = moduleText({body});
  EXPECT_EQ(compile(text), compile(text));
}

// One object must do without LLVM, libm and libc: the runtime has nothing to link it to.
TEST(Writes, OneSymbolAndNeedsNone) {
  std::string body =
      "  %x = load float, ptr1 %in0\n  %y = fptrunc float %x to bfloat\n  %z = call float @llvm.sqrt.f32(float %x)\n"
      "  %q = fdiv float %z, %x\n  store bfloat %y, ptr1 %out\n  store float %q, ptr1 %in0\n";
  std::string object = compile(moduleText({body, 32, 1, 0, {Words(1)}}));
  auto file = llvm::object::ObjectFile::createELFObjectFile(llvm::MemoryBufferRef(object, "object"));
  ASSERT_TRUE(bool(file));
  std::vector<std::string> names;
  for (const auto &symbol : llvm::cast<llvm::object::ELFObjectFileBase>(**file).getDynamicSymbolIterators())
    names.push_back(llvm::cantFail(symbol.getName()).str());
  EXPECT_THAT(names, testing::ElementsAre("vlp_sim_module"));
}

TEST(Writes, TablesOfItsKernels) {
  std::string text = moduleText({"  store i32 %t, ptr3 @smem\n"}) +
                     with("define ptx_kernel void @other(ptr1 %a, ptr1 %b) {\n  call void "
                          "@llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)\n  ret void\n}\n",
                          {{"ptr1", "ptr addrspace(1)"}});
  auto code = sim::Code::load(compile(text));
  ASSERT_TRUE(code) << code.status().message();
  const vlp_sim_kernel *k = (*code)->find("k"), *other = (*code)->find("other");
  ASSERT_TRUE(k && other);
  EXPECT_EQ((*code)->find("nothing"), nullptr);
  EXPECT_EQ(k->parameters, 1u);
  EXPECT_EQ(k->threads, 32u);
  EXPECT_FALSE(k->communicates);
  EXPECT_EQ(other->parameters, 2u);
  EXPECT_EQ(other->threads, 0u); // as many as the launch has
  EXPECT_TRUE(other->communicates);
  EXPECT_EQ((*code)->describe(0xffffff), "");
}

// Loops that the optimiser turns into memset and memcpy.
TEST(Writes, LoopsForMemoryIntrinsics) {
  std::string declarations = "declare void @llvm.memset.p1.i64(ptr addrspace(1), i8, i64, i1)\n"
                             "declare void @llvm.memcpy.p1.p1.i64(ptr addrspace(1), ptr addrspace(1), i64, i1)\n"
                             "declare void @llvm.memmove.p1.p1.i64(ptr addrspace(1), ptr addrspace(1), i64, i1)\n";
  std::string body = "  call void @llvm.memset.p1.i64(ptr1 %out, i8 7, i64 13, i1 false)\n";
  body += wordOf("p", "out", "4") + "  call void @llvm.memcpy.p1.p1.i64(ptr1 %p, ptr1 %in0, i64 11, i1 false)\n";
  body += wordOf("q", "out", "8") + "  call void @llvm.memmove.p1.p1.i64(ptr1 %q, ptr1 %in0, i64 8, i1 false)\n";
  EXPECT_EQ(compileError(moduleText({body, 1, 1, 0, {Words(3)}}) + declarations), "");
}

TEST(Writes, SourceLocationsWhereThereAreAny) {
  std::string text = moduleText({"  store i32 %t, ptr1 null, !dbg !3\n"});
  text = with(text, {{"\"nvvm.reqntid\"=\"32\" {", "\"nvvm.reqntid\"=\"32\" !dbg !2 {"}}) + R"(
!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!4}
!0 = distinct !DICompileUnit(language: DW_LANG_C, file: !1, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "text.blocks.3.mlp", directory: "")
!2 = distinct !DISubprogram(name: "k", file: !1, unit: !0)
!3 = !DILocation(line: 7, scope: !2)
!4 = !{i32 2, !"Debug Info Version", i32 3}
)";
  auto code = sim::Code::load(compile(text));
  ASSERT_TRUE(code);
  bool found = false;
  for (uint32_t site = 0; site < (*code)->module().site_count; ++site)
    found |= (*code)->describe(site) == "store i32 %t, ptr addrspace(1) null, align 4 (text.blocks.3.mlp:7)";
  EXPECT_TRUE(found);
}

} // namespace
