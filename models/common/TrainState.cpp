// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ramps, draws, limits.
#include "models/common/TrainState.h"
#include "models/common/Initializers.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

static Value readStep(ModelBuilder &b) {
  return b.variable(StateKind::Counter, "train.step", b.intType({}), constantInit(b.getContext(), 0.0),
                    "optimizer steps applied so far");
}

Value models::drawUniform(ModelBuilder &b, ArrayRef<int64_t> shape, DrawStream stream) {
  Value seed = b.variable(StateKind::Counter, "train.seed", b.intType({}), constantInit(b.getContext(), 0.0),
                          "what the draws of all steps follow from");
  return b.make<RandomUniformOp>(b.floatType(shape), seed, readStep(b),
                                 b.ops().getI64IntegerAttr(static_cast<int64_t>(stream)));
}

Value models::rampedAlpha(ModelBuilder &b, double most) {
  auto scalar = [&](StringRef name, double value, StringRef doc) {
    return b.variable(StateKind::Scalar, name, b.floatType({}), constantInit(b.getContext(), value), doc);
  };
  Value alpha = scalar("train.alpha", most, "the momentum model's share in soft targets");
  Value steps = scalar("train.alpha_warmup_steps", 1.0, "steps in which that share grows from 0");
  Value done = b.make<DivOp>(b.make<CastOp>(b.floatType({}), readStep(b)), steps);
  return b.make<MulOp>(alpha, b.make<ClampOp>(done, b.constant(0.0), b.constant(1.0)));
}

void models::boundParameter(ModuleOp module, StringRef name, double least, double most) {
  if (auto parameter = module.lookupSymbol<ParameterOp>(name))
    parameter->setAttr("vlp.bounds", Builder(module.getContext()).getF64ArrayAttr({least, most}));
}

llvm::Error models::checkMomentumBatches(ArrayRef<EntryRequest> entries, ArrayRef<EntryInfo> known, int64_t queue) {
  std::vector<std::string> problems;
  for (const EntryRequest &entry : entries) {
    auto info = llvm::find_if(known, [&](const EntryInfo &each) { return each.name == entry.name; });
    if (info == known.end() || (entry.name != "train" && entry.name != "gradients"))
      continue;
    auto option = entry.options.find("batch");
    int64_t batch = option == entry.options.end() ? info->defaultBatch : option->second;
    std::string where = "entry '" + entry.name + "': batch=" + std::to_string(batch);
    if (batch == 1)
      problems.push_back(where + ", expected at least 2: negatives are other items of the batch");
    else if (queue && batch > 0 && queue % batch)
      problems.push_back(where + ", expected a divisor of queue = " + std::to_string(queue));
  }
  return problems.empty() ? llvm::Error::success() : makeError(llvm::join(problems, "; "));
}
