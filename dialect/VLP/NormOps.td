// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions of whole rows.
#ifndef VLP_NORMOPS_TD
#define VLP_NORMOPS_TD

include "dialect/VLP/VLPDialect.td"

def NormDocGroup : OpDocGroup {
  let summary = "Normalisation ops";
  let description = "Functions of whole rows.";
}

let opDocGroup = NormDocGroup in {

def VLP_LayerNormOp : VLP_DiffOp<"layer_norm", [InferTypeOpAdaptor]> {
  let summary = "Layer normalisation of the last dimension";
  let description = [{
    `result = (x - mean) rstd gamma + beta`, with `mean` and `rstd = 1 / sqrt(var + eps)` of the last dimension (biased variance,
    two passes, in f32). `mean` and `rstd` have the input's shape without its last dimension (arXiv 1607.06450).

    Constraints: `layer_norm_c1` rank at least 1; `layer_norm_c2` gamma and beta of shape `[D]`; `layer_norm_c3` eps not negative;
    `layer_norm_c4` gamma and beta of the input's element type or, where that is narrower than f32, f32.

    Example:
    ```mlir
    %y, %mean, %rstd = vlp.layer_norm %x, %g, %b {eps = 1.0e-5 : f64} : (tensor<2x5x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5xf32>, tensor<2x5xf32>)
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input, VLP_FloatTensor:$gamma, VLP_FloatTensor:$beta, F64Attr:$eps);
  let results = (outs VLP_FloatTensor:$result, VLP_FloatTensor:$mean, VLP_FloatTensor:$rstd);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_LayerNormGradOp : VLP_Op<"layer_norm_grad", [InferTypeOpAdaptor]> {
  let summary = "Gradient of layer_norm";
  let description = [{
    With `xhat = (x - mean) rstd` and `g = dy gamma`: `dx = rstd (g - mean_D(g) - xhat mean_D(g xhat))`, `dgamma = sum_rows dy xhat`,
    `dbeta = sum_rows dy`.

    Constraints: `layer_norm_grad_c1` shapes and types as of layer_norm; `layer_norm_grad_c2` the gradient has the input's element type or a
    narrower one.

    Example:
    ```mlir
    %dx, %dg, %db = vlp.layer_norm_grad %x, %g, %mean, %rstd, %dy : (tensor<2x8xf32>, tensor<8xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>)
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input, VLP_FloatTensor:$gamma, VLP_FloatTensor:$mean, VLP_FloatTensor:$rstd, VLP_FloatTensor:$gradient);
  let results = (outs VLP_FloatTensor:$input_gradient, VLP_FloatTensor:$gamma_gradient, VLP_FloatTensor:$beta_gradient);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_L2NormalizeOp : VLP_DiffOp<"l2_normalize", [InferTypeOpAdaptor]> {
  let summary = "Rows divided by their Euclidean norm";
  let description = [{
    `result = x / max(norm, eps)`, with `norm` of the last dimension. CLIP divides by the raw norm (`eps = 0`),
    torch.nn.functional.normalize uses 1e-12.

    Constraints: `l2_normalize_c1` rank at least 1; `l2_normalize_c2` eps not negative.

    Example:
    ```mlir
    %y, %norm = vlp.l2_normalize %x {eps = 0.0 : f64} : (tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2xf32>)
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input, F64Attr:$eps);
  let results = (outs VLP_FloatTensor:$result, VLP_FloatTensor:$norm);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_L2NormalizeGradOp : VLP_Op<"l2_normalize_grad", [InferTypeOpAdaptor]> {
  let summary = "Gradient of l2_normalize, from its results";
  let description = [{
    `dx = (dy - y sum_D(dy y)) / norm` where `norm > eps`, else `dy / eps`.

    Constraints: `l2_normalize_grad_c1` shapes as of l2_normalize.

    Example:
    ```mlir
    %dx = vlp.l2_normalize_grad %y, %norm, %dy {eps = 0.0 : f64} : (tensor<2x8xf32>, tensor<2xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$normalized, VLP_FloatTensor:$norm, VLP_FloatTensor:$gradient, F64Attr:$eps);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_SoftmaxOp : VLP_DiffOp<"softmax", [InferTypeOpAdaptor]> {
  let summary = "Softmax of the last dimension";
  let description = [{
    `result = e^(x - max) / sum e^(x - max)`.

    Constraints: `softmax_c1` rank at least 1.

    Example:
    ```mlir
    %p = vlp.softmax %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_SoftmaxGradOp : VLP_Op<"softmax_grad", [InferTypeOpAdaptor]> {
  let summary = "Gradient of softmax, from its result";
  let description = [{
    `dx = y (dy - sum_D(dy y))`.

    Constraints: `softmax_grad_c1` equal types.

    Example:
    ```mlir
    %dx = vlp.softmax_grad %y, %dy : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$probabilities, VLP_FloatTensor:$gradient);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

} // opDocGroup

#endif
