// A patch embedding is an im2col and a matmul; forward and backward share the im2col.
// RUN: vlp-opt %s --vlp-decompose-patch-embed --cse | FileCheck %s

// CHECK-LABEL: func.func @patches
// CHECK: %[[ROWS:.*]] = vlp.patchify %arg0 {patch = 4 : i64} : (tensor<2x3x8x8xf32>) -> tensor<2x4x48xf32>
// CHECK: %[[W:.*]] = vlp.reshape %arg1 : (tensor<4x3x4x4xf32>) -> tensor<4x48xf32>
// CHECK: %[[Y:.*]] = vlp.linear %[[ROWS]], %[[W]], %arg2 : {{.*}} -> tensor<2x4x4xf32>
// CHECK-NOT: vlp.patchify
// CHECK: return %[[Y]], %[[ROWS]]
func.func @patches(%image: tensor<2x3x8x8xf32>, %w: tensor<4x3x4x4xf32>, %b: tensor<4xf32>) -> (tensor<2x4x4xf32>, tensor<2x4x48xf32>) {
  %y = vlp.patch_embed %image, %w, %b : (tensor<2x3x8x8xf32>, tensor<4x3x4x4xf32>, tensor<4xf32>) -> tensor<2x4x4xf32>
  %rows = vlp.patchify %image {patch = 4 : i64} : (tensor<2x3x8x8xf32>) -> tensor<2x4x48xf32>
  return %y, %rows : tensor<2x4x4xf32>, tensor<2x4x48xf32>
}
