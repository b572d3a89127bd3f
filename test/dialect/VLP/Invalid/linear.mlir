// Each constraint of each linear op, broken once, and more where it has several ways to break. A function is named after its
// label.
// RUN: vlp-opt %s -split-input-file -verify-diagnostics -o /dev/null

func.func @linear_c1(%a0: tensor<2x8xf32>, %a1: tensor<8xf32>) {
  // expected-error @+1 {{'vlp.linear' op expects a weight of rank 2 and an input of rank at least 1, got [8] and [2, 8]}}
  %r = vlp.linear %a0, %a1 : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @linear_c2(%a0: tensor<2x6xf32>, %a1: tensor<3x8xf32>) {
  // expected-error @+1 {{'vlp.linear' op expects the input's last dimension to be the weight's second (8), got 6}}
  %r = vlp.linear %a0, %a1 : (tensor<2x6xf32>, tensor<3x8xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @linear_c3(%a0: tensor<2x8xf32>, %a1: tensor<3x8xf32>, %a2: tensor<8xf32>) {
  // expected-error @+1 {{'vlp.linear' op expects a bias of shape [3], got [8]}}
  %r = vlp.linear %a0, %a1, %a2 : (tensor<2x8xf32>, tensor<3x8xf32>, tensor<8xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @linear_c4(%a0: tensor<2x8xbf16>, %a1: tensor<3x8xf32>) {
  // expected-error @+1 {{'vlp.linear' op expects equal element types, got bf16, f32}}
  %r = vlp.linear %a0, %a1 : (tensor<2x8xbf16>, tensor<3x8xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @linear_c4_bias(%a0: tensor<2x8xf32>, %a1: tensor<3x8xf32>, %a2: tensor<3xf64>) {
  // expected-error @+1 {{'vlp.linear' op expects a bias of f32, got f64}}
  %r = vlp.linear %a0, %a1, %a2 : (tensor<2x8xf32>, tensor<3x8xf32>, tensor<3xf64>) -> tensor<2x3xf32>
  return
}

// -----

func.func @linear_c4_narrow_bias(%a0: tensor<2x8xbf16>, %a1: tensor<3x8xbf16>, %a2: tensor<3xf16>) {
  // expected-error @+1 {{'vlp.linear' op expects a bias of bf16 or f32, got f16}}
  %r = vlp.linear %a0, %a1, %a2 : (tensor<2x8xbf16>, tensor<3x8xbf16>, tensor<3xf16>) -> tensor<2x3xf32>
  return
}

// -----

func.func @linear_c5(%a0: tensor<2x8xf32>, %a1: tensor<3x8xf32>) {
  // expected-error @+1 {{'vlp.linear' op expects result #0 to be 'tensor<2x3xf32>', got 'tensor<2x3xbf16>'}}
  %r = vlp.linear %a0, %a1 : (tensor<2x8xf32>, tensor<3x8xf32>) -> tensor<2x3xbf16>
  return
}

// -----

func.func @linear_c5_narrow(%a0: tensor<2x8xbf16>, %a1: tensor<3x8xbf16>) {
  // expected-error @+1 {{'vlp.linear' op expects result #0 to be 'tensor<2x3xbf16>', got 'tensor<2x3xf64>'}}
  %r = vlp.linear %a0, %a1 : (tensor<2x8xbf16>, tensor<3x8xbf16>) -> tensor<2x3xf64>
  return
}

// -----

func.func @linear_type(%a0: tensor<2x8xf32>, %a1: tensor<3x8xf32>) {
  // expected-error @+1 {{'vlp.linear' op expects result #0 to be 'tensor<2x3xf32>', got 'tensor<2x8xf32>'}}
  %r = vlp.linear %a0, %a1 : (tensor<2x8xf32>, tensor<3x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @matmul_c1(%a0: tensor<8xf32>, %a1: tensor<8x4xf32>) {
  // expected-error @+1 {{'vlp.matmul' op expects an rhs of rank 2 and an lhs of rank at least 2, got [8, 4] and [8]}}
  %r = vlp.matmul %a0, %a1 : (tensor<8xf32>, tensor<8x4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @matmul_c2(%a0: tensor<4x8xf32>, %a1: tensor<4x8xf32>) {
  // expected-error @+1 {{'vlp.matmul' op expects the contracted dimensions to agree, got 8 in the lhs and 4 in the rhs}}
  %r = vlp.matmul %a0, %a1 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @matmul_c2_transposed(%a0: tensor<8x4xf32>, %a1: tensor<4x7xf32>) {
  // expected-error @+1 {{'vlp.matmul' op expects the contracted dimensions to agree, got 8 in the lhs and 7 in the rhs}}
  %r = vlp.matmul %a0, %a1 {transpose_lhs, transpose_rhs} : (tensor<8x4xf32>, tensor<4x7xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @matmul_c3(%a0: tensor<2x8x4xf32>, %a1: tensor<8x3xf32>) {
  // expected-error @+1 {{'vlp.matmul' op expects an lhs of rank 2 with transpose_lhs, got [2, 8, 4]}}
  %r = vlp.matmul %a0, %a1 {transpose_lhs} : (tensor<2x8x4xf32>, tensor<8x3xf32>) -> tensor<2x4x3xf32>
  return
}

// -----

func.func @matmul_c4(%a0: tensor<4x8xf32>, %a1: tensor<8x4xf64>) {
  // expected-error @+1 {{'vlp.matmul' op expects equal element types, got f32, f64}}
  %r = vlp.matmul %a0, %a1 : (tensor<4x8xf32>, tensor<8x4xf64>) -> tensor<4x4xf32>
  return
}

// -----

func.func @matmul_c5(%a0: tensor<4x8xbf16>, %a1: tensor<8x4xbf16>) {
  // expected-error @+1 {{'vlp.matmul' op expects result #0 to be 'tensor<4x4xbf16>', got 'tensor<4x4xf16>'}}
  %r = vlp.matmul %a0, %a1 : (tensor<4x8xbf16>, tensor<8x4xbf16>) -> tensor<4x4xf16>
  return
}

// -----

func.func @matmul_c5_shape(%a0: tensor<4x8xbf16>, %a1: tensor<8x4xbf16>) {
  // expected-error @+1 {{'vlp.matmul' op expects result #0 to be 'tensor<4x4xbf16>', got 'tensor<4x8xf32>'}}
  %r = vlp.matmul %a0, %a1 : (tensor<4x8xbf16>, tensor<8x4xbf16>) -> tensor<4x8xf32>
  return
}

// -----

func.func @patch_embed_c1(%a0: tensor<2x3x4x4xf32>, %a1: tensor<5x3x2x1xf32>) {
  // expected-error @+1 {{'vlp.patch_embed' op expects an image [B, C, H, W] and a weight [D, C, P, P], got [2, 3, 4, 4] and [5, 3, 2, 1]}}
  %r = vlp.patch_embed %a0, %a1 : (tensor<2x3x4x4xf32>, tensor<5x3x2x1xf32>) -> tensor<2x4x5xf32>
  return
}

// -----

func.func @patch_embed_c1_channels(%a0: tensor<2x3x4x4xf32>, %a1: tensor<5x1x2x2xf32>) {
  // expected-error @+1 {{'vlp.patch_embed' op expects an image [B, C, H, W] and a weight [D, C, P, P], got [2, 3, 4, 4] and [5, 1, 2, 2]}}
  %r = vlp.patch_embed %a0, %a1 : (tensor<2x3x4x4xf32>, tensor<5x1x2x2xf32>) -> tensor<2x4x5xf32>
  return
}

// -----

func.func @patch_embed_c2(%a0: tensor<2x3x4x5xf32>, %a1: tensor<5x3x2x2xf32>) {
  // expected-error @+1 {{'vlp.patch_embed' op expects the image's height and width to be multiples of the patch size 2, got 4 x 5}}
  %r = vlp.patch_embed %a0, %a1 : (tensor<2x3x4x5xf32>, tensor<5x3x2x2xf32>) -> tensor<2x4x5xf32>
  return
}

// -----

func.func @patch_embed_c3(%a0: tensor<2x3x4x4xf32>, %a1: tensor<5x3x2x2xf32>, %a2: tensor<4xf32>) {
  // expected-error @+1 {{'vlp.patch_embed' op expects a bias of shape [5], got [4]}}
  %r = vlp.patch_embed %a0, %a1, %a2 : (tensor<2x3x4x4xf32>, tensor<5x3x2x2xf32>, tensor<4xf32>) -> tensor<2x4x5xf32>
  return
}

// -----

func.func @patch_embed_c4(%a0: tensor<2x3x4x4xf32>, %a1: tensor<5x3x2x2xf64>) {
  // expected-error @+1 {{'vlp.patch_embed' op expects equal element types, got f32, f64}}
  %r = vlp.patch_embed %a0, %a1 : (tensor<2x3x4x4xf32>, tensor<5x3x2x2xf64>) -> tensor<2x4x5xf32>
  return
}

// -----

func.func @patch_embed_c4_bias(%a0: tensor<2x3x4x4xbf16>, %a1: tensor<5x3x2x2xbf16>, %a2: tensor<5xf64>) {
  // expected-error @+1 {{'vlp.patch_embed' op expects a bias of bf16 or f32, got f64}}
  %r = vlp.patch_embed %a0, %a1, %a2 : (tensor<2x3x4x4xbf16>, tensor<5x3x2x2xbf16>, tensor<5xf64>) -> tensor<2x4x5xf32>
  return
}

// -----

func.func @patch_embed_c5(%a0: tensor<2x3x4x4xf32>, %a1: tensor<5x3x2x2xf32>) {
  // expected-error @+1 {{'vlp.patch_embed' op expects result #0 to be 'tensor<2x4x5xf32>', got 'tensor<2x4x5xbf16>'}}
  %r = vlp.patch_embed %a0, %a1 : (tensor<2x3x4x4xf32>, tensor<5x3x2x2xf32>) -> tensor<2x4x5xbf16>
  return
}

// -----

func.func @patchify_c1(%a0: tensor<3x4x4xf32>) {
  // expected-error @+1 {{'vlp.patchify' op expects an image [B, C, H, W], got [3, 4, 4]}}
  %r = vlp.patchify %a0 {patch = 2 : i64} : (tensor<3x4x4xf32>) -> tensor<4x12xf32>
  return
}

// -----

func.func @patchify_c2(%a0: tensor<2x3x4x4xf32>) {
  // expected-error @+1 {{'vlp.patchify' op expects the image's height and width to be multiples of the patch size 3, got 4 x 4}}
  %r = vlp.patchify %a0 {patch = 3 : i64} : (tensor<2x3x4x4xf32>) -> tensor<2x4x12xf32>
  return
}

// -----

func.func @patchify_c2_zero(%a0: tensor<2x3x4x4xf32>) {
  // expected-error @+1 {{'vlp.patchify' op expects the image's height and width to be multiples of the patch size 0, got 4 x 4}}
  %r = vlp.patchify %a0 {patch = 0 : i64} : (tensor<2x3x4x4xf32>) -> tensor<2x4x12xf32>
  return
}

// -----

func.func @unpatchify_c1(%a0: tensor<2x5x12xf32>) {
  // expected-error @+1 {{'vlp.unpatchify' op expects rows of type 'tensor<2x4x12xf32>', got 'tensor<2x5x12xf32>'}}
  %r = vlp.unpatchify %a0 {patch = 2 : i64} : (tensor<2x5x12xf32>) -> tensor<2x3x4x4xf32>
  return
}

// -----

func.func @unpatchify_c1_patch(%a0: tensor<2x4x12xf32>) {
  // expected-error @+1 {{'vlp.unpatchify' op expects a result [B, C, H, W] with height and width that are multiples of the patch size 3, got [2, 3, 4, 4]}}
  %r = vlp.unpatchify %a0 {patch = 3 : i64} : (tensor<2x4x12xf32>) -> tensor<2x3x4x4xf32>
  return
}
