// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What every architecture offers to the tools: presets, entries, and a module of vlp ops.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"
#include <map>
#include <string>
#include <vector>

namespace vlp::models {

/// An error with one line of text.
llvm::Error makeError(const llvm::Twine &message);

/// "did you mean 'a' or 'b'?" for names like `wrong`, else "known: a, b, c".
std::string suggest(llvm::StringRef wrong, llvm::ArrayRef<std::string> known);

struct PresetInfo {
  std::string name;
  /// One line: where it was published, sizes.
  std::string summary;
};

/// An entry to build: its name and its sizes (batch, ...).
struct EntryRequest {
  std::string name;
  std::map<std::string, int64_t> options;
};

/// Sizes that differ from the preset's, by name, as text.
using Settings = std::vector<std::pair<std::string, std::string>>;

struct EntryInfo {
  std::string name;
  std::string summary;
  int64_t defaultBatch;
  /// Built when the user names no entries.
  bool byDefault;
};

class Architecture {
public:
  virtual ~Architecture() = default;
  virtual llvm::StringRef getName() const = 0;
  virtual std::vector<PresetInfo> getPresets() const = 0;
  virtual std::vector<EntryInfo> getEntries() const = 0;
  /// Names of settings with what they mean.
  virtual std::vector<std::pair<std::string, std::string>> getSettings() const = 0;
  /// Builds the entries (those by default where `entries` is empty) of `preset`. The module carries what a compiled
  /// file says about itself: vlp.model, vlp.architecture, vlp.config, vlp.preprocessing, vlp.aliases, vlp.recipe.
  virtual llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> build(mlir::MLIRContext *context, llvm::StringRef preset,
                                                                  const Settings &settings,
                                                                  llvm::ArrayRef<EntryRequest> entries) const = 0;
};

} // namespace vlp::models
