// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Charts as SVG markup for HtmlPage, which brings the colours (CSS variables --c0 to --c7, --ink, --line).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vlp::report {

struct Series {
  std::string name;
  /// x and y. Where y is not finite the line is interrupted.
  std::vector<std::pair<double, double>> points;
};

/// Lines over a common x axis, with a legend.
struct LineChart {
  std::string title, xLabel, yLabel;
  std::vector<Series> series;
  /// Logarithmic y axis; points that are not positive are left out.
  bool logY = false;
  /// Include these values in the y range.
  std::optional<double> includeLow, includeHigh;
  int width = 520, height = 300;

  /// Empty series, one point, and constant series are drawn, not refused.
  std::string svg() const;
};

struct Bar {
  std::string label;
  double value = 0;
  std::string note; ///< printed at the bar's end
  int colour = 0;   ///< 0 to 7
};

/// Horizontal bars from zero; values that are negative or not finite count as zero.
struct BarChart {
  std::string title;
  std::vector<Bar> bars;
  int width = 760;

  std::string svg() const;
};

/// Round numbers that cover [low, high], about `target` of them: 1, 2 or 5 times a power of ten apart.
std::vector<double> niceTicks(double low, double high, int target = 5);

} // namespace vlp::report
