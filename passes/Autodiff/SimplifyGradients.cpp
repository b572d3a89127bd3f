// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-simplify-gradients: constants, transposes and broadcasts.
#include "passes/Autodiff/SimplifyGradients.h"
#include "dialect/VLP/OpSupport.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Autodiff/Passes.h"

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_SIMPLIFYGRADIENTS
#include "passes/Autodiff/Passes.h.inc"
} // namespace vlp

/// The value of every element of `value`, if it is a float constant with one value.
static std::optional<APFloat> getSplat(Value value) {
  DenseElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)) || !elements.isSplat() || !isa<FloatType>(elements.getElementType()))
    return std::nullopt;
  return elements.getSplatValue<APFloat>();
}

static bool isSplatOf(Value value, double expected) {
  std::optional<APFloat> splat = getSplat(value);
  return splat && splat->convertToDouble() == expected;
}

static void replaceBySplat(PatternRewriter &rewriter, Operation *op, const APFloat &value) {
  auto elements = DenseElementsAttr::get(cast<RankedTensorType>(op->getResult(0).getType()), value);
  replaceKeepingMarks(rewriter, op, ConstantOp::create(rewriter, op->getLoc(), elements));
}

namespace {
/// Zeros do not change a sum.
struct DropZeroTerms : OpRewritePattern<AccumulateOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AccumulateOp op, PatternRewriter &rewriter) const override {
    SmallVector<Value> kept;
    llvm::copy_if(op.getInputs(), std::back_inserter(kept), [](Value input) { return !isSplatOf(input, 0); });
    if (kept.size() == op.getInputs().size())
      return failure();
    if (kept.empty())
      kept.push_back(op.getInputs().front());
    rewriter.modifyOpInPlace(op, [&] { op.getInputsMutable().assign(kept); });
    return success();
  }
};

/// An op that moves or repeats elements makes one constant of another: reshape, transpose, broadcast, slice, and the
/// pad of zeros.
template <typename OpT>
struct FoldMovedSplat : OpRewritePattern<OpT> {
  using OpRewritePattern<OpT>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpT op, PatternRewriter &rewriter) const override {
    std::optional<APFloat> splat = getSplat(op->getOperand(0));
    if (!splat || (isa<PadOp>(op) && !splat->isZero()))
      return failure();
    replaceBySplat(rewriter, op, *splat);
    return success();
  }
};

/// -constant and -(-x).
struct FoldNegation : OpRewritePattern<NegOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(NegOp op, PatternRewriter &rewriter) const override {
    if (auto splat = getSplat(op.getInput())) {
      replaceBySplat(rewriter, op, -*splat);
      return success();
    }
    auto inner = op.getInput().getDefiningOp<NegOp>();
    if (!inner)
      return failure();
    rewriter.replaceOp(op, inner.getInput());
    return success();
  }
};

/// x op neutral = x, where x has the result's shape.
template <typename OpT>
struct FoldNeutral : OpRewritePattern<OpT> {
  FoldNeutral(MLIRContext *context, double neutral) : OpRewritePattern<OpT>(context), neutral(neutral) {}

  LogicalResult matchAndRewrite(OpT op, PatternRewriter &rewriter) const override {
    constexpr bool commutes = std::is_same_v<OpT, AddOp> || std::is_same_v<OpT, MulOp>;
    for (unsigned i : {0, 1}) {
      bool canDrop = (i == 1 || commutes) && op->getOperand(1 - i).getType() == op.getType();
      if (!canDrop || !isSplatOf(op->getOperand(i), neutral))
        continue;
      rewriter.replaceOp(op, op->getOperand(1 - i));
      return success();
    }
    return failure();
  }

  double neutral;
};

/// The product or quotient of two constants.
template <typename OpT>
struct FoldSplats : OpRewritePattern<OpT> {
  using OpRewritePattern<OpT>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpT op, PatternRewriter &rewriter) const override {
    std::optional<APFloat> lhs = getSplat(op.getLhs()), rhs = getSplat(op.getRhs());
    if (!lhs || !rhs)
      return failure();
    replaceBySplat(rewriter, op, std::is_same_v<OpT, MulOp> ? *lhs * *rhs : *lhs / *rhs);
    return success();
  }
};

/// broadcast(x) op y = x op y where y alone has the result's shape.
template <typename OpT>
struct DropBroadcast : OpRewritePattern<OpT> {
  using OpRewritePattern<OpT>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpT op, PatternRewriter &rewriter) const override {
    for (unsigned i : {0, 1}) {
      auto broadcast = op->getOperand(i).template getDefiningOp<BroadcastOp>();
      if (!broadcast || op->getOperand(1 - i).getType() != op.getType())
        continue;
      rewriter.modifyOpInPlace(op, [&] { op->setOperand(i, broadcast.getInput()); });
      return success();
    }
    return failure();
  }
};

/// matmul(transpose(x), y): the flag is flipped instead. On the left only matrices can be.
struct FoldTransposedOperand : OpRewritePattern<MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override {
    auto lhs = op.getLhs().getDefiningOp<TransposeOp>();
    auto rhs = op.getRhs().getDefiningOp<TransposeOp>();
    bool foldsLhs = lhs && isMatrixTranspose(lhs), foldsRhs = rhs && isMatrixTranspose(rhs);
    if (!foldsLhs && !foldsRhs)
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      if (foldsLhs) {
        op.getLhsMutable().set(lhs.getInput());
        op.setTransposeLhs(!op.getTransposeLhs());
      }
      if (foldsRhs) {
        op.getRhsMutable().set(rhs.getInput());
        op.setTransposeRhs(!op.getTransposeRhs());
      }
    });
    return success();
  }

  static bool isMatrixTranspose(TransposeOp op) { return op.getPermutation() == ArrayRef<int64_t>{1, 0}; }
};

/// (A B)^T = B^T A^T.
struct FoldTransposedProduct : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override {
    auto product = op.getInput().getDefiningOp<MatmulOp>();
    if (!product || !product->hasOneUse() || !FoldTransposedOperand::isMatrixTranspose(op))
      return failure();
    auto flipped = MatmulOp::create(rewriter, product.getLoc(), product.getRhs(), product.getLhs(),
                                    !product.getTransposeRhs(), !product.getTransposeLhs());
    replaceKeepingMarks(rewriter, op, flipped);
    return success();
  }
};

struct SimplifyGradientsPass : vlp::impl::SimplifyGradientsBase<SimplifyGradientsPass> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<DropZeroTerms, FoldNegation, FoldSplats<MulOp>, FoldSplats<DivOp>, FoldTransposedOperand,
            FoldTransposedProduct>(context);
    set.add<FoldMovedSplat<ReshapeOp>, FoldMovedSplat<TransposeOp>, FoldMovedSplat<BroadcastOp>,
            FoldMovedSplat<SliceOp>, FoldMovedSplat<PadOp>>(context);
    set.add<FoldNeutral<AddOp>, FoldNeutral<SubOp>>(context, 0.0);
    set.add<FoldNeutral<MulOp>, FoldNeutral<DivOp>>(context, 1.0);
    set.add<DropBroadcast<AddOp>, DropBroadcast<SubOp>, DropBroadcast<MulOp>, DropBroadcast<DivOp>>(context);
    populatePadPatterns(set);
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    GreedyRewriteConfig config;
    config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled).enableConstantCSE(false);
    config.setUseTopDownTraversal().setMaxIterations(GreedyRewriteConfig::kNoLimit);
    if (failed(applyPatternsGreedily(getOperation(), patterns, config)))
      signalPassFailure();
  }

  FrozenRewritePatternSet patterns;
};
} // namespace
