// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CPU features by CPUID: /proc may be absent, and what counts is also whether the system saves the wide registers
// (XCR0).
#include "runtime/cpu/CpuFeatures.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <sched.h>
#include <set>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace vlp {

#if defined(__x86_64__)

namespace {

enum Register { EAX, EBX, ECX, EDX };
/// What the operating system must save for the feature's registers.
enum class Saved { Nothing, Ymm, Zmm, Tiles };

struct Feature {
  const char *name;
  uint32_t leaf, subleaf;
  Register reg;
  unsigned bit;
  Saved saved;
};

/// Intel SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E. Names as the Linux kernel spells them.
constexpr Feature knownFeatures[] = {
    {"sse", 1, 0, EDX, 25, Saved::Nothing},
    {"sse2", 1, 0, EDX, 26, Saved::Nothing},
    {"pni", 1, 0, ECX, 0, Saved::Nothing},
    {"ssse3", 1, 0, ECX, 9, Saved::Nothing},
    {"fma", 1, 0, ECX, 12, Saved::Ymm},
    {"cx16", 1, 0, ECX, 13, Saved::Nothing},
    {"sse4_1", 1, 0, ECX, 19, Saved::Nothing},
    {"sse4_2", 1, 0, ECX, 20, Saved::Nothing},
    {"movbe", 1, 0, ECX, 22, Saved::Nothing},
    {"popcnt", 1, 0, ECX, 23, Saved::Nothing},
    {"avx", 1, 0, ECX, 28, Saved::Ymm},
    {"f16c", 1, 0, ECX, 29, Saved::Ymm},
    {"bmi1", 7, 0, EBX, 3, Saved::Nothing},
    {"avx2", 7, 0, EBX, 5, Saved::Ymm},
    {"bmi2", 7, 0, EBX, 8, Saved::Nothing},
    {"avx512f", 7, 0, EBX, 16, Saved::Zmm},
    {"avx512dq", 7, 0, EBX, 17, Saved::Zmm},
    {"avx512ifma", 7, 0, EBX, 21, Saved::Zmm},
    {"avx512cd", 7, 0, EBX, 28, Saved::Zmm},
    {"avx512bw", 7, 0, EBX, 30, Saved::Zmm},
    {"avx512vl", 7, 0, EBX, 31, Saved::Zmm},
    {"avx512vbmi", 7, 0, ECX, 1, Saved::Zmm},
    {"avx512_vbmi2", 7, 0, ECX, 6, Saved::Zmm},
    {"gfni", 7, 0, ECX, 8, Saved::Nothing},
    {"avx512_vnni", 7, 0, ECX, 11, Saved::Zmm},
    {"avx512_bitalg", 7, 0, ECX, 12, Saved::Zmm},
    {"avx512_vpopcntdq", 7, 0, ECX, 14, Saved::Zmm},
    {"amx_bf16", 7, 0, EDX, 22, Saved::Tiles},
    {"avx512_fp16", 7, 0, EDX, 23, Saved::Zmm},
    {"amx_tile", 7, 0, EDX, 24, Saved::Tiles},
    {"amx_int8", 7, 0, EDX, 25, Saved::Tiles},
    {"avx_vnni", 7, 1, EAX, 4, Saved::Ymm},
    {"avx512_bf16", 7, 1, EAX, 5, Saved::Zmm},
    {"lahf_lm", 0x80000001, 0, ECX, 0, Saved::Nothing},
    {"abm", 0x80000001, 0, ECX, 5, Saved::Nothing},
};

/// XCR0, the register sets that the operating system saves; 0 where it says nothing.
uint64_t savedRegisters() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1))
    return 0;
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
}

bool isSaved(Saved saved, uint64_t xcr0) {
  uint64_t needed = 0;
  if (saved == Saved::Ymm)
    needed = 0x6;
  if (saved == Saved::Zmm)
    needed = 0xe6;
  if (saved == Saved::Tiles)
    needed = 0x60000;
  return (xcr0 & needed) == needed;
}

bool isPresent(const Feature &feature) {
  unsigned registers[4];
  if (!__get_cpuid_count(feature.leaf, feature.subleaf, &registers[EAX], &registers[EBX], &registers[ECX],
                         &registers[EDX]))
    return false;
  return (registers[feature.reg] >> feature.bit & 1) && isSaved(feature.saved, savedRegisters());
}

std::set<std::string, std::less<>> detectFeatures() {
  std::set<std::string, std::less<>> present;
  for (const Feature &feature : knownFeatures)
    if (isPresent(feature))
      present.insert(feature.name);
  return present;
}

} // namespace

#else

static std::set<std::string, std::less<>> detectFeatures() { return {}; }

#endif

bool hasCpuFeature(std::string_view feature) {
  static const std::set<std::string, std::less<>> present = detectFeatures();
  return present.contains(feature);
}

std::vector<std::string> missingCpuFeatures(const google::protobuf::RepeatedPtrField<std::string> &features) {
  std::vector<std::string> missing;
  for (const std::string &feature : features)
    if (!hasCpuFeature(feature))
      missing.push_back(feature);
  return missing;
}

static std::string join(const std::vector<std::string> &items) {
  std::string text;
  for (const std::string &item : items)
    text += (text.empty() ? "" : ", ") + item;
  return text;
}

Expected<const format::Program *> chooseCpuProgram(const format::Manifest &manifest, std::string_view chip,
                                                   const std::string &path) {
  const format::Program *best = nullptr;
  std::vector<std::string> present, refusals;
  for (const format::Program &code : manifest.programs()) {
    present.push_back(code.target() + ":" + code.chip());
    if (code.target() != "cpu" || (!chip.empty() && code.chip() != chip))
      continue;
    auto missing = missingCpuFeatures(code.features());
    if (!missing.empty())
      refusals.push_back("its code for " + code.chip() + " needs " + join(missing));
    else if (!best || code.features_size() > best->features_size())
      best = &code;
  }
  if (best)
    return best;
  if (refusals.empty())
    return Status(StatusCode::Unavailable, path + ": no code for cpu" + (chip.empty() ? "" : ":" + std::string(chip)) +
                                               " in this file, which has " +
                                               (present.empty() ? "none" : join(present)) +
                                               "; recompile with vlpc --target=cpu");
  return Status(StatusCode::Unavailable, path + ": this CPU cannot run the file: " + join(refusals) +
                                             "; recompile with vlpc --target=cpu:x86-64-v3");
}

/// The CPU quota of the process's cgroup (v2) in whole cores, or 0 when there is none.
static unsigned cgroupCores() {
  std::FILE *file = std::fopen("/sys/fs/cgroup/cpu.max", "re");
  if (!file)
    return 0;
  long quota = 0, period = 0;
  int fields = std::fscanf(file, "%ld %ld", &quota, &period);
  std::fclose(file);
  if (fields != 2 || quota <= 0 || period <= 0)
    return 0;
  return unsigned(std::max(1l, (quota + period - 1) / period));
}

unsigned availableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  unsigned cores = 1;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    cores = std::max(1, CPU_COUNT(&set));
  unsigned quota = cgroupCores();
  return quota ? std::min(cores, quota) : cores;
}

} // namespace vlp
