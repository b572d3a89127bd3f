// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-lower-precision: casts around products, and which of the values between them are rounded.
#include "passes/Kernels/Access.h"
#include "passes/Kernels/AnchorKind.h"
#include "passes/Kernels/BuildKernel.h"
#include "passes/Precision/Passes.h"
#include "passes/Precision/PrecisionRules.h"

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_LOWERPRECISION
#include "passes/Precision/Passes.h.inc"
} // namespace vlp

static constexpr llvm::StringLiteral kLeastPrecisionAttr = "vlp.least_precision";

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }
static bool isF32(Value value) { return typeOf(value).getElementType().isF32(); }
static bool isBackward(Operation *op) { return op && op->hasAttr("vlp.backward"); }

static RankedTensorType withElement(Value value, Type element) {
  return RankedTensorType::get(typeOf(value).getShape(), element);
}

/// The bf16 value that `value` is widened from, if it is.
static Value getNarrowSource(Value value) {
  auto cast = value.getDefiningOp<CastOp>();
  return cast && typeOf(cast.getInput()).getElementType().isBF16() ? cast.getInput() : Value();
}

/// Ops whose result holds elements of their tensor operands and zeros: a cast may stand on either side of them.
static bool isMove(Operation *op) {
  return op && (op->hasTrait<View>() || isa<ConcatOp, PadOp, GatherRowsOp, ScatterRowsOp, PatchifyOp>(op));
}

/// Whether `value` is there before the first op computes.
static bool isThereFromStart(Value value) {
  Operation *op = value.getDefiningOp();
  if (isMove(op))
    return llvm::all_of(op->getOperands(), isThereFromStart);
  return !op || isa<ReadOp, ConstantOp>(op);
}

namespace {
/// Who reads a value, moves looked through.
struct Readers {
  bool bf16 = false;   // products
  bool either = false; // ops that take what is stored
  bool fused = false;  // elementwise ops that can be epilogues of the op that makes it
  Operation *f32 = nullptr;
};

/// Lowers one function of a single block.
class FunctionLowering {
public:
  FunctionLowering(func::FuncOp function, bool remarks) : block(function.getBody().front()), remarks(remarks) {}

  void run();

private:
  void selectProducts();
  /// Why `op`, a product, stays in f32; empty if it does not.
  std::string getReasonToKeep(Operation *op) const;
  Readers getReaders(Value value);
  void addReader(OpOperand &use, Readers &readers);

  void lowerProduct(Operation *op);
  /// Lets `op` read what is stored in bf16 anyway, or can be.
  void readStored(Operation *op);
  /// The bf16 value that stands for `value` in memory; null if that stays in f32.
  Value getStored(Value value, Operation *user);
  bool mayBeStored(Value value);

  /// `value` in bf16, for `user` and all later ones.
  Value narrow(Value value, Operation *user);
  /// Whether `value` is in bf16 already, or rounded for free by the op that makes it, and needed in no other form.
  bool isNarrowAtSource(Value value);
  /// Whether the cast of the result of `op`, a move, should stand before it.
  bool isCastBefore(Operation *op);
  Value widen(Value value, Operation *user);
  void remark(Operation *op, const Twine &message) const;

  Block &block;
  const bool remarks;
  SetVector<Operation *> products;
  llvm::DenseMap<Value, Readers> readersOf;
  llvm::DenseMap<Value, Value> narrowed;
  llvm::SmallPtrSet<Operation *, 8> reported; // as stored in f32
};
} // namespace

void FunctionLowering::remark(Operation *op, const Twine &message) const {
  if (remarks)
    emitRemark(op->getLoc()) << "'" << op->getName() << "' " << message;
}

/// Whether `op` or what it is the gradient of says that it stays in f32: gradient ops have the location of their op.
static bool isKept(Operation *op, const llvm::DenseSet<Location> &kept) {
  return op->hasAttr(kLeastPrecisionAttr) || (isBackward(op) && kept.contains(op->getLoc()));
}

