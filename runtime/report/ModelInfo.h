// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a compiled file says of itself, from its header alone.
#pragma once

#include "runtime/format/manifest.pb.h"

#include <string>

namespace vlp::report {

/// Sums over an entry's ops.
struct EntryCosts {
  int launches = 0, copies = 0;
  double flops = 0, bytes = 0; ///< of one run; bytes are compulsory traffic, copies counted twice
};
EntryCosts costsOf(const format::Entry &entry);

/// The batch of an entry: the first extent of its first input, or 0 when it has none.
int64_t batchOf(const format::Entry &entry);

/// "f32[128, 3, 56, 56]".
std::string typeOf(const format::Tensor &tensor);

/// Whether this machine runs one of the file's codes: "cpu x86-64-v4", or an empty string and in `why` what is missing.
std::string runnableCode(const format::Manifest &manifest, std::string &why);

/// Everything, for a terminal.
std::string describeModel(const format::Manifest &manifest, const std::string &path);
/// The same as JSON.
std::string modelJson(const format::Manifest &manifest, const std::string &path);

} // namespace vlp::report
