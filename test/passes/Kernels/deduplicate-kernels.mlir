// Equal structure gives equal names, whatever the locations and value names; types, attributes and bodies tell kernels apart.
// RUN: vlp-opt %s --vlp-form-kernels --vlp-deduplicate-kernels | FileCheck %s

// CHECK-LABEL: func.func @names
// CHECK: vlp.symbol = "[[A:layer_norm_4x8_[0-9a-f]{8}]]"
// CHECK: vlp.symbol = "[[A]]"
// CHECK-NOT: vlp.symbol = "[[A]]"
// CHECK: vlp.symbol = "layer_norm_4x8_{{[0-9a-f]+}}"
// CHECK: vlp.symbol = "matmul_4x16x8_{{[0-9a-f]+}}"
// CHECK: vlp.symbol = "reduce_scalar_{{[0-9a-f]+}}"
func.func @names(%x: tensor<4x8xf32>, %g: tensor<8xf32>, %w: tensor<16x8xf32>) -> tensor<f32> {
  %a, %m0, %r0 = vlp.layer_norm %x, %g, %g {eps = 1.0e-5 : f64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>) loc("first")
  %b, %m1, %r1 = vlp.layer_norm %a, %g, %g {eps = 1.0e-5 : f64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>) loc("second")
  %c, %m2, %r2 = vlp.layer_norm %b, %g, %g {eps = 1.0e-6 : f64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>)
  %y = vlp.linear %c, %w : (tensor<4x8xf32>, tensor<16x8xf32>) -> tensor<4x16xf32>
  %s = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<4x16xf32>) -> tensor<f32>
  return %s : tensor<f32>
}
