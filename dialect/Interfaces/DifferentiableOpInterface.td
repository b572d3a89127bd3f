// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reverse-mode differentiation of one op.
#ifndef VLP_INTERFACES_DIFFERENTIABLEOPINTERFACE_TD
#define VLP_INTERFACES_DIFFERENTIABLEOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def DifferentiableOpInterface : OpInterface<"DifferentiableOpInterface"> {
  let cppNamespace = "::vlp";
  let description = [{
    An op that knows its vector-Jacobian product. Statistics that a backward op needs (mean and reciprocal deviation of a layer
    norm, log-sum-exp of an attention) are ordinary results of the forward op; where nobody uses them, kernel formation drops them.
  }];
  let methods = [
    InterfaceMethod<[{
        Whether operand `i` takes part in differentiation. Integer ids, targets and seeds do not: their gradient is zero by
        declaration, never by omission.
      }],
      "bool", "isOperandDifferentiable", (ins "unsigned":$i), [{}], [{
        return ::mlir::isa<::mlir::FloatType>(::mlir::getElementTypeOrSelf($_op->getOperand(i).getType()));
      }]>,
    InterfaceMethod<[{
        Builds the gradients of the operands. `cotangents` has one value per result, null where the loss does not depend on
        that result; at least one is set. `needed[i]` says whether operand `i`'s gradient is wanted. Returns one value per operand:
        null exactly where it is not needed (or not differentiable), never where a term was forgotten. Each gradient has its
        operand's type. No op is built for what is not needed.
      }],
      "::mlir::FailureOr<::llvm::SmallVector<::mlir::Value>>", "buildVJP",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::ValueRange":$cotangents, "::llvm::ArrayRef<bool>":$needed)>,
  ];
}

#endif
