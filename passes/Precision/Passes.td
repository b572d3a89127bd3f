// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes that choose in which precision ops compute and values are stored.
#ifndef VLP_PASSES_PRECISION_PASSES_TD
#define VLP_PASSES_PRECISION_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerPrecision : Pass<"vlp-lower-precision", "::mlir::func::FuncOp"> {
  let summary = "Compute products on bf16 operands, and store activations in bf16";
  let description = [{
    Mixed precision as arXiv 1710.03740 has it, on bf16, whose range is f32's, so that no loss scaling is needed. Runs on differentiated functions
    and changes forward and backward alike. What each op does is one table, `passes/Precision/PrecisionRules.cpp`; in words:

    * Products (`linear`, `matmul`, `patch_embed`, `attention`, `attention_grad`) read bf16 and accumulate in f32. Their biases and statistics stay f32.
    * State stays f32: parameters are cast where a step first needs them, once for all readers, forward and backward; their gradients come
      out of the products in f32, and the optimizer sees nothing else.
    * Activations that memory keeps for other kernels (what products, GELUs and layer norms give to products, what the backward part reads of the
      forward part, gradients on their way into a layer norm or a bias) are rounded to bf16 once, where they are made. An elementwise op that can be an
      epilogue of the product it reads sees the f32 accumulators.
    * All else stays f32: the residual stream and its gradient, statistics, losses, and the products of unit features (`l2_normalize`) with each
      other and with the gradients of their logits: a logit scale of 100 would multiply their rounding errors.

    Casts are `vlp.cast` ops. Those to bf16 stand right behind what they round, before the views of it, so that kernel formation makes them its epilogue;
    those to f32 stand right before their reader. In f64 the interpreter rounds nothing: there the function computes what it did.

    An op with the attribute `vlp.least_precision = "f32"` is left alone, and so are the products of the backward part at its location.

    With `remarks`, products that stay in f32 are reported with the reason, and so are activations that some reader needs in f32.
  }];
  let options = [
    Option<"remarks", "remarks", "bool", "false", "Report what stays in f32 although it could be lowered">,
  ];
  let dependentDialects = ["::vlp::VLPDialect"];
}

#endif