std::string FunctionLowering::getReasonToKeep(Operation *op) const {
  for (OpOperand &operand : op->getOpOperands()) {
    if (getReads(op, operand.getOperandNumber()) != Reads::BF16)
      continue;
    Value value = operand.get();
    if (!isF32(value))
      return "its operand #" + std::to_string(operand.getOperandNumber()) + " is no f32 tensor";
    auto source = dyn_cast<OpResult>(getViewSource(value));
    if (source && source.getResultNumber() == 0 && isa<L2NormalizeOp>(source.getOwner()))
      return "it reads unit features, whose rounding errors the logit scale multiplies";
  }
  return "";
}

void FunctionLowering::selectProducts() {
  llvm::DenseSet<Location> kept;
  for (Operation &op : block)
    if (op.hasAttr(kLeastPrecisionAttr))
      kept.insert(op.getLoc());
  for (Operation &op : block) {
    if (!isProduct(&op))
      continue;
    std::string reason = isKept(&op, kept) ? "'" + kLeastPrecisionAttr.str() + "' says so" : getReasonToKeep(&op);
    if (reason.empty())
      products.insert(&op);
    else
      remark(&op, "stays as it is: " + reason);
  }
}

void FunctionLowering::addReader(OpOperand &use, Readers &readers) {
  Operation *user = use.getOwner();
  Value value = use.get();
  if (isMove(user)) {
    Readers behind = getReaders(user->getResult(0));
    readers.bf16 |= behind.bf16;
    readers.either |= behind.either;
    readers.f32 = behind.fused ? user : behind.f32 ? behind.f32 : readers.f32;
    return;
  }
  Reads reads = getReads(user, use.getOperandNumber());
  if (reads == Reads::BF16 && products.contains(user))
    readers.bf16 = true;
  else if (reads == Reads::Either || reads == Reads::Widened)
    readers.either = true;
  else if (isElementwise(user) && isBackward(user) == isBackward(value.getDefiningOp()) &&
           typeOf(user->getResult(0)).getShape() == typeOf(value).getShape())
    readers.fused = true;
  else
    readers.f32 = user;
}

Readers FunctionLowering::getReaders(Value value) {
  auto found = readersOf.find(value);
  if (found != readersOf.end())
    return found->second;
  Readers readers;
  for (OpOperand &use : value.getUses())
    addReader(use, readers);
  return readersOf[value] = readers;
}

bool FunctionLowering::isNarrowAtSource(Value value) {
  if (getNarrowSource(value))
    return true;
  auto result = dyn_cast<OpResult>(value);
  if (!result || getReaders(value).f32)
    return false;
  Operation *op = result.getOwner();
  if (isa<ConcatOp>(op))
    return llvm::all_of(op->getOperands(), [&](Value operand) { return isNarrowAtSource(operand); });
  if (isMove(op))
    return isNarrowAtSource(op->getOperand(0));
  return result.getResultNumber() == 0 && acceptsEpilogue(getAnchorKind(op));
}

bool FunctionLowering::isCastBefore(Operation *op) {
  if (isa<SliceOp, GatherRowsOp>(op)) // fewer elements behind it
    return isNarrowAtSource(op->getOperand(0));
  if (isa<ConcatOp>(op)) // a kernel of its own, for which one form must do
    return isNarrowAtSource(op->getResult(0));
  return true; // as many elements before it, or fewer
}

Value FunctionLowering::narrow(Value value, Operation *user) {
  if (Value source = getNarrowSource(value))
    return source;
  if (Value known = narrowed.lookup(value))
    return known;
  Operation *op = value.getDefiningOp();
  // What is computed is rounded where it is made; a weight just before it is needed, so that memory keeps its copy no
  // longer.
  Operation *near = isThereFromStart(value) ? user : op;
  OpBuilder builder(user);
  if (near == op)
    builder.setInsertionPointAfter(op);
  Type element = builder.getBF16Type();
  if (isMove(op) && isCastBefore(op)) {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      operands.push_back(isF32(operand) ? narrow(operand, user) : operand);
      Operation *last = operands.back().getDefiningOp();
      if (last && !last->isBeforeInBlock(&*builder.getInsertionPoint()))
        builder.setInsertionPointAfter(last);
    }
    Operation *clone = builder.clone(*op);
    clone->setOperands(operands);
    clone->getResult(0).setType(withElement(value, element));
    return narrowed[value] = clone->getResult(0);
  }
  auto cast = CastOp::create(builder, near->getLoc(), withElement(value, element), value);
  if (isBackward(near))
    cast->setAttr("vlp.backward", builder.getUnitAttr());
  return narrowed[value] = cast;
}

