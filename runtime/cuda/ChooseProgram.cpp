// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Matches chips with the codes of a file.
#include "runtime/cuda/ChooseProgram.h"

#include <charconv>

namespace vlp::cuda {

bool parseChip(std::string_view name, Chip &chip) {
  if (!name.starts_with("sm_"))
    return false;
  name.remove_prefix(3);
  chip.specific = name.ends_with('a') || name.ends_with('f');
  if (chip.specific)
    name.remove_suffix(1);
  int number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < 10)
    return false;
  chip.major = number / 10;
  chip.minor = number % 10;
  return true;
}

static std::string listPrograms(const format::Manifest &manifest) {
  std::string text;
  for (const format::Program &program : manifest.programs())
    text += (text.empty() ? "" : ", ") + program.target() + ":" + program.chip() +
            (program.ptx_section() ? " (with PTX)" : "");
  return text.empty() ? "none" : text;
}

Status checkHasCudaProgram(const format::Manifest &manifest, const std::string &path) {
  for (const format::Program &program : manifest.programs())
    if (program.target() == "cuda")
      return Status::ok();
  return {StatusCode::Unavailable, path + ": no code for cuda in this file, which has " + listPrograms(manifest) +
                                       "; recompile with vlpc --target=cuda:sm_80 (or the chip of your GPU)"};
}

Expected<ChosenProgram> chooseCudaProgram(const format::Manifest &manifest, int major, int minor,
                                          const std::string &device, const std::string &path) {
  VLP_RETURN_IF_ERROR(checkHasCudaProgram(manifest, path));
  ChosenProgram binary, ptx;
  int bestBinary = -1, bestPtx = -1;
  for (const format::Program &program : manifest.programs()) {
    Chip chip;
    if (program.target() != "cuda" || !parseChip(program.chip(), chip))
      continue;
    int rank = 10 * chip.major + chip.minor, own = 10 * major + minor;
    bool runs = chip.specific ? rank == own : chip.major == major && rank <= own;
    // Of two codes for this very chip, the one that uses what only it has.
    if (int order = 2 * rank + chip.specific; runs && order > bestBinary) {
      bestBinary = order;
      binary.program = &program;
    }
    if (program.ptx_section() && !chip.specific && rank <= own && rank > bestPtx) {
      bestPtx = rank;
      ptx = {&program, true};
    }
  }
  if (binary.program)
    return binary;
  if (ptx.program)
    return ptx;
  std::string own = "sm_" + std::to_string(major) + std::to_string(minor);
  return Status(StatusCode::Unavailable, path + ": no code for " + device + " in this file, which has " +
                                             listPrograms(manifest) + "; recompile with vlpc --target=cuda:" + own);
}

Expected<const format::Program *> chooseSimProgram(const format::Manifest &manifest, std::string_view chip,
                                                   const std::string &path) {
  for (const format::Program &program : manifest.programs())
    if (program.target() == "sim" && (chip.empty() || program.chip() == chip))
      return &program;
  return Status(StatusCode::Unavailable,
                path + ": no code for sim" + (chip.empty() ? "" : " of chip " + std::string(chip)) +
                    " in this file, which has " + listPrograms(manifest) + "; recompile with vlpc --target=sim");
}

} // namespace vlp::cuda
