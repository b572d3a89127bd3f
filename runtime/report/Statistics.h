// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Means, medians and intervals. Resampling has a fixed seed: the same numbers give the same interval everywhere.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vlp::report {

struct Interval {
  double low = 0, high = 0;
};

/// 0 for no values.
double mean(std::span<const double> values);
/// The middle value, or the mean of the two middle ones; 0 for no values.
double median(std::vector<double> values);
/// The q-quantile (0 to 1), linear between the order statistics; 0 for no values.
double quantile(std::vector<double> values, double q);
/// The sample standard deviation (n - 1); 0 for fewer than two values.
double deviation(std::span<const double> values);

/// The percentile bootstrap interval of the mean: `rounds` resamples of the values with replacement. With fewer than
/// two values or no rounds, the mean itself.
Interval bootstrapMean(std::span<const double> values, int rounds, double confidence = 0.95, uint64_t seed = 0);
/// Student's 95 % interval of the mean of a few independent values (seeds). With fewer than two values, the mean
/// itself.
Interval studentMean(std::span<const double> values);

} // namespace vlp::report
