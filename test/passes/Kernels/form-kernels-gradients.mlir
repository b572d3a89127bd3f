// A gradient that is part of another tensor is copied once, for the norm and for the update; a whole one is read in place.
// RUN: vlp-opt %s --vlp-form-kernels | FileCheck %s

// CHECK-LABEL: func.func @parts
// CHECK: %[[PART:.*]] = vlp.kernel "elementwise"(%arg0) : (tensor<12xf32>) -> tensor<4xf32>
// CHECK-NOT: vlp.kernel "elementwise"
// CHECK: vlp.kernel "reduce"({{.*}}%[[PART]]
// CHECK: vlp.kernel "adamw"({{.*}}%[[PART]]
func.func @parts(%joined: tensor<12xf32>, %whole: tensor<8xf32>, %p: tensor<4xf32>, %step: tensor<i32>, %s: tensor<f32>) -> (tensor<f32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %g = vlp.slice %joined {offsets = array<i64: 8>, sizes = array<i64: 4>} : (tensor<12xf32>) -> tensor<4xf32>
  %w = vlp.reshape %whole : (tensor<8xf32>) -> tensor<2x4xf32>
  %n = vlp.global_norm %g, %w : (tensor<4xf32>, tensor<2x4xf32>) -> tensor<f32>
  %a, %m, %v = vlp.adamw %p, %g, %p, %p, %step, %s, %s, %s, %s, %s, %s, %step : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)
  return %n, %a, %m, %v : tensor<f32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}
