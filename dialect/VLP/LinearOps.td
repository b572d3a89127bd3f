// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Matrix products in all forms that training needs.
#ifndef VLP_LINEAROPS_TD
#define VLP_LINEAROPS_TD

include "dialect/VLP/VLPDialect.td"

def LinearDocGroup : OpDocGroup {
  let summary = "Linear ops";
  let description = "Matrix products in all forms that training needs.";
}

let opDocGroup = LinearDocGroup in {

def VLP_LinearOp : VLP_DiffOp<"linear", [DeclareOpInterfaceMethods<CostOpInterface, ["getFlops"]>, InferTypeOpAdaptorWithIsCompatible]> {
  let summary = "Affine map of the last dimension";
  let description = [{
    `result[..., n] = sum_k input[..., k] weight[n, k] + bias[n]`, as torch.nn.Linear stores its weight. f32 accumulation, rounded once to
    the result's element type.

    Constraints: `linear_c1` weight of rank 2, input of rank at least 1; `linear_c2` the input's last dimension is the weight's second;
    `linear_c3` bias of shape `[N]`; `linear_c4` input and weight of one element type, bias of that type or, where it is narrower than f32,
    f32; `linear_c5` the result has the input's element type or, where that is narrower than f32, f32.

    Example:
    ```mlir
    %y = vlp.linear %x, %w, %b : (tensor<2x5x8xf32>, tensor<24x8xf32>, tensor<24xf32>) -> tensor<2x5x24xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$input, VLP_FloatTensor:$weight, Optional<VLP_FloatTensor>:$bias);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_MatmulOp : VLP_DiffOp<"matmul", [DeclareOpInterfaceMethods<CostOpInterface, ["getFlops"]>, InferTypeOpAdaptorWithIsCompatible]> {
  let summary = "Matrix product";
  let description = [{
    `result = op(lhs) op(rhs)`, where `op` transposes the last two dimensions if the flag is set. `rhs` is a matrix; `lhs` is a matrix
    or, without `transpose_lhs`, has leading dimensions that pass through. f32 accumulation, rounded once to the result's element type.

    Constraints: `matmul_c1` rhs of rank 2, lhs of rank at least 2; `matmul_c2` the contracted dimensions agree; `matmul_c3`
    `transpose_lhs` needs an lhs of rank 2; `matmul_c4` equal element types of lhs and rhs; `matmul_c5` the result has their element type or,
    where that is narrower than f32, f32.

    Example:
    ```mlir
    %s = vlp.matmul %f, %g {transpose_rhs} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x4xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$lhs, VLP_FloatTensor:$rhs, UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_PatchEmbedOp : VLP_DiffOp<"patch_embed", [DeclareOpInterfaceMethods<CostOpInterface, ["getFlops"]>, InferTypeOpAdaptorWithIsCompatible]> {
  let summary = "Linear map of non-overlapping image patches";
  let description = [{
    A convolution with kernel = stride = P: `result[b, gy W' + gx, n] = sum_{c,y,x} image[b, c, gy P + y, gx P + x] weight[n, c, y, x] + bias[n]`,
    patches in row-major order of the grid, `W' = W / P` (arXiv 2010.11929).

    Constraints: `patch_embed_c1` image `[B, C, H, W]` and weight `[D, C, P, P]`; `patch_embed_c2` H and W are multiples of P;
    `patch_embed_c3` bias of shape `[D]`; `patch_embed_c4` image and weight of one element type, bias of that type or, where it is narrower
    than f32, f32; `patch_embed_c5` the result has the image's element type or, where that is narrower than f32, f32.

    Example:
    ```mlir
    %y = vlp.patch_embed %image, %w : (tensor<2x3x32x32xf32>, tensor<64x3x16x16xf32>) -> tensor<2x4x64xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$image, VLP_FloatTensor:$weight, Optional<VLP_FloatTensor>:$bias);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_PatchifyOp : VLP_DiffOp<"patchify", [InferTypeOpAdaptor]> {
  let summary = "An image as rows of flattened patches";
  let description = [{
    `result[b, gy W' + gx, (c P + y) P + x] = image[b, c, gy P + y, gx P + x]`: the im2col of a patch embedding.

    Constraints: `patchify_c1` image of rank 4; `patchify_c2` H and W are multiples of `patch`.

    Example:
    ```mlir
    %p = vlp.patchify %image {patch = 16 : i64} : (tensor<2x3x32x32xf32>) -> tensor<2x4x768xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$image, I64Attr:$patch);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

def VLP_UnpatchifyOp : VLP_DiffOp<"unpatchify", []> {
  let summary = "The image whose patches these rows are: inverse and adjoint of patchify";
  let description = [{
    Constraints: `unpatchify_c1` rows `[B, N, C P P]` and result `[B, C, H, W]` fit `patch`.

    Example:
    ```mlir
    %image = vlp.unpatchify %p {patch = 16 : i64} : (tensor<2x4x768xf32>) -> tensor<2x3x32x32xf32>
    ```
  }];
  let arguments = (ins VLP_FloatTensor:$rows, I64Attr:$patch);
  let results = (outs VLP_FloatTensor:$result);
  let assemblyFormat = [{ operands attr-dict `:` functional-type(operands, results) }];
  let hasVerifier = 1;
}

} // opDocGroup

#endif
