// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What code generators made before, by the content of what they made it from.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>

namespace vlp {

/// Which compiler this is: the build IDs of this program, of LLVM and of MLIR. Equal for equal code generators.
const std::string &compilerIdentity();

/// SHA-256 of a list of texts, in hexadecimal; other lists have other keys.
std::string makeKey(llvm::ArrayRef<llvm::StringRef> parts);

/// A folder with one file a result, named by its key. Any number of processes may read and write it at the same time:
/// files appear whole, under temporary names that are then changed. A file that is damaged counts as missing.
class ContentCache {
public:
  /// Keeps nothing if `folder` is empty.
  explicit ContentCache(std::string folder);

  std::optional<std::string> find(llvm::StringRef key);
  void store(llvm::StringRef key, llvm::StringRef value);
  /// Removes what was not used for longest until at most `bytes` are left.
  void trim(uint64_t bytes);

  unsigned hits() const { return numHits; }
  unsigned stores() const { return numStores; }
  /// Why nothing could be stored; empty if all went well.
  const std::string &problem() const { return firstProblem; }

  /// XDG_CACHE_HOME/vlpc, else HOME/.cache/vlpc (XDG Base Directory Specification); empty if there is neither variable.
  static std::string defaultFolder();

private:
  std::string pathOf(llvm::StringRef key) const;

  std::string folder;
  unsigned numHits = 0, numStores = 0;
  std::string firstProblem;
};

} // namespace vlp
