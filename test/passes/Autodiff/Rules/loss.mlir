// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradient rules of cross entropies: one op, from the log-sum-exp of the forward.
// RUN: vlp-opt %s --vlp-autodiff | FileCheck %s

vlp.parameter @p3x5 : tensor<3x5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}

// CHECK-LABEL: func.func @cross_entropy(
// CHECK-SAME: %[[I:.*]]: tensor
// CHECK: %[[X:.*]] = vlp.read @p3x5
// CHECK: %{{.*}}, %[[L:.*]] = vlp.cross_entropy
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.cross_entropy_grad %[[X]], %[[I]], %[[L]], %[[DY]] {ignore_index = 2 : i64, smoothing = 3.000000e-01 : f64, vlp.backward} : (tensor<3x5xf32>, tensor<3xi32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @cross_entropy(%i: tensor<3xi32>) -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p3x5 : tensor<3x5xf32>
  %y, %l = vlp.cross_entropy %x, %i {ignore_index = 2 : i64, smoothing = 0.3 : f64} : (tensor<3x5xf32>, tensor<3xi32>) -> (tensor<3xf32>, tensor<3xf32>)
  %loss = vlp.reduce_sum %y {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// Targets get no gradient, even where they learn.
// CHECK-LABEL: func.func @soft_cross_entropy(
// CHECK: %[[X:.*]] = vlp.read @p3x5
// CHECK: %[[T:.*]] = vlp.softmax
// CHECK: %{{.*}}, %[[L:.*]] = vlp.soft_cross_entropy
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.soft_cross_entropy_grad %[[X]], %[[T]], %[[L]], %[[DY]] {vlp.backward} : (tensor<3x5xf32>, tensor<3x5xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @soft_cross_entropy() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p3x5 : tensor<3x5xf32>
  %t = vlp.softmax %x : (tensor<3x5xf32>) -> tensor<3x5xf32>
  %y, %l = vlp.soft_cross_entropy %x, %t : (tensor<3x5xf32>, tensor<3x5xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  %loss = vlp.reduce_sum %y {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
