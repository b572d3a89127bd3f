// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The vlp dialect and the base classes of its ops.
#ifndef VLP_VLPDIALECT_TD
#define VLP_VLPDIALECT_TD

include "dialect/Interfaces/CostOpInterface.td"
include "dialect/Interfaces/DifferentiableOpInterface.td"
include "dialect/Interfaces/ReferenceOpInterface.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def VLP_Dialect : Dialect {
  let name = "vlp";
  let cppNamespace = "::vlp";
  let summary = "Vision-language models as structured tensor operations";
  let description = [{
    Tensors have value semantics and static shapes. Ops are as coarse as the papers' boxes (attention, layer norm, cross
    entropy), so that differentiation, fusion and code generation each need one rule an op. Parameters and other state are module-level
    symbols, read by `vlp.read` and written by `vlp.write` at the end of an entry. The location of every op is the name of the
    model layer it belongs to.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
}

def VLP_FloatTensor : Type<
    And<[CPred<"::llvm::isa<::mlir::RankedTensorType>($_self)">,
         CPred<"::llvm::isa<::mlir::FloatType>(::llvm::cast<::mlir::RankedTensorType>($_self).getElementType())">,
         CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).hasStaticShape()">]>,
    "statically shaped float tensor", "::mlir::RankedTensorType">;
def VLP_IntTensor : Type<
    And<[CPred<"::llvm::isa<::mlir::RankedTensorType>($_self)">,
         CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).getElementType().isInteger(32)">,
         CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).hasStaticShape()">]>,
    "statically shaped i32 tensor", "::mlir::RankedTensorType">;
def VLP_Tensor : Type<Or<[VLP_FloatTensor.predicate, VLP_IntTensor.predicate]>,
    "statically shaped float or i32 tensor", "::mlir::RankedTensorType">;
def VLP_FloatScalar : Type<
    And<[VLP_FloatTensor.predicate, CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).getRank() == 0">]>,
    "float tensor of rank 0", "::mlir::RankedTensorType">;
def VLP_IntScalar : Type<
    And<[VLP_IntTensor.predicate, CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).getRank() == 0">]>,
    "i32 tensor of rank 0", "::mlir::RankedTensorType">;

// The cotangent of every result is zero by definition (comparisons, argmax, ids).
def VLP_NonDifferentiable : NativeOpTrait<"NonDifferentiable"> { let cppNamespace = "::vlp"; }
// A result element depends on the operands' elements at the same (broadcast) position only.
def VLP_Elementwise : NativeOpTrait<"Elementwise"> { let cppNamespace = "::vlp"; }
// Moves elements without computing: kernels read through it instead of executing it.
def VLP_View : NativeOpTrait<"View"> { let cppNamespace = "::vlp"; }

// Any op of the dialect.
class VLP_BaseOp<string mnemonic, list<Trait> traits = []> : Op<VLP_Dialect, mnemonic, traits>;

// A pure op on tensors with an executable meaning.
class VLP_Op<string mnemonic, list<Trait> traits = []>
    : VLP_BaseOp<mnemonic, !listconcat(traits, [Pure,
        DeclareOpInterfaceMethods<ReferenceOpInterface, ["evaluateF32", "evaluateF64"]>])>;

// One that has a gradient rule.
class VLP_DiffOp<string mnemonic, list<Trait> traits = []>
    : VLP_Op<mnemonic, !listconcat(traits, [DeclareOpInterfaceMethods<DifferentiableOpInterface, ["buildVJP"]>])>;

#endif
