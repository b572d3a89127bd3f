// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A cubin is an ELF file with a section .text.KERNEL each. An instruction takes 16 bytes; the lowest nine bits are its
// opcode, the three above say where its operands come from. The table was checked against nvdisasm 13.5 on code for
// sm_80, 86, 89, 90, 100 and 120.
#include "passes/CUDA/Sass.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/Endian.h"

using namespace vlp;
using namespace vlp::cuda;
using llvm::StringRef;

static constexpr size_t kInstructionBytes = 16;
static constexpr uint32_t kOpcodeMask = 0x1ff;
enum Opcode : uint32_t { HMMA = 0x3c, NOP = 0x118, LDL = 0x183, STL = 0x187 };

static const llvm::DenseMap<uint32_t, const char *> &mnemonics() {
  static const llvm::DenseMap<uint32_t, const char *> table = {
      {0x002, "MOV"},    {0x005, "CS2R"},     {0x007, "SEL"},  {0x008, "FSEL"}, {0x009, "FMNMX"}, {0x00b, "FSETP"},
      {0x00c, "ISETP"},  {0x010, "IADD3"},    {0x011, "LEA"},  {0x012, "LOP3"}, {0x016, "PRMT"},  {0x019, "SHF"},
      {0x020, "FMUL"},   {0x021, "FADD"},     {0x023, "FFMA"}, {0x024, "IMAD"}, {0x025, "IMAD"},  {0x03b, "LDSM"},
      {HMMA, "HMMA"},    {0x03e, "F2FP"},     {0x108, "MUFU"}, {NOP, "NOP"},    {0x119, "S2R"},   {0x11a, "DEPBAR"},
      {0x11d, "BAR"},    {0x147, "BRA"},      {0x14d, "EXIT"}, {0x181, "LDG"},  {0x182, "LDC"},   {LDL, "LDL"},
      {0x184, "LDS"},    {0x186, "STG"},      {STL, "STL"},    {0x188, "STS"},  {0x189, "SHFL"},  {0x1ac, "LDCU"},
      {0x1ae, "LDGSTS"}, {0x1af, "LDGDEPBAR"}};
  return table;
}

/// The operand type of an HMMA: bits 82 and 83, 0 for f16, 1 for bf16, 2 for tf32.
static bool multipliesTF32(uint64_t upper) { return ((upper >> 18) & 3) == 2; }

static InstructionCounts countSection(StringRef kernel, llvm::ArrayRef<uint8_t> code) {
  InstructionCounts counts;
  counts.kernel = kernel.str();
  for (size_t at = 0; at + kInstructionBytes <= code.size(); at += kInstructionBytes) {
    uint32_t opcode = llvm::support::endian::read64le(&code[at]) & kOpcodeMask;
    if (opcode == NOP)
      continue;
    ++counts.total;
    counts.local += opcode == LDL || opcode == STL;
    counts.tensor += opcode == HMMA;
    counts.tensorTF32 += opcode == HMMA && multipliesTF32(llvm::support::endian::read64le(&code[at + 8]));
    auto name = mnemonics().find(opcode);
    ++counts.histogram[name == mnemonics().end() ? "0x" + llvm::utohexstr(opcode, /*LowerCase=*/true) : name->second];
  }
  return counts;
}

llvm::Expected<std::vector<InstructionCounts>> cuda::countInstructions(StringRef cubin) {
  auto file = llvm::object::ELF64LEFile::create(cubin);
  if (!file)
    return file.takeError();
  auto sections = file->sections();
  if (!sections)
    return sections.takeError();
  std::vector<InstructionCounts> kernels;
  for (const auto &section : *sections) {
    auto name = file->getSectionName(section);
    if (!name)
      return name.takeError();
    if (!name->consume_front(".text."))
      continue;
    auto code = file->getSectionContents(section);
    if (!code)
      return code.takeError();
    if (code->size() % kInstructionBytes)
      return llvm::createStringError("section .text." + *name + " has " + llvm::Twine(code->size()) +
                                     " bytes, expected a multiple of 16");
    kernels.push_back(countSection(*name, *code));
  }
  return kernels;
}
