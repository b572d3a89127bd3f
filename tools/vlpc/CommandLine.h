// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Command lines: what the tools of the compiler share.
#pragma once

#include "models/common/Architecture.h"
#include "passes/Kernels/Emitter.h"
#include "passes/Pipelines/Pipelines.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace vlp::tools {

/// Parses argv into the registered llvm::cl options; false, after one line "error: ...", if that fails.
bool parseCommandLine(int argc, char **argv, const char *overview);

/// "error: ..." for each line of `error` on stderr; returns 1, the exit status of a user's mistake.
int reportError(llvm::Error error);

/// "train:batch=64,encode_image:batch=1:length=8" as requests.
llvm::Expected<std::vector<models::EntryRequest>> parseEntries(llvm::ArrayRef<std::string> items);

/// "context=16,text.layers=3" as settings.
llvm::Expected<models::Settings> parseSettings(llvm::ArrayRef<std::string> items);

/// "cpu", "cpu:x86-64-v3", "cuda:sm_80", "sim", ... as targets and chips; the host's best chip for "cpu" alone. Names
/// all that do not exist.
llvm::Expected<std::vector<TargetInfo>> parseTargets(llvm::ArrayRef<std::string> items);

/// Gives the tile `text` ("128x128x64,64x32,3,1") to the targets that have matrix products to cut up: fails if it is no
/// tile or there is no such target.
llvm::Error setMatmulTile(llvm::StringRef text, std::vector<TargetInfo> &targets);

/// "f32" or "bf16".
llvm::Expected<Precision> parsePrecision(llvm::StringRef text);

/// "cpu:x86-64-v4".
std::string getName(const TargetInfo &target);

} // namespace vlp::tools
