// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which of a file's GPU codes a device runs.
#pragma once

#include "runtime/core/Status.h"
#include "runtime/format/manifest.pb.h"

#include <string>
#include <string_view>

namespace vlp::cuda {

/// A compute capability as chips are called: "sm_80", "sm_90a".
struct Chip {
  int major = 0, minor = 0;
  /// "sm_90a": code that runs on that chip alone, not on later ones of its family.
  bool specific = false;
};

/// False where `name` is no chip's name.
bool parseChip(std::string_view name, Chip &chip);

struct ChosenProgram {
  const format::Program *program = nullptr;
  /// The driver must compile the program's PTX: the file has no machine code for the device.
  bool fromPtx = false;
};

/// Refuses files without code for GPUs; needs no device.
Status checkHasCudaProgram(const format::Manifest &manifest, const std::string &path);

/// The program for a GPU of compute capability major.minor: machine code of the same major version and the highest
/// minor one that is not above (NVIDIA's binary compatibility), else the PTX of the highest chip not above. `device`
/// and `path` name the two in the error, which lists what the file has.
Expected<ChosenProgram> chooseCudaProgram(const format::Manifest &manifest, int major, int minor,
                                          const std::string &device, const std::string &path);

/// The program that the simulator runs; `chip` narrows the choice unless empty.
Expected<const format::Program *> chooseSimProgram(const format::Manifest &manifest, std::string_view chip,
                                                   const std::string &path);

} // namespace vlp::cuda
