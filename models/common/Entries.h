// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Requests for entries, and what a compiled file says about its model.
#pragma once

#include "models/common/Architecture.h"
#include <array>

namespace vlp::models {

/// The sizes of one entry.
struct EntrySizes {
  int64_t batch;
  int64_t length; ///< tokens of a text
};

/// `requests`, or the entries of `known` that are built by default.
std::vector<EntryRequest> orDefaults(llvm::ArrayRef<EntryRequest> requests, llvm::ArrayRef<EntryInfo> known);
/// Sizes of the entries (options batch and length, at most `context`), or all that is wrong with the requests.
llvm::Expected<std::vector<EntrySizes>> resolveEntries(llvm::ArrayRef<EntryInfo> known, int64_t context,
                                                       llvm::ArrayRef<EntryRequest> requests);

/// How pictures and texts come in.
struct Preprocessing {
  int64_t image, context, vocabulary;
  std::array<float, 3> mean, deviation; ///< red, green, blue
};

/// vlp.model, vlp.architecture, vlp.config, vlp.preprocessing.
void describeModel(mlir::ModuleOp module, llvm::StringRef name, llvm::StringRef architecture,
                   const std::map<std::string, double> &sizes, const Preprocessing &preprocessing);
/// vlp.aliases: tensors of other files that are passed over, `extra` ones and those `parameters` that the module lacks;
/// and second names `tied` of parameters.
void describeAliases(mlir::ModuleOp module, llvm::ArrayRef<llvm::StringRef> extra,
                     llvm::ArrayRef<std::string> parameters,
                     llvm::ArrayRef<std::pair<std::string, std::string>> tied = {});
/// vlp.recipe, if the module has a training entry.
void describeRecipe(mlir::ModuleOp module, const std::map<std::string, double> &scalars);

} // namespace vlp::models
