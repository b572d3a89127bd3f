// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernel regions: what one emitter turns into machine code.
#ifndef VLP_KERNELOPS_TD
#define VLP_KERNELOPS_TD

include "dialect/VLP/VLPDialect.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def KernelDocGroup : OpDocGroup {
  let summary = "Kernel ops";
  let description = "Regions that are compiled as one kernel.";
}

let opDocGroup = KernelDocGroup in {

def VLP_KernelOp : VLP_BaseOp<"kernel", [Pure, IsolatedFromAbove, SingleBlock,
    DeclareOpInterfaceMethods<ReferenceOpInterface, ["evaluateF32", "evaluateF64"]>]> {
  let summary = "One anchor with its prologue and epilogue";
  let description = [{
    The body holds one anchor op (or elementwise ops only), views and elementwise ops before and after it; merged kernels hold further ops that the
    emitter knows to do along with the first (updates of other parameters, the row sums of a product's operand). `anchor` names the emitter
    kind. Operands and results are whole dense tensors; views inside the body say how they are accessed.

    Constraints: `kernel_c1` block arguments have the operands' types; `kernel_c2` the terminator yields the results' types.

    Example:
    ```mlir
    %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
    ^bb0(%a: tensor<8xf32>):
      %b = vlp.gelu %a : (tensor<8xf32>) -> tensor<8xf32>
      vlp.yield %b : tensor<8xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$anchor, Variadic<VLP_Tensor>:$inputs);
  let results = (outs Variadic<VLP_Tensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$anchor `(` $inputs `)` attr-dict `:` functional-type(operands, results) $body";
  let hasVerifier = 1;
}

def VLP_YieldOp : VLP_BaseOp<"yield", [Pure, Terminator, ReturnLike, ParentOneOf<["KernelOp"]>]> {
  let summary = "The results of a kernel region";
  let description = [{
    Example:
    ```mlir
    vlp.yield %b : tensor<8xf32>
    ```
  }];
  let arguments = (ins Variadic<VLP_Tensor>:$results);
  let assemblyFormat = "attr-dict ($results^ `:` type($results))?";
}

} // opDocGroup

#endif
