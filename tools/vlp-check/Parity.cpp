// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Agreement with an official model's numbers.
#include "tools/vlp-check/Parity.h"

#include "models/common/Architecture.h"
#include "passes/Pipelines/Registration.h"
#include "tools/vlp-check/Golden.h"
#include "tools/vlpc/Diagnostics.h"
#include <cmath>

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;

bool ParityReport::passed() const {
  return llvm::all_of(rows, [](const ParityRow &row) { return row.passed; });
}

static double getNorm(const Array<double> &array) {
  double sum = 0;
  for (double value : array.values)
    sum += value * value;
  return std::sqrt(sum);
}

static double getDistance(const Array<double> &a, const Array<double> &b) {
  double sum = 0;
  for (auto [x, y] : llvm::zip_equal(a.values, b.values))
    sum += (x - y) * (x - y);
  return std::sqrt(sum);
}

static ParityRow compare(const std::string &name, const Array<double> &golden, const Array<double> &ours,
                         double largestGradient) {
  bool isGradient = StringRef(name).starts_with("grad/");
  ParityRow row{name, getNorm(golden), 0, isGradient ? 1e-4 : 1e-5, false, false};
  row.skipped = isGradient && row.norm <= 1e-7 * largestGradient;
  if (row.skipped) {
    // A batch of one has no gradients at all.
    row.error = largestGradient > 0 ? getNorm(ours) / largestGradient : getNorm(ours);
    row.tolerance = largestGradient > 0 ? 1e-6 : 1e-5;
  } else {
    row.error = getDistance(golden, ours) / (row.norm > 0 ? row.norm : 1);
  }
  row.passed = row.error <= row.tolerance; // false for NaN
  return row;
}

llvm::Expected<ParityReport> tools::checkClipParity(const std::string &goldenFile, const Device &device) {
  DialectRegistry registry;
  registerDialects(registry);
  registerTargets();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  DiagnosticPrinter diagnostics(&context);
  llvm::Expected<ClipGolden> golden = readClipGolden(&context, goldenFile);
  if (!golden)
    return golden.takeError();
  llvm::Expected<Arrays<double>> ours =
      runOnDevice(device, *golden->module, "gradients", golden->inputs, golden->parameters);
  if (!ours)
    return ours.takeError();

  double largest = 0;
  for (auto &[name, array] : golden->expected)
    if (StringRef(name).starts_with("grad/"))
      largest = std::max(largest, getNorm(array));
  ParityReport report;
  for (StringRef prefix : {"loss", "logits", "grad/"})
    for (auto &[name, array] : golden->expected) {
      if (!StringRef(name).starts_with(prefix))
        continue;
      if (!ours->count(name) || (*ours)[name].values.size() != array.values.size())
        return models::makeError("the compiled model has no result '" + name + "' of this size");
      report.rows.push_back(compare(name, array, (*ours)[name], largest));
    }
  return report;
}
