// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-mark-trainable.
#include "passes/Autodiff/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/GlobPattern.h"

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_MARKTRAINABLE
#include "passes/Autodiff/Passes.h.inc"
} // namespace vlp

/// How far `name` is from what `glob` says before its first wildcard.
static unsigned distance(StringRef glob, StringRef name) {
  StringRef literal = glob.take_until([](char c) { return StringRef("*?[{").contains(c); });
  unsigned best = literal.edit_distance(name);
  if (literal.size() == glob.size())
    return best;
  for (size_t length = literal.size() - std::min<size_t>(literal.size(), 2); length <= literal.size() + 2; ++length)
    best = std::min(best, literal.edit_distance(name.take_front(length)));
  return best;
}

/// "'a', 'b'": the parameters whose names resemble `glob` most.
static std::string nearestNames(StringRef glob, ModuleOp module) {
  SmallVector<std::pair<unsigned, StringRef>> names;
  for (auto parameter : module.getOps<ParameterOp>())
    names.push_back({distance(glob, parameter.getSymName()), parameter.getSymName()});
  llvm::sort(names);
  SmallVector<std::string> nearest;
  for (auto [_, name] : ArrayRef(names).take_front(3))
    nearest.push_back(("'" + name + "'").str());
  return nearest.empty() ? "no parameters at all" : llvm::join(nearest, ", ");
}

static LogicalResult freeze(StringRef glob, ModuleOp module) {
  constexpr size_t kMaxBraceExpansions = 1024;
  auto pattern = llvm::GlobPattern::create(glob, kMaxBraceExpansions);
  if (!pattern)
    return mlir::emitError(module.getLoc())
           << "expected a glob in 'freeze', got '" << glob << "': " << llvm::toString(pattern.takeError());
  bool matched = false;
  for (auto parameter : module.getOps<ParameterOp>())
    if (pattern->match(parameter.getSymName())) {
      matched = true;
      parameter.setTrainable(false);
    }
  if (!matched)
    return mlir::emitError(module.getLoc())
           << "expected the glob '" << glob << "' in 'freeze' to match a parameter, got no match; the nearest are "
           << nearestNames(glob, module);
  return success();
}

namespace {
struct MarkTrainablePass : vlp::impl::MarkTrainableBase<MarkTrainablePass> {
  using MarkTrainableBase::MarkTrainableBase;

  void runOnOperation() override {
    bool complete = true;
    for (const std::string &glob : freeze)
      complete &= succeeded(::freeze(glob, getOperation()));
    if (!complete)
      signalPassFailure();
  }
};
} // namespace
