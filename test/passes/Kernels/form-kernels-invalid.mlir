// Ops without a kernel kind are all reported.
// RUN: vlp-opt %s --vlp-form-kernels --split-input-file --verify-diagnostics

func.func @patch_embed(%image: tensor<2x3x8x8xf32>, %w: tensor<4x3x4x4xf32>) -> (tensor<2x4x4xf32>, tensor<2x4x4xf32>) {
  // expected-error @+1 {{expected an op that has a kernel kind, got 'vlp.patch_embed'; run vlp-decompose-patch-embed first}}
  %x = vlp.patch_embed %image, %w : (tensor<2x3x8x8xf32>, tensor<4x3x4x4xf32>) -> tensor<2x4x4xf32>
  // expected-error @+1 {{expected an op that has a kernel kind, got 'vlp.patch_embed'}}
  %y = vlp.patch_embed %image, %w : (tensor<2x3x8x8xf32>, tensor<4x3x4x4xf32>) -> tensor<2x4x4xf32>
  return %x, %y : tensor<2x4x4xf32>, tensor<2x4x4xf32>
}
