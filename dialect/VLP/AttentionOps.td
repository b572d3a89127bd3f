// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attention and its gradient, one op each.
#ifndef VLP_ATTENTIONOPS_TD
#define VLP_ATTENTIONOPS_TD

include "dialect/VLP/VLPDialect.td"

def AttentionDocGroup : OpDocGroup {
  let summary = "Attention ops";
  let description = "Attention and its gradient, one op each.";
}

let opDocGroup = AttentionDocGroup in {

def VLP_AttentionOp : VLP_DiffOp<"attention", [DeclareOpInterfaceMethods<CostOpInterface, ["getFlops"]>, InferTypeOpAdaptor]> {
  let summary = "Multi-head scaled dot-product attention";
  let description = [{
    For each head h (columns `[h d, (h+1) d)` with `d = D / heads`): `result_h = softmax(scale q_h k_h^T + mask) v_h`. With `causal`, query
    i sees keys 0..i. `mask`, where given, is added to the scaled scores: key padding as `[B, 1, 1, Sk]`, a pattern of the sequence as
    `[1, 1, Sq, Sk]`, a bias of each head as `[1, H, Sq, Sk]`; an element of minus infinity hides a key. A query that sees no key has
    result 0 and an `lse` of minus infinity. `lse[b, h, i]` is the log-sum-exp of query i's masked, scaled scores: all that the backward needs
    (arXiv 2205.14135). Statistics in f32.

    Constraints: `attention_c1` query `[B, Sq, D]`, key and value `[B, Sk, D]`; `attention_c2` `heads` divides D; `attention_c3` `causal` needs
    Sq = Sk; `attention_c4` equal element types; `attention_c5` mask of the lse's element type and `[B, H, Sq, Sk]`, each but the last extent
    possibly 1.

    Example:
    ```mlir
    %y, %lse = vlp.attention %q, %k, %v {heads = 2 : i64, scale = 0.5 : f64, causal} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x2x5xf32>)
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$query, VLP_FloatTensor:$key, VLP_FloatTensor:$value, Optional<VLP_FloatTensor>:$mask, I64Attr:$heads, F64Attr:$scale,
      UnitAttr:$causal);
  let results = (outs VLP_FloatTensor:$result, VLP_FloatTensor:$lse);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_AttentionGradOp : VLP_Op<"attention_grad", [DeclareOpInterfaceMethods<CostOpInterface, ["getFlops"]>, InferTypeOpAdaptor]> {
  let summary = "Gradients of attention by recomputation";
  let description = [{
    With `p = exp(scale q k^T + mask - lse)`, `delta_i = sum_d dy_i y_i`: `dv = p^T dy`, `ds = p (dy v^T - delta)`, `dq = scale ds k`,
    `dk = scale ds^T q`, per head, masked as in the forward. With a mask, `ds` itself is a fourth result `[B, H, Sq, Sk]`: the gradient of
    the mask, before it is summed over the extents in which the mask is 1.

    Constraints: `attention_grad_c1` shapes as of attention.

    Example:
    ```mlir
    %dq, %dk, %dv = vlp.attention_grad %q, %k, %v, %y, %lse, %dy {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x2x5xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>)
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$query, VLP_FloatTensor:$key, VLP_FloatTensor:$value, VLP_FloatTensor:$output, VLP_FloatTensor:$lse, VLP_FloatTensor:$gradient,
      Optional<VLP_FloatTensor>:$mask, I64Attr:$heads, F64Attr:$scale, UnitAttr:$causal);
  let results = (outs VLP_FloatTensor:$query_gradient, VLP_FloatTensor:$key_gradient, VLP_FloatTensor:$value_gradient,
      Optional<VLP_FloatTensor>:$score_gradient);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

} // opDocGroup

#endif
