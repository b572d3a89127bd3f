// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Means, medians and intervals.
#include "runtime/report/Statistics.h"

#include <algorithm>
#include <cmath>

namespace vlp::report {

double mean(std::span<const double> values) {
  double sum = 0;
  for (double value : values)
    sum += value;
  return values.empty() ? 0 : sum / double(values.size());
}

double quantile(std::vector<double> values, double q) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  double place = std::clamp(q, 0.0, 1.0) * double(values.size() - 1);
  size_t below = size_t(place);
  size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (place - double(below));
}

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

double deviation(std::span<const double> values) {
  if (values.size() < 2)
    return 0;
  double centre = mean(values), sum = 0;
  for (double value : values)
    sum += (value - centre) * (value - centre);
  return std::sqrt(sum / double(values.size() - 1));
}

/// SplitMix64 (Steele et al., 2014).
static uint64_t nextRandom(uint64_t &state) {
  uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

Interval bootstrapMean(std::span<const double> values, int rounds, double confidence, uint64_t seed) {
  double centre = mean(values);
  if (values.size() < 2 || rounds < 1)
    return {centre, centre};
  std::vector<double> means(static_cast<size_t>(rounds));
  uint64_t state = seed ^ 0x5DEECE66Du;
  for (double &result : means) {
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i)
      sum += values[size_t((nextRandom(state) >> 32) * values.size() >> 32)];
    result = sum / double(values.size());
  }
  std::sort(means.begin(), means.end());
  double tail = (1 - confidence) / 2;
  return {quantile(means, tail), quantile(means, 1 - tail)};
}

Interval studentMean(std::span<const double> values) {
  // Two-sided 95 % points of Student's t for 1 to 10 degrees of freedom; the normal point with a correction beyond.
  static const double points[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228};
  double centre = mean(values);
  if (values.size() < 2)
    return {centre, centre};
  size_t freedom = values.size() - 1;
  double point = freedom <= 10 ? points[freedom - 1] : 1.96 + 2.4 / double(freedom);
  double half = point * deviation(values) / std::sqrt(double(values.size()));
  return {centre - half, centre + half};
}

} // namespace vlp::report
