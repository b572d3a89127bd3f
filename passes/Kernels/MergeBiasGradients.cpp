// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-merge-bias-gradients.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Kernels/AnchorKind.h"
#include "passes/Kernels/KernelBody.h"
#include "passes/Kernels/Passes.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_MERGEBIASGRADIENTS
#include "passes/Kernels/Passes.h.inc"
} // namespace vlp

/// The kernel operand that `kernel` sums over all dimensions but the last; null if it does anything else.
static Value getSummed(KernelOp kernel) {
  auto sum = dyn_cast_or_null<ReduceSumOp>(KernelBody(kernel).anchor);
  if (!sum)
    return {};
  int64_t rank = sum.getInput().getType().getRank();
  if (rank < 2 || static_cast<int64_t>(sum.getAxes().size()) != rank - 1 || sum.getAxes().back() != rank - 2)
    return {};
  Value input = sum.getInput();
  if (auto cast = input.getDefiningOp<CastOp>(); cast && isWideningCast(cast))
    input = cast.getInput();
  auto argument = dyn_cast<BlockArgument>(input);
  return argument ? kernel.getInputs()[argument.getArgNumber()] : Value();
}

/// The kernel operand that is all of the transposed left operand of the product that `kernel` is; null if there is
/// none.
static Value getTransposed(KernelOp kernel) {
  auto product = dyn_cast_or_null<MatmulOp>(KernelBody(kernel).anchor);
  if (!product || !product.getTransposeLhs())
    return {};
  auto access = inputAccess(product.getLhs());
  if (!access || access->offset != 0 || !access->isContiguous())
    return {};
  auto source = cast<RankedTensorType>(access->source.getType()), operand = product.getLhs().getType();
  if (source.getNumElements() != operand.getNumElements() || source.getShape().back() != operand.getShape().back())
    return {};
  return kernel.getInputs()[cast<BlockArgument>(access->source).getArgNumber()];
}

namespace {
/// Puts the bodies of two kernels into one.
class Merger {
public:
  explicit Merger(OpBuilder &builder) : builder(builder), inner(builder.getContext()) {
    inner.setInsertionPointToStart(&region.emplaceBlock());
  }

  void add(KernelOp member) {
    IRMapping mapping;
    Block &source = member.getBody().front();
    for (auto [argument, operand] : llvm::zip_equal(source.getArguments(), member.getInputs())) {
      Value &merged = arguments[operand];
      if (!merged)
        merged = region.front().addArgument(operand.getType(), argument.getLoc());
      mapping.map(argument, merged);
    }
    for (Operation &op : source.without_terminator())
      inner.clone(op, mapping);
    for (Value value : source.getTerminator()->getOperands())
      yields.push_back(mapping.lookup(value));
    members.push_back(member);
  }

  void replace() {
    KernelOp first = members.front();
    YieldOp::create(inner, first.getLoc(), yields);
    auto operands = llvm::to_vector(llvm::make_first_range(arguments));
    auto kernel = KernelOp::create(builder, first.getLoc(), ValueRange(yields).getTypes(), first.getAnchor(), operands);
    kernel.getBody().takeBody(region);
    unsigned next = 0;
    for (KernelOp member : members) {
      for (Value result : member.getResults())
        result.replaceAllUsesWith(kernel.getResult(next++));
      member.erase();
    }
  }

private:
  OpBuilder &builder;
  OpBuilder inner;
  Region region;
  llvm::MapVector<Value, Value> arguments;
  SmallVector<Value> yields;
  SmallVector<KernelOp> members;
};

struct MergeBiasGradientsPass : vlp::impl::MergeBiasGradientsBase<MergeBiasGradientsPass> {
  using MergeBiasGradientsBase::MergeBiasGradientsBase;

  void runOnOperation() override {
    if (getOperation().isDeclaration())
      return;
    llvm::DenseMap<Value, KernelOp> products;
    SmallVector<KernelOp> sums;
    for (auto kernel : getOperation().getOps<KernelOp>()) {
      if (Value operand = getTransposed(kernel))
        products.try_emplace(operand, kernel);
      if (getSummed(kernel))
        sums.push_back(kernel);
    }
    for (KernelOp sum : sums) {
      auto product = products.find(getSummed(sum));
      if (product == products.end())
        continue;
      if (Operation *place = getPlace(product->second, sum)) {
        OpBuilder builder(place);
        Merger merger(builder);
        merger.add(product->second);
        merger.add(sum);
        merger.replace();
        products.erase(product); // one sum a product
      } else if (remarks) {
        sum.emitRemark() << "bias gradient stays a kernel of its own: another kernel stands between it and the product";
      }
    }
  }

private:
  /// Which of two kernels stands where both can: the operands are there, the results come in time. Null: neither.
  static Operation *getPlace(Operation *a, Operation *b) {
    Operation *first = a->isBeforeInBlock(b) ? a : b, *last = first == a ? b : a;
    bool operandsInTime = llvm::all_of(last->getOperands(), [&](Value operand) {
      Operation *producer = operand.getDefiningOp();
      return !producer || producer->isBeforeInBlock(first);
    });
    if (operandsInTime)
      return first;
    bool resultsInTime =
        llvm::none_of(first->getUsers(), [&](Operation *user) { return user == last || user->isBeforeInBlock(last); });
    return resultsInTime ? last : nullptr;
  }
};
} // namespace
