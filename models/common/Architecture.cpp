// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Errors with suggestions.
#include "models/common/Architecture.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

llvm::Error vlp::models::makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

std::string vlp::models::suggest(llvm::StringRef wrong, llvm::ArrayRef<std::string> known) {
  std::vector<std::pair<size_t, size_t>> near; // distance, position
  for (auto [position, name] : llvm::enumerate(known)) {
    size_t distance = wrong.edit_distance_insensitive(name);
    if (distance <= std::max<size_t>(2, name.size() / 4))
      near.emplace_back(distance, position);
  }
  llvm::sort(near);
  near.resize(std::min<size_t>(near.size(), 3));
  auto quoted = llvm::map_range(near, [&](auto &item) { return "'" + known[item.second] + "'"; });
  if (!near.empty())
    return "did you mean " + llvm::join(quoted, " or ") + "?";
  return "known: " + llvm::join(known, ", ");
}
