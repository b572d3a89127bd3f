// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards what the runtime knows of the machine (features, memory) and the loading of code.
#include "runtime/cpu/CodeSection.h"
#include "runtime/cpu/CpuFeatures.h"
#include "runtime/cpu/Memory.h"
#include "test/runtime/core/TestModule.h"

#include <cstring>
#include <elf.h>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

using namespace vlp;
using namespace vlp::test;

/// What the kernel says of the first processor.
static std::set<std::string> kernelFlags() {
  std::ifstream file("/proc/cpuinfo");
  std::set<std::string> flags;
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("flags")) {
      std::istringstream words(line.substr(line.find(':') + 1));
      for (std::string word; words >> word;)
        flags.insert(word);
      break;
    }
  return flags;
}

TEST(CpuFeatures, AgreesWithTheKernel) {
  auto flags = kernelFlags();
  if (flags.empty())
    GTEST_SKIP() << "no /proc/cpuinfo with flags";
  for (const char *name : {"sse2",        "pni",           "ssse3",
                           "sse4_1",      "sse4_2",        "popcnt",
                           "cx16",        "lahf_lm",       "abm",
                           "movbe",       "f16c",          "fma",
                           "bmi1",        "bmi2",          "avx",
                           "avx2",        "avx512f",       "avx512dq",
                           "avx512cd",    "avx512bw",      "avx512vl",
                           "avx512ifma",  "avx512vbmi",    "avx512_vbmi2",
                           "avx512_vnni", "avx512_bitalg", "avx512_vpopcntdq",
                           "avx512_bf16", "avx512_fp16",   "avx_vnni",
                           "gfni",        "amx_tile",      "amx_bf16",
                           "amx_int8"})
    EXPECT_EQ(hasCpuFeature(name), flags.contains(name)) << name;
}

TEST(CpuFeatures, UnknownNamesAreMissing) {
  EXPECT_FALSE(hasCpuFeature("future-cpu-feature"));
  EXPECT_FALSE(hasCpuFeature(""));
  google::protobuf::RepeatedPtrField<std::string> features;
  EXPECT_TRUE(missingCpuFeatures(features).empty());
  *features.Add() = "x";
  *features.Add() = "sse2";
  *features.Add() = "a";
  auto missing = missingCpuFeatures(features);
  EXPECT_NE(std::find(missing.begin(), missing.end(), "x"), missing.end());
  EXPECT_EQ(missing.back(), "a");
}

TEST(CpuFeatures, AtLeastOneCore) { EXPECT_GE(availableCores(), 1u); }

TEST(Memory, ZeroedAlignedAndUsableToItsLastByte) {
  for (uint64_t size : {uint64_t(0), uint64_t(1), uint64_t(64), uint64_t(4096), uint64_t(4097), uint64_t(2) << 20,
                        (uint64_t(5) << 20) + 3}) {
    auto memory = Memory::allocate(size, "a test");
    ASSERT_TRUE(memory) << memory.status().message();
    EXPECT_EQ(memory->size(), size);
    ASSERT_NE(memory->data(), nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->data()) % (size >= uint64_t(2) << 20 ? 2 << 20 : 4096), 0u);
    for (uint64_t i = 0; i < size; i += 1023)
      ASSERT_EQ(memory->data()[i], std::byte(0));
    if (size)
      memory->data()[size - 1] = std::byte(1);
  }
}

TEST(Memory, FaultsBehindItsLastPage) {
  auto memory = Memory::allocate(4096, "a test");
  ASSERT_TRUE(memory);
  EXPECT_DEATH({ const_cast<volatile std::byte &>(memory->data()[4096]) = std::byte(1); }, "");
}

