// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What instructions this machine runs, and which of a file's machine codes suits it best.
#pragma once

#include "runtime/core/Status.h"
#include "runtime/format/manifest.pb.h"

#include <string>
#include <string_view>
#include <vector>

namespace vlp {

/// Whether this processor and its operating system run the instructions called `feature` (a name as in /proc/cpuinfo).
/// Asks the processor itself. False for names that this runtime does not know.
bool hasCpuFeature(std::string_view feature);

/// Those of `features` that this machine lacks, in their order.
std::vector<std::string> missingCpuFeatures(const google::protobuf::RepeatedPtrField<std::string> &features);

/// The best code for target "cpu" that this machine runs: the one that asks for most features. `chip` narrows the
/// choice to one (x86-64-v3, ...) unless empty. `path` names the file in the error, which lists the missing features of
/// every candidate.
Expected<const format::Program *> chooseCpuProgram(const format::Manifest &manifest, std::string_view chip,
                                                   const std::string &path);

/// Cores that this process may use: its affinity mask, narrowed by a cgroup's CPU quota. At least 1.
unsigned availableCores();

} // namespace vlp