Value FunctionLowering::widen(Value value, Operation *user) {
  OpBuilder builder(user);
  auto cast = CastOp::create(builder, user->getLoc(), withElement(value, builder.getF32Type()), value);
  if (isBackward(user))
    cast->setAttr("vlp.backward", builder.getUnitAttr());
  return cast;
}

void FunctionLowering::lowerProduct(Operation *op) {
  for (OpOperand &operand : op->getOpOperands())
    if (getReads(op, operand.getOperandNumber()) == Reads::BF16)
      operand.set(narrow(operand.get(), op));
  if (getGives(op) != Gives::BF16)
    return;
  OpBuilder builder(op->getContext());
  for (OpResult result : op->getResults()) {
    if (isStatistic(result))
      continue;
    result.setType(withElement(result, builder.getBF16Type()));
    for (OpOperand &use : llvm::make_early_inc_range(result.getUses()))
      use.set(widen(result, use.getOwner()));
  }
}

bool FunctionLowering::mayBeStored(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (isMove(op) && !isa<ConcatOp>(op))
    return mayBeStored(op->getOperand(0));
  Readers readers = getReaders(value);
  if (getGives(op) != Gives::Rounded || !(readers.bf16 || readers.either))
    return false;
  if (readers.f32 && reported.insert(op).second)
    remark(op, "gives a result that is stored in f32: '" + readers.f32->getName().getStringRef() + "' reads it so");
  return !readers.f32;
}

Value FunctionLowering::getStored(Value value, Operation *user) {
  if (Value source = getNarrowSource(value))
    return source;
  if (Value known = narrowed.lookup(value)) // that of a weight stands before its first product, which may come later
    return known.getDefiningOp()->isBeforeInBlock(user) ? known : Value();
  return mayBeStored(value) ? narrow(value, user) : Value();
}

void FunctionLowering::readStored(Operation *op) {
  for (OpOperand &operand : op->getOpOperands()) {
    Reads reads = getReads(op, operand.getOperandNumber());
    if (reads != Reads::Either && reads != Reads::Widened)
      continue;
    if (!isF32(operand.get()))
      continue;
    if (Value stored = getStored(operand.get(), op))
      operand.set(reads == Reads::Either ? stored : widen(stored, op));
  }
}

void FunctionLowering::run() {
  selectProducts();
  for (Operation &op : block)
    for (Value result : op.getResults())
      if (isa<RankedTensorType>(result.getType()))
        getReaders(result);
  for (Operation *op : products)
    lowerProduct(op);
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *op : ops)
    readStored(op);
  eraseUnusedOps(block);
}

/// The attribute has one value that means something.
static bool checkAttributes(func::FuncOp function) {
  bool ok = true;
  function.walk([&](Operation *op) {
    Attribute least = op->getAttr(kLeastPrecisionAttr);
    if (!least || least == StringAttr::get(op->getContext(), "f32"))
      return;
    op->emitError() << "expected '" << kLeastPrecisionAttr << "' to be \"f32\", got " << least;
    ok = false;
  });
  return ok;
}

namespace {
struct LowerPrecision : vlp::impl::LowerPrecisionBase<LowerPrecision> {
  using LowerPrecisionBase::LowerPrecisionBase;

  void runOnOperation() override {
    if (getOperation().isDeclaration())
      return;
    if (!checkAttributes(getOperation()))
      return signalPassFailure();
    FunctionLowering(getOperation(), remarks).run();
  }
};
} // namespace
