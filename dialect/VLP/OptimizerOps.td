// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What turns gradients into new parameters.
#ifndef VLP_OPTIMIZEROPS_TD
#define VLP_OPTIMIZEROPS_TD

include "dialect/VLP/VLPDialect.td"

def OptimizerDocGroup : OpDocGroup {
  let summary = "Optimizer ops";
  let description = "What turns gradients into new parameters.";
}

let opDocGroup = OptimizerDocGroup in {

def VLP_GlobalNormOp : VLP_Op<"global_norm", [InferTypeOpAdaptor]> {
  let summary = "Euclidean norm of all elements of all inputs";
  let description = [{
    `result = sqrt(sum of squares)`, accumulated in f32 in a fixed order.

    Constraints: `global_norm_c1` at least one input.

    Example:
    ```mlir
    %n = vlp.global_norm %a, %b : (tensor<8xf32>, tensor<2x8xf32>) -> tensor<f32>
    ```
  }];
  let arguments = (ins Variadic<VLP_FloatTensor>:$inputs);
  let results = (outs VLP_FloatScalar:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_ClipFactorOp : VLP_Op<"clip_factor", [VLP_Elementwise, SameOperandsAndResultType]> {
  let summary = "What gradients are multiplied with to bound their norm";
  let description = [{
    `result = min(1, max_norm / (norm + 1e-6))`, as torch.nn.utils.clip_grad_norm_; 1 where `max_norm` is 0 (off). A NaN
    norm gives NaN.

    Example:
    ```mlir
    %c = vlp.clip_factor %norm, %max : (tensor<f32>, tensor<f32>) -> tensor<f32>
    ```
  }];
  let arguments = (ins VLP_FloatScalar:$norm, VLP_FloatScalar:$max_norm);
  let results = (outs VLP_FloatScalar:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
}

def VLP_AllFiniteOp : VLP_Op<"all_finite", [VLP_Elementwise, VLP_NonDifferentiable, InferTypeOpAdaptor]> {
  let summary = "Whether every input is finite";
  let description = [{
    `result = 1` if no element of any input is infinite or NaN, else 0.

    Constraints: `all_finite_c1` at least one input.

    Example:
    ```mlir
    %ok = vlp.all_finite %loss, %norm : (tensor<f32>, tensor<f32>) -> tensor<i32>
    ```
  }];
  let arguments = (ins Variadic<VLP_FloatScalar>:$inputs);
  let results = (outs VLP_IntScalar:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_WarmupCosineOp : VLP_Op<"warmup_cosine", [VLP_Elementwise, VLP_NonDifferentiable, InferTypeOpAdaptor]> {
  let summary = "Learning rate of a step: linear warm-up, then half a cosine to zero";
  let description = [{
    With s = `step` (steps done before this one): `peak (s + 1) / warmup` for `s < warmup`, else
    `peak (1 + cos(pi min(1, (s - warmup) / (total - warmup)))) / 2`. Steps are counts, as floats in `warmup` and `total`.
    With `total <= warmup` the rate after the warm-up is 0.

    Example:
    ```mlir
    %lr = vlp.warmup_cosine %step, %peak, %warmup, %total : (tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<f32>
    ```
  }];
  let arguments = (ins VLP_IntScalar:$step, VLP_FloatScalar:$peak, VLP_FloatScalar:$warmup, VLP_FloatScalar:$total);
  let results = (outs VLP_FloatScalar:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_AdamWOp : VLP_Op<"adamw", [InferTypeOpAdaptor]> {
  let summary = "One AdamW update of one parameter (torch form)";
  let description = [{
    With g = `gradient * gradient_scale`, t = `step` (this one included): `m' = beta1 m + (1 - beta1) g`, `v' = beta2 v + (1 - beta2) g g`,
    `p' = p (1 - lr decay) - lr / (1 - beta1^t) m' / (sqrt(v' / (1 - beta2^t)) + eps)` (arXiv 1711.05101 as torch.optim.AdamW computes
    it). The bias corrections `1 - beta^t` are computed in f64, since they lose most of their digits in f32. `weight_decay` counts as 0
    unless `decay` is set. Where `enabled` is 0 the results are the old parameter and moments.

    Constraints: `adamw_c1` parameter, gradient and moments of one type.

    Example:
    ```mlir
    %p1, %m1, %v1 = vlp.adamw %p, %g, %m, %v, %step, %lr, %b1, %b2, %eps, %wd, %scale, %ok {decay} : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$parameter, VLP_FloatTensor:$gradient, VLP_FloatTensor:$first_moment, VLP_FloatTensor:$second_moment, VLP_IntScalar:$step, VLP_FloatScalar:$learning_rate, VLP_FloatScalar:$beta1, VLP_FloatScalar:$beta2, VLP_FloatScalar:$eps, VLP_FloatScalar:$weight_decay, VLP_FloatScalar:$gradient_scale, VLP_IntScalar:$enabled, UnitAttr:$decay);
  let results = (outs VLP_FloatTensor:$new_parameter, VLP_FloatTensor:$new_first_moment, VLP_FloatTensor:$new_second_moment);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_ClampOp : VLP_Op<"clamp", [VLP_Elementwise, InferTypeOpAdaptor]> {
  let summary = "Elementwise bounds";
  let description = [{
    `result = min(max(input, lower), upper)` with bounds on the device; NaN stays NaN. Not differentiable: used on parameters after their update
    (CLIP's logit scale), never under a loss.

    Example:
    ```mlir
    %y = vlp.clamp %x, %lo, %hi : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<f32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input, VLP_FloatScalar:$lower, VLP_FloatScalar:$upper);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

} // opDocGroup

#endif