TEST(Memory, SaysWhatIsNeededAndWhatIsFree) {
  for (uint64_t size : {uint64_t(1) << 47, UINT64_MAX - 4096, UINT64_MAX}) {
    auto memory = Memory::allocate(size, "the arena");
    ASSERT_FALSE(memory);
    EXPECT_EQ(memory.status().code(), StatusCode::Unavailable);
    EXPECT_NE(memory.status().message().find("out of memory: the arena needs "), std::string::npos);
    EXPECT_NE(memory.status().message().find(" are free"), std::string::npos);
  }
  EXPECT_EQ(describeBytes(0), "0 bytes");
  EXPECT_EQ(describeBytes(999), "999 bytes");
  EXPECT_EQ(describeBytes(1500), "1.5 kB");
  EXPECT_EQ(describeBytes(UINT64_MAX), "18.4 EB");
}

TEST(Memory, MovesAndBorrows) {
  auto first = Memory::allocate(100, "a test");
  ASSERT_TRUE(first);
  std::byte *data = first->data();
  Memory second = std::move(*first);
  EXPECT_EQ(second.data(), data);
  EXPECT_EQ(first->data(), nullptr);
  std::byte own[64];
  second = Memory::borrow(own, sizeof own);
  EXPECT_EQ(second.data(), own);
}

TEST(CodeSection, RefusesWhatIsNoCode) {
  std::vector<std::string> none;
  auto load = [&](const std::string &bytes) { return CodeSection::load(bytes, none, "file.vlp").status(); };
  EXPECT_NE(load("").message().find("file.vlp: its code is not a shared object"), std::string::npos);
  EXPECT_NE(load(std::string(1000, 'x')).message().find("not a shared object"), std::string::npos);
  std::string foreign = toyCode();
  foreign[18] = char(243); // e_machine: RISC-V
  EXPECT_NE(load(foreign).message().find("for another kind of processor (ELF machine 243"), std::string::npos)
      << load(foreign).message();
}

// The loader maps what the headers promise: touching a page behind the end of a truncated file would end the process.
TEST(CodeSection, RefusesTruncatedCode) {
  std::vector<std::string> none;
  std::string whole = toyCode();
  for (size_t size = sizeof(Elf64_Ehdr); size <= whole.size() / 2; size += 61) {
    Status status = CodeSection::load(whole.substr(0, size), none, "file.vlp").status();
    EXPECT_EQ(status.code(), StatusCode::DataLoss) << size << " of " << whole.size() << " bytes";
    EXPECT_NE(status.message().find("file.vlp: its code is cut off; compile the model again"), std::string::npos)
        << status.message();
  }
}

TEST(CodeSection, FindsKernelsInOrder) {
  std::vector<std::string> symbols = {"toy_loss", "toy_mean"};
  auto code = CodeSection::load(toyCode(), symbols, "file.vlp");
  ASSERT_TRUE(code) << code.status().message();
  ASSERT_EQ(code->kernels().size(), 2u);
  float residual[kToyWidth] = {1, 2}, loss = 0;
  int32_t finite = 0;
  void *args[] = {residual, &loss, &finite};
  code->kernels()[0](args, 0, 1, nullptr);
  EXPECT_EQ(loss, 5);
  EXPECT_EQ(finite, 1);
  CodeSection moved = std::move(*code);
  moved.kernels()[0](args, 0, 1, nullptr);
}

// Two different libraries, one closed before the other is opened: with a recycled name the second would get the first
// one's code.
TEST(CodeSection, NamesAreNotRecycled) {
  std::vector<std::string> symbols = {"toy_loss"};
  std::string changed = toyCode();
  size_t at = changed.find("toy_loss");
  ASSERT_NE(at, std::string::npos);
  for (; at != std::string::npos; at = changed.find("toy_loss"))
    changed.replace(at, 8, "toy_lost");
  for (int i = 0; i < 10; ++i) {
    auto first = CodeSection::load(toyCode(), symbols, "first");
    ASSERT_TRUE(first) << first.status().message();
    // The symbol's hash no longer matches its name, so that neither is found: but above all not the first library's.
    EXPECT_FALSE(CodeSection::load(changed, symbols, "second"));
  }
}
