// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Inputs for entries of any model.
#include "tools/vlp-check/RandomInputs.h"

#include <cmath>
#include <random>

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;

static int64_t getDimension(Value value, unsigned index) {
  return cast<RankedTensorType>(value.getType()).getDimSize(index);
}

/// The smallest extent that elements of `ids` index, or `otherwise`.
static int64_t getBound(Value ids, int64_t otherwise) {
  int64_t bound = otherwise;
  for (OpOperand &use : ids.getUses()) {
    Operation *user = use.getOwner();
    if (auto embedding = dyn_cast<EmbeddingOp>(user))
      bound = std::min(bound, getDimension(embedding.getTable(), 0));
    else if (auto gather = dyn_cast<GatherRowsOp>(user))
      bound = std::min(bound, getDimension(gather.getInput(), 1));
    else if (auto loss = dyn_cast<CrossEntropyOp>(user))
      bound = std::min(bound, getDimension(loss.getLogits(), 1));
    else if (auto kernel = dyn_cast<KernelOp>(user))
      bound = std::min(bound, getBound(kernel.getBody().getArgument(use.getOperandNumber()), bound));
    else if (user->hasTrait<View>() && user->getNumResults() == 1)
      bound = std::min(bound, getBound(user->getResult(0), bound));
  }
  return bound;
}

/// What `ids` are compared with, if it is a constant.
static std::optional<int64_t> getComparedWith(Value ids) {
  for (Operation *user : ids.getUsers())
    if (auto equal = dyn_cast<EqualOp>(user))
      if (auto constant = equal.getRhs().getDefiningOp<ConstantOp>())
        if (auto splat = dyn_cast<SplatElementsAttr>(constant.getValue()))
          return splat.getSplatValue<APInt>().getSExtValue();
  return std::nullopt;
}

static bool isIndexed(Value ids) {
  return getBound(ids, std::numeric_limits<int64_t>::max()) != std::numeric_limits<int64_t>::max();
}

Arrays<double> tools::makeRandomInputs(func::FuncOp entry, uint64_t seed) {
  std::mt19937_64 generator(seed);
  // Own formulas: the standard library's distributions differ between implementations.
  auto uniform = [&] { return (double(generator() >> 11) + 0.5) / double(uint64_t(1) << 53); };
  Arrays<double> inputs;
  for (auto [argument, name] : llvm::zip_equal(entry.getArguments(), getArgumentNames(entry))) {
    Array<double> array(cast<RankedTensorType>(argument.getType()));
    for (double &value : array.values)
      value = float(std::sqrt(-2 * std::log(uniform())) * std::cos(2 * M_PI * uniform()));
    int64_t otherwise = std::max<int64_t>(1, int64_t(array.ints.size() + 1) / 2);
    if (std::optional<int64_t> compared = getComparedWith(argument))
      otherwise = *compared + 2;
    int64_t bound = isIndexed(argument) ? getBound(argument, std::numeric_limits<int32_t>::max()) : otherwise;
    for (int32_t &value : array.ints)
      value = int32_t(uniform() * double(bound));
    inputs[name] = std::move(array);
  }
  return inputs;
}
