// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Cross entropies and their targets.
#ifndef VLP_LOSSOPS_TD
#define VLP_LOSSOPS_TD

include "dialect/VLP/VLPDialect.td"

def LossDocGroup : OpDocGroup {
  let summary = "Loss ops";
  let description = "Cross entropies and their targets.";
}

let opDocGroup = LossDocGroup in {

def VLP_CrossEntropyOp : VLP_DiffOp<"cross_entropy", [InferTypeOpAdaptor]> {
  let summary = "Cross entropy of each row against a class index";
  let description = [{
    With `lse` the log-sum-exp of row n and target distribution `q = (1 - smoothing) onehot(label) + smoothing / C`:
    `loss[n] = lse[n] - sum_c q_c logits[n, c]` (the PyTorch form of smoothing). Rows whose label is `ignore_index` have loss 0.
    Other labels outside [0, C) are the caller's error; the interpreter fails on them.

    Constraints: `cross_entropy_c1` logits `[N, C]`, labels `[N]`; `cross_entropy_c2` smoothing in [0, 1].

    Example:
    ```mlir
    %loss, %lse = vlp.cross_entropy %x, %labels {ignore_index = -100 : i64, smoothing = 0.0 : f64} : (tensor<4x8xf32>, tensor<4xi32>) -> (tensor<4xf32>, tensor<4xf32>)
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$logits, VLP_IntTensor:$labels, DefaultValuedAttr<I64Attr, "-100">:$ignore_index, DefaultValuedAttr<F64Attr, "0.0">:$smoothing);
  let results = (outs VLP_FloatTensor:$loss, VLP_FloatTensor:$lse);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_CrossEntropyGradOp : VLP_Op<"cross_entropy_grad", [InferTypeOpAdaptor]> {
  let summary = "Gradient of cross_entropy";
  let description = [{
    `result[n, c] = dloss[n] (exp(logits[n, c] - lse[n]) - q_c)`; zero in ignored rows.

    Constraints: `cross_entropy_grad_c1` shapes as of cross_entropy.

    Example:
    ```mlir
    %dx = vlp.cross_entropy_grad %x, %labels, %lse, %dloss {ignore_index = -100 : i64, smoothing = 0.0 : f64} : (tensor<4x8xf32>, tensor<4xi32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$logits, VLP_IntTensor:$labels, VLP_FloatTensor:$lse, VLP_FloatTensor:$gradient, DefaultValuedAttr<I64Attr, "-100">:$ignore_index, DefaultValuedAttr<F64Attr, "0.0">:$smoothing);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_SoftCrossEntropyOp : VLP_DiffOp<"soft_cross_entropy",
    [DeclareOpInterfaceMethods<DifferentiableOpInterface, ["isOperandDifferentiable"]>, InferTypeOpAdaptor]> {
  let summary = "Cross entropy of each row against a distribution";
  let description = [{
    `loss[n] = sum_c targets[n, c] (lse[n] - logits[n, c])`. Targets are data: their gradient is zero by declaration.

    Constraints: `soft_cross_entropy_c1` logits and targets `[N, C]` of one type.

    Example:
    ```mlir
    %loss, %lse = vlp.soft_cross_entropy %x, %t : (tensor<4x8xf32>, tensor<4x8xf32>) -> (tensor<4xf32>, tensor<4xf32>)
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$logits, VLP_FloatTensor:$targets);
  let results = (outs VLP_FloatTensor:$loss, VLP_FloatTensor:$lse);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_SoftCrossEntropyGradOp : VLP_Op<"soft_cross_entropy_grad", [InferTypeOpAdaptor]> {
  let summary = "Gradient of soft_cross_entropy with respect to the logits";
  let description = [{
    `result[n, c] = dloss[n] (exp(logits[n, c] - lse[n]) sum_k targets[n, k] - targets[n, c])`.

    Constraints: `soft_cross_entropy_grad_c1` shapes as of soft_cross_entropy.

    Example:
    ```mlir
    %dx = vlp.soft_cross_entropy_grad %x, %t, %lse, %dloss : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$logits, VLP_FloatTensor:$targets, VLP_FloatTensor:$lse, VLP_FloatTensor:$gradient);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_MatchTargetsOp : VLP_Op<"match_targets", [VLP_NonDifferentiable]> {
  let summary = "Target distribution that shares the mass among rows of equal id";
  let description = [{
    `result[n, m] = [a[n] = b[m]] / #{k : a[n] = b[k]}`; a row without any match is zero. Pairs of one picture or one caption are
    positives of each other.

    Constraints: `match_targets_c1` a of shape `[N]`, b of shape `[M]`.

    Example:
    ```mlir
    %t = vlp.match_targets %a, %b : (tensor<4xi32>, tensor<4xi32>) -> tensor<4x4xf32>
    ```
  }];
  let arguments = (ins VLP_IntTensor:$lhs, VLP_IntTensor:$rhs);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

} // opDocGroup

#endif
