// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How far long work has come: a bar on a terminal, plain lines elsewhere.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

namespace vlp::report {

class Progress {
public:
  struct Settings {
    std::FILE *stream = stderr;
    /// A redrawn bar; by default when the stream is a terminal that can move its cursor.
    bool bar = false;
    /// Seconds between redraws of the bar, and between plain lines.
    double barInterval = 0.1, lineInterval = 10;
    /// Seconds since some fixed moment.
    std::function<double()> clock;
    static Settings forStream(std::FILE *stream);
  };

  /// `total` is 0 while it is unknown.
  Progress(std::string label, uint64_t total, Settings settings = Settings::forStream(stderr));
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  void setTotal(uint64_t newTotal) { total = newTotal; }
  /// Says that `done` units are done; prints at most once an interval. `detail` follows the bar ("loss 2.31 1,234
  /// pairs/s").
  void update(uint64_t done, std::string_view detail = {});
  /// Prints a line of its own, the bar below it.
  void note(std::string_view line);
  /// Prints the last state once more and ends the line. The destructor does it when nobody did.
  void finish();

private:
  void draw(bool last);
  std::string describe() const;

  std::string label, detail;
  uint64_t total, done = 0;
  Settings settings;
  double started, lastDrawn;
  uint64_t firstDone = 0;
  bool any = false, finished = false, barShown = false, stale = false;
};

} // namespace vlp::report
