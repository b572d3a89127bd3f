// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Agreement with an official model's numbers.
#include "tools/vlp-check/Parity.h"

#include "models/common/Architecture.h"
#include "passes/Pipelines/Registration.h"
#include "tools/vlp-check/Autocast.h"
#include "tools/vlp-check/Golden.h"
#include "tools/vlpc/Diagnostics.h"
#include <cmath>

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;

bool ParityReport::passed() const {
  return llvm::all_of(rows, [](const ParityRow &row) { return row.passed; });
}

static double valueAt(const Array<double> &array, int64_t i) {
  return array.isInteger() ? array.ints[i] : array.values[i];
}

static double getNorm(const Array<double> &array) {
  double sum = 0;
  for (int64_t i = 0; i < array.size(); ++i)
    sum += valueAt(array, i) * valueAt(array, i);
  return std::sqrt(sum);
}

static double getDistance(const Array<double> &a, const Array<double> &b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i)
    sum += std::pow(valueAt(a, i) - valueAt(b, i), 2);
  return std::sqrt(sum);
}

static bool isGradient(StringRef name) { return name.starts_with("grad/"); }

/// Losses and other results; gradients; moving averages, which are two products and a sum.
static double getTolerance(StringRef name) {
  if (isGradient(name))
    return 1e-4;
  return name.starts_with("after/") && name.split('.').first.ends_with("_m") ? 2e-7 : 1e-5;
}

static double getLargestGradient(const Arrays<double> &expected) {
  double largest = 0;
  for (auto &[name, array] : expected)
    if (isGradient(name))
      largest = std::max(largest, getNorm(array));
  return largest;
}

/// `allowed` is for zero gradients: of the largest one's norm.
static ParityRow compare(const std::string &name, const Array<double> &expected, const Array<double> &ours,
                         double tolerance, double largestGradient, double allowed) {
  ParityRow row{name, getNorm(expected), 0, tolerance, false, false};
  row.skipped = isGradient(name) && row.norm <= 1e-7 * largestGradient;
  if (row.skipped) {
    // A batch of one has no gradients at all.
    row.error = largestGradient > 0 ? getNorm(ours) / largestGradient : getNorm(ours);
    row.tolerance = largestGradient > 0 ? allowed : 1e-5;
  } else {
    row.error = getDistance(expected, ours) / (row.norm > 0 ? row.norm : 1);
  }
  row.passed = row.error <= row.tolerance; // false for NaN
  return row;
}

/// Names of results in the order of reports: losses, other results, gradients.
static std::vector<std::string> getNames(const Arrays<double> &expected) {
  std::vector<std::string> names;
  for (auto &[name, array] : expected)
    names.push_back(name);
  auto rank = [](StringRef name) {
    return name.starts_with("after/") ? 3 : isGradient(name) ? 2 : name.contains("loss") ? 0 : 1;
  };
  llvm::sort(names, [&](StringRef a, StringRef b) { return std::pair(rank(a), a) < std::pair(rank(b), b); });
  return names;
}

static ParityReport compareInF32(const Arrays<double> &golden, const Arrays<double> &ours) {
  ParityReport report;
  double largest = getLargestGradient(golden);
  for (const std::string &name : getNames(golden))
    report.rows.push_back(compare(name, golden.at(name), ours.at(name), getTolerance(name), largest, 1e-6));
  return report;
}

/// At most this many times as far from f64 as autocast is.
static constexpr double kAutocastFactor = 1.5;
/// The relative distance of bf16 numbers.
static constexpr double kUnitBF16 = 0x1p-8;

static llvm::Expected<ParityReport> compareInBF16(const Arrays<double> &f64, const Arrays<double> &ours,
                                                  const AutocastErrors &autocast) {
  ParityReport report;
  double largest = getLargestGradient(f64), distances = 0, norms = 0;
  auto add = [&](ParityRow row) -> llvm::Error {
    if (!row.skipped) {
      auto error = autocast.errors.find(row.tensor);
      if (error == autocast.errors.end())
        return models::makeError("expected an error of autocast for '" + row.tensor + "', got none");
      row.autocast = error->second;
      row.tolerance = kAutocastFactor * std::max(row.autocast, kUnitBF16);
      row.passed = row.error <= row.tolerance; // false for NaN
    }
    report.rows.push_back(row);
    return llvm::Error::success();
  };
  for (const std::string &name : getNames(f64)) {
    ParityRow row = compare(name, f64.at(name), ours.at(name), 0, largest, kUnitBF16);
    if (llvm::Error error = add(row))
      return error;
    if (isGradient(name) && !row.skipped) {
      distances += std::pow(row.error * row.norm, 2);
      norms += row.norm * row.norm;
    }
  }
  if (norms == 0) // a batch of one
    return report;
  if (llvm::Error error = add({"gradients", std::sqrt(norms), std::sqrt(distances / norms), 0, false, false}))
    return error;
  return report;
}

/// Fails unless `ours` has each of the results `expected`, in its size.
static llvm::Error checkResults(const Arrays<double> &expected, const Arrays<double> &ours) {
  for (const std::string &name : getNames(expected))
    if (auto found = ours.find(name); found == ours.end() || found->second.size() != expected.at(name).size())
      return models::makeError("the compiled model has no result '" + name + "' of this size");
  return llvm::Error::success();
}

llvm::Expected<ParityReport> tools::checkParity(llvm::StringRef architecture, const std::string &goldenFile,
                                                const Device &device, const std::string &autocastFile) {
  DialectRegistry registry;
  registerDialects(registry);
  registerTargets();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  DiagnosticPrinter diagnostics(&context);
  llvm::Expected<Golden> golden = readGolden(&context, architecture, goldenFile);
  if (!golden)
    return golden.takeError();
  auto run = [&](const Device &device) {
    return runOnDevice(device, *golden->module, "gradients", golden->inputs, golden->state);
  };
  AutocastErrors autocast;
  if (device.precision == Precision::BF16) {
    auto found = findAutocastErrors(goldenFile, autocastFile);
    if (!found)
      return found.takeError();
    autocast = std::move(*found);
  }
  llvm::Expected<Arrays<double>> ours = run(device);
  if (!ours)
    return ours.takeError();
  if (llvm::Error error = checkResults(golden->expected, *ours))
    return error;
  if (device.precision == Precision::F32)
    return compareInF32(golden->expected, *ours);
  llvm::Expected<Arrays<double>> f64 = run({DeviceKind::ReferenceF64});
  if (!f64)
    return f64.takeError();
  return compareInBF16(*f64, *ours, autocast);
}
