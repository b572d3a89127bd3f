// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Module-level state and how entries read and write it.
#ifndef VLP_STATEOPS_TD
#define VLP_STATEOPS_TD

include "dialect/VLP/VLPDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"

def VLP_InitializerKind : I32EnumAttr<"InitializerKind", "distribution of initial values", [
    I32EnumAttrCase<"Constant", 0, "constant">, I32EnumAttrCase<"Normal", 1, "normal">, I32EnumAttrCase<"Uniform", 2, "uniform">]> {
  let cppNamespace = "::vlp";
  let genSpecializedAttr = 0;
}

def VLP_InitializerAttr : AttrDef<VLP_Dialect, "Initializer"> {
  let mnemonic = "init";
  let summary = "How a state tensor is filled when no checkpoint is given";
  let description = [{
    `constant, a, 0`: all elements are a. `normal, a, b`: mean a, standard deviation b. `uniform, a, b`: from a to b.
  }];
  let parameters = (ins EnumParameter<VLP_InitializerKind>:$kind, "::mlir::FloatAttr":$a, "::mlir::FloatAttr":$b);
  let builders = [AttrBuilder<(ins "InitializerKind":$kind, "double":$a, "double":$b), [{
    auto f64 = ::mlir::Float64Type::get($_ctxt);
    return $_get($_ctxt, kind, ::mlir::FloatAttr::get(f64, a), ::mlir::FloatAttr::get(f64, b));
  }]>];
  let assemblyFormat = "`<` $kind `,` $a `,` $b `>`";
}

def VLP_StateKind : I32EnumAttr<"StateKind", "what a variable is", [
    I32EnumAttrCase<"Moment", 1, "moment">, I32EnumAttrCase<"Counter", 2, "counter">, I32EnumAttrCase<"Scalar", 3, "scalar">,
    I32EnumAttrCase<"Buffer", 4, "buffer">]> {
  let cppNamespace = "::vlp";
  let genSpecializedAttr = 0;
}
def VLP_StateKindAttr : EnumAttr<VLP_Dialect, VLP_StateKind, "state">;

def StateDocGroup : OpDocGroup {
  let summary = "State ops";
  let description = "Parameters and other state: module-level symbols, read once and written once by an entry.";
}

let opDocGroup = StateDocGroup in {

def VLP_ParameterOp : VLP_BaseOp<"parameter", [Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A learned tensor";
  let description = [{
    Named as in the model's official checkpoint. `trainable` parameters get gradients and optimizer state; `decay` puts one into the group
    that weight decay applies to. A tied parameter is one symbol read by several users. `twin_of` names the parameter whose initial values
    this one starts with: a moving average of it, say.

    Constraints: `parameter_c1` a statically shaped float tensor type; `parameter_c2` a twin is not trainable and names a parameter of its
    type, which is no twin.

    Example:
    ```mlir
    vlp.parameter @"visual.proj" : tensor<64x16xf32> {init = #vlp.init<normal, 0.0 : f64, 0.125 : f64>, trainable, decay}
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<VLP_FloatTensor>:$type, VLP_InitializerAttr:$init,
      UnitAttr:$trainable, UnitAttr:$decay, OptionalAttr<FlatSymbolRefAttr>:$twin_of);
  let assemblyFormat = "$sym_name `:` $type attr-dict";
}

def VLP_VariableOp : VLP_BaseOp<"variable", [Symbol]> {
  let summary = "State that is not learned: a moment, a counter, a named scalar, a buffer";
  let description = [{
    A `buffer` is what a step carries along besides (a queue of features), named as in the model's official checkpoint. A `scalar` is a hyperparameter that can be set between steps without recompiling; `doc` says what it means. `of` names the
    parameter that a moment belongs to.

    Constraints: `variable_c1` a counter is a `tensor<i32>`, a scalar a `tensor<f32>`; `variable_c2` a moment names its parameter.

    Example:
    ```mlir
    vlp.variable scalar @"train.learning_rate" : tensor<f32> {init = #vlp.init<constant, 1.0e-3 : f64, 0.0 : f64>, doc = "peak learning rate"}
    ```
  }];
  let arguments = (ins VLP_StateKindAttr:$kind, SymbolNameAttr:$sym_name, TypeAttrOf<VLP_Tensor>:$type, VLP_InitializerAttr:$init,
      OptionalAttr<StrAttr>:$doc, OptionalAttr<StrAttr>:$of);
  let assemblyFormat = "$kind $sym_name `:` $type attr-dict";
  let hasVerifier = 1;
}

def VLP_ReadOp : VLP_BaseOp<"read", [MemoryEffects<[MemRead]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The value of a state symbol at the start of the entry";
  let description = [{
    An entry reads each symbol at most once, before any write.

    Constraints: `read_c1` the symbol exists and has the result's type.

    Example:
    ```mlir
    %w = vlp.read @"visual.proj" : tensor<64x16xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$state);
  let results = (outs VLP_Tensor:$result);
  let assemblyFormat = "$state attr-dict `:` type($result)";
}

def VLP_WriteOp : VLP_BaseOp<"write", [MemoryEffects<[MemWrite]>, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The new value of a state symbol, as of the entry's return";
  let description = [{
    All writes stand at the end of the entry, at most one a symbol. Updating in place is the planner's business.

    Constraints: `write_c1` the symbol exists and has the value's type.

    Example:
    ```mlir
    vlp.write @"visual.proj", %w : tensor<64x16xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$state, VLP_Tensor:$value);
  let assemblyFormat = "$state `,` $value attr-dict `:` type($value)";
}

} // opDocGroup

#endif
