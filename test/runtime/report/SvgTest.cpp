// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards charts of odd data: none, one point, a constant, gaps, logarithms of zero.
#include "runtime/report/Svg.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace vlp::report;

static size_t occurrences(const std::string &text, const std::string &what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size()))
    ++n;
  return n;
}

TEST(Svg, Ticks) {
  EXPECT_EQ(niceTicks(0, 10), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(niceTicks(0.13, 0.52), (std::vector<double>{0.2, 0.30000000000000004, 0.4, 0.5}));
  EXPECT_EQ(niceTicks(3, 3), (std::vector<double>{3}));
  std::vector<double> around = niceTicks(-1, 1);
  ASSERT_FALSE(around.empty());
  for (double tick : around)
    EXPECT_FALSE(tick == 0 && std::signbit(tick));
}

TEST(Svg, EmptyAndDegenerateSeries) {
  LineChart chart;
  EXPECT_NE(chart.svg().find("</svg>"), std::string::npos);
  chart.series = {{"none", {}}, {"one", {{5, 1}}}, {"flat", {{0, 1}, {1, 1}, {2, 1}}}};
  std::string svg = chart.svg();
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
  EXPECT_EQ(occurrences(svg, "<circle"), 1u);
  EXPECT_EQ(occurrences(svg, "<polyline"), 1u);
}

TEST(Svg, GapsSplitLines) {
  LineChart chart;
  chart.series = {{"a", {{0, 1}, {1, 2}, {2, NAN}, {3, 1}, {4, 0}}}};
  EXPECT_EQ(occurrences(chart.svg(), "<polyline"), 2u);
  chart.logY = true; // the zero goes, which leaves a single point behind the gap
  EXPECT_EQ(occurrences(chart.svg(), "<polyline"), 1u);
  EXPECT_EQ(occurrences(chart.svg(), "<circle"), 1u);
}

TEST(Svg, BarsEscapeAndSurviveBadValues) {
  BarChart chart;
  chart.bars = {{"<a>", 1, "n", 0}, {"b", NAN, "", 1}, {"c", -1, "", 9}};
  std::string svg = chart.svg();
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_NE(svg.find("&lt;a&gt;"), std::string::npos);
  EXPECT_EQ(svg.find("width=\"-"), std::string::npos);
}
