// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Timelines in the trace-event format that chrome://tracing and Perfetto open.
#pragma once

#include "runtime/core/Status.h"

#include <map>
#include <string>
#include <vector>

namespace vlp::report {

class ChromeTrace {
public:
  /// Names a track; tracks are numbered from 0.
  void nameTrack(int track, std::string name);
  /// Something that ran from `begin` to `end` (seconds).
  void add(std::string name, std::string category, int track, double begin, double end,
           std::vector<std::pair<std::string, double>> numbers = {},
           std::vector<std::pair<std::string, std::string>> texts = {});
  size_t size() const { return events.size(); }

  /// The JSON text: {"traceEvents": [...], "displayTimeUnit": "ms"}; times in microseconds.
  std::string json() const;
  Status save(const std::string &path) const;

private:
  struct Event {
    std::string name, category;
    int track;
    double begin, end;
    std::vector<std::pair<std::string, double>> numbers;
    std::vector<std::pair<std::string, std::string>> texts;
  };
  std::map<int, std::string> tracks;
  std::vector<Event> events;
};

} // namespace vlp::report
