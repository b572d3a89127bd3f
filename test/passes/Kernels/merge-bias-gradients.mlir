// A sum over the rows of a product's transposed left operand joins the product, with its epilogue; others stay.
// RUN: vlp-opt %s --vlp-merge-bias-gradients=remarks --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @layer
// CHECK: %[[BOTH:.*]]:2 = vlp.kernel "matmul"(%arg0, %arg1, %arg2)
// CHECK:   %[[W:.*]] = vlp.matmul %{{.*}}, %{{.*}} {transpose_lhs}
// CHECK:   %[[C:.*]] = vlp.cast %{{.*}} : (tensor<2x8x4xbf16>) -> tensor<2x8x4xf32>
// CHECK:   %[[S:.*]] = vlp.reduce_sum %[[C]]
// CHECK:   %[[B:.*]] = vlp.accumulate %{{.*}}, %[[S]]
// CHECK:   vlp.yield %[[W]], %[[B]]
// CHECK-NOT: vlp.kernel
// CHECK: return %[[BOTH]]#0, %[[BOTH]]#1
func.func @layer(%dy: tensor<2x8x4xbf16>, %x: tensor<16x6xbf16>, %other: tensor<4xf32>) -> (tensor<4x6xf32>, tensor<4xf32>) {
  %w = vlp.kernel "matmul"(%dy, %x) : (tensor<2x8x4xbf16>, tensor<16x6xbf16>) -> tensor<4x6xf32> {
  ^bb0(%a: tensor<2x8x4xbf16>, %b: tensor<16x6xbf16>):
    %r = vlp.reshape %a : (tensor<2x8x4xbf16>) -> tensor<16x4xbf16>
    %p = vlp.matmul %r, %b {transpose_lhs} : (tensor<16x4xbf16>, tensor<16x6xbf16>) -> tensor<4x6xf32>
    vlp.yield %p : tensor<4x6xf32>
  }
  %s = vlp.kernel "reduce"(%dy, %other) : (tensor<2x8x4xbf16>, tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<2x8x4xbf16>, %b: tensor<4xf32>):
    %c = vlp.cast %a : (tensor<2x8x4xbf16>) -> tensor<2x8x4xf32>
    %r = vlp.reduce_sum %c {axes = array<i64: 0, 1>} : (tensor<2x8x4xf32>) -> tensor<4xf32>
    %t = vlp.accumulate %b, %r : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    vlp.yield %t : tensor<4xf32>
  }
  return %w, %s : tensor<4x6xf32>, tensor<4xf32>
}

// -----

// The sum is of another tensor, or over other dimensions.
// CHECK-LABEL: func.func @others
// CHECK: vlp.kernel "matmul"
// CHECK: vlp.kernel "reduce"
// CHECK: vlp.kernel "reduce"
func.func @others(%dy: tensor<16x4xf32>, %x: tensor<16x6xf32>) -> (tensor<4x6xf32>, tensor<6xf32>, tensor<f32>) {
  %w = vlp.kernel "matmul"(%dy, %x) : (tensor<16x4xf32>, tensor<16x6xf32>) -> tensor<4x6xf32> {
  ^bb0(%a: tensor<16x4xf32>, %b: tensor<16x6xf32>):
    %p = vlp.matmul %a, %b {transpose_lhs} : (tensor<16x4xf32>, tensor<16x6xf32>) -> tensor<4x6xf32>
    vlp.yield %p : tensor<4x6xf32>
  }
  %s = vlp.kernel "reduce"(%x) : (tensor<16x6xf32>) -> tensor<6xf32> {
  ^bb0(%a: tensor<16x6xf32>):
    %r = vlp.reduce_sum %a {axes = array<i64: 0>} : (tensor<16x6xf32>) -> tensor<6xf32>
    vlp.yield %r : tensor<6xf32>
  }
  %t = vlp.kernel "reduce"(%dy) : (tensor<16x4xf32>) -> tensor<f32> {
  ^bb0(%a: tensor<16x4xf32>):
    %r = vlp.reduce_sum %a {axes = array<i64: 0, 1>} : (tensor<16x4xf32>) -> tensor<f32>
    vlp.yield %r : tensor<f32>
  }
  return %w, %s, %t : tensor<4x6xf32>, tensor<6xf32>, tensor<f32>
}

// -----

// What stands between them needs one's result and makes the other's operand.
// CHECK-LABEL: func.func @between
// CHECK: vlp.kernel "matmul"
// CHECK: vlp.kernel "elementwise"
// CHECK: vlp.kernel "reduce"
func.func @between(%dy: tensor<16x4xf32>, %x: tensor<16x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %w = vlp.kernel "matmul"(%dy, %x) : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<4x4xf32> {
  ^bb0(%a: tensor<16x4xf32>, %b: tensor<16x4xf32>):
    %p = vlp.matmul %a, %b {transpose_lhs} : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<4x4xf32>
    vlp.yield %p : tensor<4x4xf32>
  }
  %n = vlp.kernel "elementwise"(%w) : (tensor<4x4xf32>) -> tensor<4x4xf32> {
  ^bb0(%a: tensor<4x4xf32>):
    %r = vlp.neg %a : (tensor<4x4xf32>) -> tensor<4x4xf32>
    vlp.yield %r : tensor<4x4xf32>
  }
  // expected-remark @+1 {{bias gradient stays a kernel of its own: another kernel stands between it and the product}}
  %s = vlp.kernel "reduce"(%dy, %n) : (tensor<16x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> {
  ^bb0(%a: tensor<16x4xf32>, %b: tensor<4x4xf32>):
    %r = vlp.reduce_sum %a {axes = array<i64: 0>} : (tensor<16x4xf32>) -> tensor<4xf32>
    %t = vlp.add %b, %r : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
    vlp.yield %t : tensor<4x4xf32>
  }
  return %n, %s : tensor<4x4xf32>, tensor<4x4xf32>
}
