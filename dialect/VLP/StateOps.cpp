// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Constraints of state symbols and their uses.
#include "dialect/VLP/OpSupport.h"

using namespace mlir;
using namespace vlp;

LogicalResult VariableOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  if (getKind() == StateKind::Counter && !(type.getRank() == 0 && type.getElementType().isInteger(32)))
    return emitOpError() << "expects a counter to be a tensor<i32>, got " << type;
  if (getKind() == StateKind::Scalar && !(type.getRank() == 0 && type.getElementType().isF32()))
    return emitOpError() << "expects a scalar to be a tensor<f32>, got " << type;
  if (getKind() == StateKind::Moment && !getOf())
    return emitOpError() << "expects a moment to name its parameter in 'of', got none";
  return success();
}

LogicalResult ParameterOp::verifySymbolUses(SymbolTableCollection &tables) {
  if (!getTwinOf())
    return success();
  auto original = tables.lookupNearestSymbolFrom<ParameterOp>(*this, getTwinOfAttr());
  if (getTrainable() || !original || original.getTwinOf() || original.getType() != getType())
    return emitOpError() << "expects a twin not to be trainable, and " << getTwinOfAttr()
                         << " to be a parameter of its type that is no twin";
  return success();
}

/// Fails unless `symbol` is a parameter or variable of type `type`.
static LogicalResult checkState(Operation *op, FlatSymbolRefAttr symbol, Type type, SymbolTableCollection &tables) {
  Operation *state = tables.lookupNearestSymbolFrom(op, symbol);
  if (!isa_and_nonnull<ParameterOp, VariableOp>(state))
    return op->emitOpError() << "expects " << symbol << " to be a parameter or variable of the module, got "
                             << (state ? state->getName().getStringRef() : "no such symbol");
  Type stateType = isa<ParameterOp>(state) ? cast<ParameterOp>(state).getType() : cast<VariableOp>(state).getType();
  if (stateType != type)
    return op->emitOpError() << "expects the type of " << symbol << ", " << stateType << ", got " << type;
  return success();
}

LogicalResult ReadOp::verifySymbolUses(SymbolTableCollection &tables) {
  return checkState(*this, getStateAttr(), getResult().getType(), tables);
}

LogicalResult WriteOp::verifySymbolUses(SymbolTableCollection &tables) {
  return checkState(*this, getStateAttr(), getValue().getType(), tables);
}
