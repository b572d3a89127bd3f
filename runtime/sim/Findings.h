// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Collects findings, one for each kind and instruction.
#pragma once

#include "runtime/sim/Engine.h"

#include <map>
#include <mutex>
#include <tuple>

namespace vlp::sim {

class Findings {
public:
  /// No instruction in particular.
  static constexpr uint32_t kNoSite = UINT32_MAX;

  /// `message()` is composed only if the finding is new.
  template <typename Message>
  void add(Finding::Kind kind, const vlp_sim_kernel &kernel, uint32_t site, Message message) {
    std::lock_guard lock(mutex);
    auto [entry, fresh] = known.try_emplace({kind, &kernel, site}, all.size());
    if (fresh)
      all.push_back({kind, name(kind) + std::string(": ") + message()});
    if (firstOfLaunch == kNone)
      firstOfLaunch = entry->second;
  }

  void beginLaunch() { firstOfLaunch = kNone; }
  /// Fails with the message of the first finding since beginLaunch.
  Status launchStatus() const;
  const std::vector<Finding> &list() const { return all; }
  void clear();

private:
  static constexpr size_t kNone = SIZE_MAX;
  static const char *name(Finding::Kind kind);

  std::mutex mutex;
  std::vector<Finding> all;
  std::map<std::tuple<Finding::Kind, const vlp_sim_kernel *, uint32_t>, size_t> known;
  size_t firstOfLaunch = kNone;
};

} // namespace vlp::sim
