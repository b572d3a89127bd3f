// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Decisions about one matrix product.
#include "passes/CUDA/MatmulScheme.h"

#include "passes/CUDA/LaunchFunction.h"
#include <numeric>

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

static Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

static int64_t widestElement(ArrayRef<Value> values) {
  int64_t bytes = 0;
  for (Value value : values)
    bytes = std::max(bytes, bytesOf(elementOf(value)));
  return bytes;
}

std::optional<MatmulTile> cuda::getAskedTile(const ProductShape &shape, const TargetInfo &target, std::string &why) {
  if (target.matmulTile.empty())
    return std::nullopt;
  std::optional<MatmulTile> tile = parseTile(target.matmulTile);
  return tile && isValidTile(shape, *tile, getChip(target.chip), why) ? tile : std::nullopt;
}

MatmulTile cuda::getTile(const ProductShape &shape, const TargetInfo &target) {
  std::string why;
  std::optional<MatmulTile> asked = getAskedTile(shape, target, why);
  return asked ? *asked : chooseTile(shape, getChip(target.chip));
}

ReduceSumOp cuda::findRowSum(const KernelBody &body) {
  auto sums = body.kernel.getBody().front().getOps<ReduceSumOp>();
  return sums.empty() ? ReduceSumOp() : *sums.begin();
}

bool cuda::isRowSum(ReduceSumOp sum, Operation *product) {
  auto matmul = dyn_cast<MatmulOp>(product);
  Value summed = sum.getInput();
  if (auto cast = summed.getDefiningOp<CastOp>())
    summed = cast.getInput();
  int64_t rank = sum.getInput().getType().getRank();
  if (!matmul || !matmul.getTransposeLhs() || !isa<BlockArgument>(summed) || rank < 2 ||
      static_cast<int64_t>(sum.getAxes().size()) != rank - 1 || sum.getAxes().back() != rank - 2)
    return false;
  std::optional<Access> access = inputAccess(matmul.getLhs());
  auto type = matmul.getLhs().getType();
  return access && access->source == summed && access->offset == 0 && access->isContiguous() &&
         type.getNumElements() == sum.getInput().getType().getNumElements() &&
         type.getShape().back() == sum.getType().getShape().back();
}

static SmallVector<Value> getResultsOf(const KernelBody &body) {
  SmallVector<Value> values;
  for (unsigned i : body.yieldsOf(0))
    values.push_back(body.yields[i]);
  return values;
}

bool MatmulScheme::belongsToRowSum(Operation &op) const {
  ReduceSumOp sum = rowSum;
  return sum && (op.getResult(0) == sum.getInput() || dependsOn(op.getResult(0), sum.getResult()));
}

/// Sums, a residual, a scale, a cast: others would multiply the code of all sums of a thread.
bool MatmulScheme::isLight(const KernelBody &body) const {
  int64_t count = 0;
  for (Operation &op : body.kernel.getBody().front())
    if (op.hasTrait<Elementwise>() && !belongsToRowSum(op)) {
      if (!isa<AddOp, SubOp, MulOp, NegOp, AccumulateOp, CastOp>(op))
        return false;
      ++count;
    }
  return count <= 4;
}

MatmulScheme::MatmulScheme(const KernelBody &body, const TargetInfo &target)
    : product(body.anchor), rowSum(findRowSum(body)) {
  product.shape.sumsRows = bool(rowSum);
  tile = getTile(product.shape, target);
  bool bf16 = !product.shape.isF32();
  rowMap.group = bf16 || product.a.form.alongK ? 1 : std::min<int64_t>(4, tile.warpRows / 8);
  columnMap.group = bf16 && !product.b.form.alongK ? 1 : std::min<int64_t>(4, tile.warpColumns / 8);
  SmallVector<Value> yields = getResultsOf(body);
  widest = splitsK() ? 4 : widestElement(yields);
  columnMap.split = columnMap.group == 4 && widest == 4;
  auto shape = body.shape(product.op->getResult(0));
  width = Expression::widthOf(yields, shape, splitsK() ? 4 : kVectorBytes / widest);
  light = isLight(body);
  staged = !splitsK() && !(light && fillsSectors(body));
}

int64_t MatmulScheme::together() const {
  int64_t points = tile.rows * tile.columns / (width * tile.threads());
  return rowTail() || columnTail() ? 1 : std::min(inFlight(width), points);
}

TileInstructions MatmulScheme::instructions(const KernelBody &body) const {
  TileInstructions counts = countInstructions(product.shape, tile);
  int64_t run = columnMap.run();
  if (staged && run >= 4)
    *counts.wideShared += runs() * run / 4;
  if (staged && width >= 4)
    *counts.wideShared += together() * width / 4;
  if (product.shape.m < tile.rows || product.shape.n < tile.columns) // some of these stores never happen
    return counts;
  int64_t points = splitsK() ? runs() : staged ? together() : runs(), pointWidth = staged ? width : run;
  auto stores = [&](int64_t elementBytes) { return points * (pointWidth * elementBytes / kVectorBytes); };
  if (splitsK())
    counts.wideGlobal = stores(4);
  else if (readsSumsOnly(body)) {
    SmallVector<Value> yields = getResultsOf(body);
    counts.wideGlobal = std::accumulate(yields.begin(), yields.end(), int64_t(0),
                                        [&](int64_t sum, Value y) { return sum + stores(bytesOf(elementOf(y))); });
  }
  return counts;
}

/// Whether the epilogue loads nothing from global memory.
bool MatmulScheme::readsSumsOnly(const KernelBody &body) const {
  auto isComputed = [&](Value value) {
    Operation *op = value.getDefiningOp();
    return op && (op == product.op || op->hasTrait<Elementwise>());
  };
  return !product.bias && llvm::all_of(body.kernel.getBody().front(), [&](Operation &op) {
    return !op.hasTrait<Elementwise>() || belongsToRowSum(op) || llvm::all_of(op.getOperands(), isComputed);
  });
}

/// Whether the runs of four threads in a row are whole sectors of every result.
bool MatmulScheme::fillsSectors(const KernelBody &body) const {
  int64_t run = columnMap.run();
  SmallVector<Value> yields = getResultsOf(body);
  if (Expression::widthOf(yields, body.shape(product.op->getResult(0)), run) != run)
    return false;
  return llvm::all_of(yields, [&](Value value) { return 4 * run * bytesOf(elementOf(value)) >= 32; });
}
