// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ops of the plan dialect.
#ifndef VLP_PLANOPS_TD
#define VLP_PLANOPS_TD

include "dialect/Plan/PlanDialect.td"
include "dialect/VLP/VLPDialect.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"

class Plan_Op<string mnemonic, list<Trait> traits = []> : Op<Plan_Dialect, mnemonic, traits>;

// The initialiser attribute of the vlp dialect; its definition lives with the state ops.
def Plan_InitializerAttr : Attr<CPred<"::llvm::isa<::vlp::InitializerAttr>($_self)">, "initializer"> {
  let storageType = "::vlp::InitializerAttr";
  let returnType = "::vlp::InitializerAttr";
  let convertFromStorage = "$_self";
}

def Plan_StateKind : I32EnumAttr<"StateKind", "what a state tensor is", [
    I32EnumAttrCase<"Parameter", 0, "parameter">, I32EnumAttrCase<"Moment", 1, "moment">, I32EnumAttrCase<"Counter", 2, "counter">,
    I32EnumAttrCase<"Scalar", 3, "scalar">, I32EnumAttrCase<"Buffer", 4, "buffer">]> {
  let cppNamespace = "::vlp::plan";
  let genSpecializedAttr = 0;
}
def Plan_StateKindAttr : EnumAttr<Plan_Dialect, Plan_StateKind, "state_kind">;

def Plan_StateOp : Plan_Op<"state", [Symbol]> {
  let summary = "A tensor that outlives entries, at its place in the state region";
  let description = [{
    Constraints: `state_c1` the slot lies in the state region; `state_c2` the slot is as large as the tensor.

    Example:
    ```mlir
    plan.state parameter @"visual.proj" : tensor<64x16xf32> at <state, 0, 4096> {init = #vlp.init<normal, 0.0 : f64, 0.125 : f64>, trainable, decay}
    ```
  }];
  let arguments = (ins Plan_StateKindAttr:$kind, SymbolNameAttr:$sym_name, TypeAttrOf<VLP_Tensor>:$type, Plan_SlotAttr:$slot,
      Plan_InitializerAttr:$init, UnitAttr:$trainable, UnitAttr:$decay, OptionalAttr<StrAttr>:$doc, OptionalAttr<FlatSymbolRefAttr>:$twin_of);
  let assemblyFormat = "$kind $sym_name `:` $type `at` $slot attr-dict";
  let hasVerifier = 1;
}

def Plan_ConstantOp : Plan_Op<"constant"> {
  let summary = "Data of the constants region";
  let description = [{
    Constraints: `constant_c1` the slot lies in the constants region; `constant_c2` the slot is as large as the value.

    Example:
    ```mlir
    plan.constant dense<[1.0, 2.0]> : tensor<2xf32> at <constants, 0, 8>
    ```
  }];
  let arguments = (ins ElementsAttr:$value, Plan_SlotAttr:$slot);
  let assemblyFormat = "$value `at` $slot attr-dict";
  let hasVerifier = 1;
}

