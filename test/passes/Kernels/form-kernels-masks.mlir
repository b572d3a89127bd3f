// A mask whose rows are no neighbours in memory is copied once, for attention and its gradient; others are read in place.
// RUN: vlp-opt %s --vlp-form-kernels | FileCheck %s

// CHECK-LABEL: func.func @bias
// CHECK: %[[COPY:.*]] = vlp.kernel "elementwise"(%arg1) : (tensor<5x5x4xf32>) -> tensor<1x2x5x5xf32>
// CHECK: vlp.kernel "attention"(%arg0, %[[COPY]])
// CHECK: vlp.kernel "attention_grad"({{.*}}%[[COPY]]
// CHECK-NOT: vlp.kernel "elementwise"
func.func @bias(%x: tensor<3x5x8xf32>, %table: tensor<5x5x4xf32>) -> (tensor<3x5x8xf32>, tensor<3x5x8xf32>) {
  %t = vlp.transpose %table {permutation = array<i64: 2, 0, 1>} : (tensor<5x5x4xf32>) -> tensor<4x5x5xf32>
  %s = vlp.slice %t {offsets = array<i64: 2, 0, 0>, sizes = array<i64: 2, 5, 5>} : (tensor<4x5x5xf32>) -> tensor<2x5x5xf32>
  %m = vlp.reshape %s : (tensor<2x5x5xf32>) -> tensor<1x2x5x5xf32>
  %y, %l = vlp.attention %x, %x, %x, %m {heads = 2 : i64, scale = 0.5 : f64} : (tensor<3x5x8xf32>, tensor<3x5x8xf32>, tensor<3x5x8xf32>, tensor<1x2x5x5xf32>) -> (tensor<3x5x8xf32>, tensor<3x2x5xf32>)
  %q, %k, %v, %g = vlp.attention_grad %x, %x, %x, %y, %l, %y, %m {heads = 2 : i64, scale = 0.5 : f64} : (tensor<3x5x8xf32>, tensor<3x5x8xf32>, tensor<3x5x8xf32>, tensor<3x5x8xf32>, tensor<3x2x5xf32>, tensor<3x5x8xf32>, tensor<1x2x5x5xf32>) -> (tensor<3x5x8xf32>, tensor<3x5x8xf32>, tensor<3x5x8xf32>, tensor<3x2x5x5xf32>)
  return %y, %q : tensor<3x5x8xf32>, tensor<3x5x8xf32>
}

// CHECK-LABEL: func.func @padding
// CHECK-NOT: vlp.kernel "elementwise"
// CHECK: vlp.kernel "attention"(%arg0, %arg1)
func.func @padding(%x: tensor<3x5x8xf32>, %padding: tensor<3x1x1x7xf32>) -> tensor<3x5x8xf32> {
  %m = vlp.slice %padding {offsets = array<i64: 0, 0, 0, 1>, sizes = array<i64: 3, 1, 1, 5>} : (tensor<3x1x1x7xf32>) -> tensor<3x1x1x5xf32>
  %y, %l = vlp.attention %x, %x, %x, %m {heads = 2 : i64, scale = 0.5 : f64} : (tensor<3x5x8xf32>, tensor<3x5x8xf32>, tensor<3x5x8xf32>, tensor<3x1x1x5xf32>) -> (tensor<3x5x8xf32>, tensor<3x2x5xf32>)
  return %y : tensor<3x5x8xf32>
}
