// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The vlp dialect: ops, attributes, traits.
#pragma once

#include "dialect/Interfaces/Interfaces.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace vlp {

/// The cotangent of every result is zero by definition.
template <typename ConcreteType>
class NonDifferentiable : public mlir::OpTrait::TraitBase<ConcreteType, NonDifferentiable> {};
/// Each result element depends on the operands' elements at the same (broadcast) position only.
template <typename ConcreteType>
class Elementwise : public mlir::OpTrait::TraitBase<ConcreteType, Elementwise> {};
/// Moves elements without computing; kernels read through it.
template <typename ConcreteType>
class View : public mlir::OpTrait::TraitBase<ConcreteType, View> {};

} // namespace vlp

#include "dialect/VLP/VLPDialect.h.inc"
#include "dialect/VLP/VLPEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/VLP/VLPAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialect/VLP/VLPOps.h.inc"
