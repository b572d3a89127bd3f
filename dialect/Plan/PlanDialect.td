// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The plan dialect: what a device does, launch by launch, with every buffer placed.
#ifndef VLP_PLANDIALECT_TD
#define VLP_PLANDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let cppNamespace = "::vlp::plan";
  let summary = "Launches over placed buffers: the textual form of a compiled file";
  let description = [{
    A plan module holds state tensors, constants, kernels and entries. There are no SSA values between launches: an argument is a slot, a range of
    bytes in one of five regions. A slot may carry the number of the value that it holds at that point, so that `vlp-verify-plan` can
    prove that every launch reads what it was meant to read. Offsets are multiples of 64 bytes.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::vlp::VLPDialect"];
}

def Plan_Memory : I32EnumAttr<"Memory", "memory region", [
    I32EnumAttrCase<"Arena", 0, "arena">, I32EnumAttrCase<"State", 1, "state">, I32EnumAttrCase<"Input", 2, "input">,
    I32EnumAttrCase<"Output", 3, "output">, I32EnumAttrCase<"Constants", 4, "constants">]> {
  let cppNamespace = "::vlp::plan";
  let genSpecializedAttr = 0;
}

def Plan_SlotAttr : AttrDef<Plan_Dialect, "Slot"> {
  let mnemonic = "slot";
  let summary = "A range of bytes of a region, and the value that it holds";
  let description = [{
    `#plan.slot<region, offset, size, value>`, offset and size in bytes. `value` numbers the values of one entry; left out where it
    does not matter (state tensors, constants).

    ```mlir
    #plan.slot<arena, 0, 4096, 7>
    ```
  }];
  let parameters = (ins EnumParameter<Plan_Memory>:$region, "int64_t":$offset, "int64_t":$size,
      DefaultValuedParameter<"int64_t", "-1">:$value);
  let assemblyFormat = "`<` $region `,` $offset `,` $size (`,` $value^)? `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getEnd() const { return getOffset() + getSize(); }
    bool hasValue() const { return getValue() >= 0; }
    /// Whether the two share a byte.
    bool overlaps(SlotAttr other) const {
      return getRegion() == other.getRegion() && getOffset() < other.getEnd() && other.getOffset() < getEnd();
    }
    /// The same bytes, holding another value.
    SlotAttr withValue(int64_t value) const { return get(getContext(), getRegion(), getOffset(), getSize(), value); }
  }];
}

def Plan_TensorAttr : AttrDef<Plan_Dialect, "Tensor"> {
  let mnemonic = "tensor";
  let summary = "A named tensor at a fixed place: an input or output of an entry";
  let description = [{
    ```mlir
    #plan.tensor<"image", tensor<2x3x32x32xf32>, <input, 0, 24576, 0>>
    ```
  }];
  let parameters = (ins StringRefParameter<>:$name, TypeParameter<"::mlir::RankedTensorType", "">:$type, "SlotAttr":$slot);
  let assemblyFormat = "`<` $name `,` $type `,` $slot `>`";
}

def Plan_StageAttr : AttrDef<Plan_Dialect, "Stage"> {
  let mnemonic = "stage";
  let summary = "One function of a kernel";
  let description = [{
    `suffix` is appended to the kernel's symbol. `arguments` names the function's arguments: `"in0"` is input 0 of the kernel, `"out0"`
    result 0, `"part0"` a buffer that lives only during the kernel. The last `written` of them are written.

    ```mlir
    #plan.stage<"_sum", ["part0", "out0"], 1>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$suffix, "::mlir::ArrayAttr":$arguments, "int64_t":$written);
  let assemblyFormat = "`<` $suffix `,` $arguments `,` $written `>`";
}

def Plan_SlotArrayAttr : TypedArrayAttrBase<Plan_SlotAttr, "array of slots">;
def Plan_TensorArrayAttr : TypedArrayAttrBase<Plan_TensorAttr, "array of placed tensors">;
def Plan_StageArrayAttr : TypedArrayAttrBase<Plan_StageAttr, "array of kernel stages">;

#endif
