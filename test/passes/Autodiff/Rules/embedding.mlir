// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradient rule of embedding.
// RUN: vlp-opt %s --vlp-autodiff | FileCheck %s

vlp.parameter @p7x3 : tensor<7x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @f7x3 : tensor<7x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
vlp.parameter @p3 : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}

// CHECK-LABEL: func.func @embedding(
// CHECK-SAME: %[[I:.*]]: tensor
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.embedding_grad %[[DY]], %[[I]] {vlp.backward} : (tensor<2x3x3xf32>, tensor<2x3xi32>) -> tensor<7x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @embedding(%i: tensor<2x3xi32>) -> tensor<f32> attributes {vlp.differentiate} {
  %t = vlp.read @p7x3 : tensor<7x3xf32>
  %y = vlp.embedding %t, %i : (tensor<7x3xf32>, tensor<2x3xi32>) -> tensor<2x3x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<2x3x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// A frozen table: nothing to do beyond the offset.
// CHECK-LABEL: func.func @embedding_frozen(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.reduce_sum %[[DY]] {axes = array<i64: 0>, vlp.backward} : (tensor<2x3xf32>) -> tensor<3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @embedding_frozen(%i: tensor<2xi32>) -> tensor<f32> attributes {vlp.differentiate} {
  %t = vlp.read @f7x3 : tensor<7x3xf32>
  %b = vlp.read @p3 : tensor<3xf32>
  %e = vlp.embedding %t, %i : (tensor<7x3xf32>, tensor<2xi32>) -> tensor<2x3xf32>
  %y = vlp.add %e, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