def Plan_KernelOp : Plan_Op<"kernel", [Symbol, IsolatedFromAbove, SingleBlock, NoTerminator]> {
  let summary = "The region that code is emitted for";
  let description = [{
    The body holds one `vlp.kernel` on the block's arguments. Stage `s` becomes the function `sym_name + suffix` with the signature of
    runtime/format/KernelABI.h. `in_place` lists pairs (result, input) that may share a buffer.

    Constraints: `kernel_c1` the body is one vlp.kernel on the block's arguments, in order; `kernel_c2` at least one stage; `kernel_c3`
    stages name inputs, results and partials that exist, none twice, and write as many as they say; `kernel_c4` `in_place` pairs
    name results and inputs.

    Example:
    ```mlir
    plan.kernel @elementwise_8_0a1b2c3d "elementwise" stages [#plan.stage<"", ["in0", "out0"], 1>] in_place [0, 0] {
    ^bb0(%x: tensor<8xf32>):
      %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
      ^bb0(%a: tensor<8xf32>):
        %b = vlp.gelu %a : (tensor<8xf32>) -> tensor<8xf32>
        vlp.yield %b : tensor<8xf32>
      }
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$anchor, Plan_StageArrayAttr:$stages, DenseI64ArrayAttr:$in_place);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name $anchor `stages` $stages `in_place` $in_place attr-dict-with-keyword $body";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The region to emit.
    ::vlp::KernelOp getKernel();
    ::vlp::plan::StageAttr getStage(int64_t index);
  }];
}

def Plan_EntryOp : Plan_Op<"entry", [Symbol, SingleBlock, NoTerminator]> {
  let summary = "What the caller runs: launches and copies, one after the other";
  let description = [{
    `initial` are the slots of state that the entry reads before writing, `final` those that it leaves new values in, both with value numbers. `arena_size` is
    the peak of live intermediates. `options` are the sizes the entry was compiled for (batch); `finite_flag` names the output that
    says whether state was updated.

    Constraints: `entry_c1` inputs lie in the input region, outputs in the output region, both within their sizes and apart from each
    other; `entry_c2` the body holds launches and copies; `entry_c3` their arena slots lie within `arena_size`; `entry_c4` `finite_flag`
    names an i32 output.

    Example:
    ```mlir
    plan.entry @encode inputs [#plan.tensor<"x", tensor<8xf32>, <input, 0, 32, 0>>] outputs [#plan.tensor<"y", tensor<8xf32>, <output, 0, 32, 1>>]
        initial [] final [] arena 0 input 32 output 32 {
      plan.launch @elementwise_8_0a1b2c3d stage 0 [#plan.slot<input, 0, 32, 0>, #plan.slot<output, 0, 32, 1>]
          {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "act", flops = 0.0 : f64, bytes = 64.0 : f64}
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Plan_TensorArrayAttr:$inputs, Plan_TensorArrayAttr:$outputs,
      Plan_SlotArrayAttr:$initial_state, Plan_SlotArrayAttr:$final_state, I64Attr:$arena_size, I64Attr:$input_size, I64Attr:$output_size,
      OptionalAttr<DictionaryAttr>:$options, OptionalAttr<StrAttr>:$finite_flag);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `inputs` $inputs `outputs` $outputs `initial` $initial_state `final` $final_state `arena` $arena_size `input` $input_size
    `output` $output_size (`options` $options^)? (`finite` $finite_flag^)? attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
}

def Plan_LaunchOp : Plan_Op<"launch", [HasParent<"EntryOp">, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "One call of a kernel function over all of its tasks";
  let description = [{
    `arguments` are in the stage's order; the last `written` are written. `tasks` may run in any order and number of threads, each worker with
    `scratch` bytes; on a GPU each is a block of `threads` threads with `shared` bytes of dynamic shared memory. `flops` and `bytes` are the kernel's, on its main stage; the others have 0. `backward` marks launches of the
    differentiated part.

    Constraints: `launch_c1` the kernel and the stage exist; `launch_c2` as many arguments as the stage has, of the sizes of the tensors behind
    them; `launch_c3` no written argument in the input or constants region; `launch_c4` `tasks` at least 1, `scratch`, `threads` and `shared` not negative.

    Example:
    ```mlir
    plan.launch @elementwise_8_0a1b2c3d stage 0 [#plan.slot<arena, 0, 32, 4>, #plan.slot<arena, 0, 32, 5>]
        {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "act", flops = 0.0 : f64, bytes = 64.0 : f64}
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, I64Attr:$stage, Plan_SlotArrayAttr:$arguments, I64Attr:$tasks, I64Attr:$scratch,
      I64Attr:$written, StrAttr:$layer, F64Attr:$flops, F64Attr:$bytes, UnitAttr:$backward,
      DefaultValuedAttr<I64Attr, "0">:$threads, DefaultValuedAttr<I64Attr, "0">:$shared);
  let assemblyFormat = "$kernel `stage` $stage $arguments attr-dict";
  let hasVerifier = 1;
}

def Plan_CopyOp : Plan_Op<"copy", [HasParent<"EntryOp">]> {
  let summary = "Copies bytes between slots";
  let description = [{
    Constraints: `copy_c1` equal sizes; `copy_c2` the slots do not overlap; `copy_c3` the destination is not in the input or constants region.

    Example:
    ```mlir
    plan.copy #plan.slot<input, 0, 32, 0> to #plan.slot<output, 0, 32, 0> {layer = "pass"}
    ```
  }];
  let arguments = (ins Plan_SlotAttr:$source, Plan_SlotAttr:$destination, StrAttr:$layer);
  let assemblyFormat = "qualified($source) `to` qualified($destination) attr-dict";
  let hasVerifier = 1;
}

#endif
