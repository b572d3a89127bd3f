// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tables read by index.
#ifndef VLP_EMBEDDINGOPS_TD
#define VLP_EMBEDDINGOPS_TD

include "dialect/VLP/VLPDialect.td"

def EmbeddingDocGroup : OpDocGroup {
  let summary = "Embedding ops";
  let description = "Tables read by index.";
}

let opDocGroup = EmbeddingDocGroup in {

def VLP_EmbeddingOp : VLP_DiffOp<"embedding", [InferTypeOpAdaptor]> {
  let summary = "Rows of a table by index";
  let description = [{
    `result[..., :] = table[ids[...], :]`. Indices outside the table are the caller's error; the interpreter fails on them.

    Constraints: `embedding_c1` table of rank 2.

    Example:
    ```mlir
    %x = vlp.embedding %table, %ids : (tensor<64x8xf32>, tensor<2x5xi32>) -> tensor<2x5x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$table, VLP_IntTensor:$ids);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_EmbeddingGradOp : VLP_Op<"embedding_grad", []> {
  let summary = "Sum of the gradients of each table row";
  let description = [{
    `result[v, :] = sum over all positions with ids = v of gradient[position, :]`, in order of position: deterministic.

    Constraints: `embedding_grad_c1` gradient's shape is that of ids and one more dimension, the result's second.

    Example:
    ```mlir
    %dt = vlp.embedding_grad %dx, %ids : (tensor<2x5x8xf32>, tensor<2x5xi32>) -> tensor<64x8xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$gradient, VLP_IntTensor:$ids);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

} // opDocGroup

#endif
