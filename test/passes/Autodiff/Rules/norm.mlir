// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradient rules of row functions, from the results of the forward.
// RUN: vlp-opt %s --vlp-autodiff | FileCheck %s

vlp.parameter @p2x5 : tensor<2x5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @p5 : tensor<5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @f5 : tensor<5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
vlp.parameter @f2x5 : tensor<2x5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}

// CHECK-LABEL: func.func @layer_norm(
// CHECK: %[[X:.*]] = vlp.read @p2x5
// CHECK: %[[G:.*]] = vlp.read @p5
// CHECK: %{{.*}}, %[[M:.*]], %[[R:.*]] = vlp.layer_norm
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[DX:.*]], %[[DG:.*]], %[[DB:.*]] = vlp.layer_norm_grad %[[X]], %[[G]], %[[M]], %[[R]], %[[DY]] {vlp.backward} : (tensor<2x5xf32>, tensor<5xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x5xf32>) -> (tensor<2x5xf32>, tensor<5xf32>, tensor<5xf32>)
// CHECK-NEXT: %[[V1:.*]] = vlp.accumulate %[[DG]], %[[DB]] {vlp.backward} : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xf32>
// CHECK-NEXT: return %{{.*}}, %[[DX]], %[[V1]]
func.func @layer_norm() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x5 : tensor<2x5xf32>
  %g = vlp.read @p5 : tensor<5xf32>
  %b = vlp.read @p5 : tensor<5xf32>
  %y, %m, %r = vlp.layer_norm %x, %g, %b {eps = 1.0e-5 : f64} : (tensor<2x5xf32>, tensor<5xf32>, tensor<5xf32>) -> (tensor<2x5xf32>, tensor<2xf32>, tensor<2xf32>)
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x5xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @layer_norm_frozen(
// CHECK: %[[X:.*]] = vlp.read @p2x5
// CHECK: %[[G:.*]] = vlp.read @f5
// CHECK: %{{.*}}, %[[M:.*]], %[[R:.*]] = vlp.layer_norm
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[DX:.*]], %[[DG:.*]], %[[DB:.*]] = vlp.layer_norm_grad %[[X]], %[[G]], %[[M]], %[[R]], %[[DY]] {vlp.backward} : (tensor<2x5xf32>, tensor<5xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x5xf32>) -> (tensor<2x5xf32>, tensor<5xf32>, tensor<5xf32>)
// CHECK-NEXT: return %{{.*}}, %[[DX]]
func.func @layer_norm_frozen() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x5 : tensor<2x5xf32>
  %g = vlp.read @f5 : tensor<5xf32>
  %b = vlp.read @f5 : tensor<5xf32>
  %y, %m, %r = vlp.layer_norm %x, %g, %b {eps = 1.0e-5 : f64} : (tensor<2x5xf32>, tensor<5xf32>, tensor<5xf32>) -> (tensor<2x5xf32>, tensor<2xf32>, tensor<2xf32>)
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x5xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// The gradient of the offset alone is a sum.
// CHECK-LABEL: func.func @layer_norm_beta_only(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.reduce_sum %[[DY]] {axes = array<i64: 0>, vlp.backward} : (tensor<2x5xf32>) -> tensor<5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @layer_norm_beta_only() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @f2x5 : tensor<2x5xf32>
  %g = vlp.read @f5 : tensor<5xf32>
  %b = vlp.read @p5 : tensor<5xf32>
  %y, %m, %r = vlp.layer_norm %x, %g, %b {eps = 1.0e-5 : f64} : (tensor<2x5xf32>, tensor<5xf32>, tensor<5xf32>) -> (tensor<2x5xf32>, tensor<2xf32>, tensor<2xf32>)
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x5xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @l2_normalize(
// CHECK: %[[Y:.*]], %[[N:.*]] = vlp.l2_normalize
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.l2_normalize_grad %[[Y]], %[[N]], %[[DY]] {eps = 5.000000e-01 : f64, vlp.backward} : (tensor<2x5xf32>, tensor<2xf32>, tensor<2x5xf32>) -> tensor<2x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @l2_normalize() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x5 : tensor<2x5xf32>
  %y, %n = vlp.l2_normalize %x {eps = 0.5 : f64} : (tensor<2x5xf32>) -> (tensor<2x5xf32>, tensor<2xf32>)
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x5xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @softmax(
// CHECK: %[[Y:.*]] = vlp.softmax
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.softmax_grad %[[Y]], %[[DY]] {vlp.backward} : (tensor<2x5xf32>, tensor<2x5xf32>) -> tensor<2x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @softmax() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x5 : tensor<2x5xf32>
  %y = vlp.softmax %x : (tensor<2x5xf32>) -> tensor<2x5xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x5xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
