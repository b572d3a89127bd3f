// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradient rule of attention.
// RUN: vlp-opt %s --vlp-autodiff | FileCheck %s

vlp.parameter @p1x3x4 : tensor<1x3x4xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @f1x3x4 : tensor<1x3x4xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}

// CHECK-LABEL: func.func @attention(
// CHECK: %[[Q:.*]] = vlp.read @p1x3x4
// CHECK: %[[K:.*]] = vlp.exp
// CHECK: %[[V:.*]] = vlp.neg
// CHECK: %[[Y:.*]], %[[L:.*]] = vlp.attention
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[DQ:.*]], %[[DK:.*]], %[[DV:.*]] = vlp.attention_grad %[[Q]], %[[K]], %[[V]], %[[Y]], %[[L]], %[[DY]] {heads = 2 : i64, scale = 5.000000e-01 : f64, vlp.backward} : (tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x2x3xf32>, tensor<1x3x4xf32>) -> (tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>)
// CHECK-NEXT: %[[V1:.*]] = vlp.neg %[[DV]] {vlp.backward} : (tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.mul %[[DK]], %[[K]] {vlp.backward} : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
// CHECK-NEXT: %[[V3:.*]] = vlp.accumulate %[[DQ]], %[[V1]], %[[V2]] {vlp.backward} : (tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
// CHECK-NEXT: return %{{.*}}, %[[V3]]
func.func @attention() -> tensor<f32> attributes {vlp.differentiate} {
  %q = vlp.read @p1x3x4 : tensor<1x3x4xf32>
  %k = vlp.exp %q : (tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
  %v = vlp.neg %q : (tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
  %y, %l = vlp.attention %q, %k, %v {heads = 2 : i64, scale = 0.5 : f64} : (tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> (tensor<1x3x4xf32>, tensor<1x2x3xf32>)
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<1x3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// The mask is handed on; frozen operands use no result.
// CHECK-LABEL: func.func @attention_causal_frozen_query(
// CHECK: %[[Q:.*]] = vlp.read @f1x3x4
// CHECK: %[[K:.*]] = vlp.read @p1x3x4
// CHECK: %[[V:.*]] = vlp.neg
// CHECK: %[[Y:.*]], %[[L:.*]] = vlp.attention
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[DQ:.*]], %[[DK:.*]], %[[DV:.*]] = vlp.attention_grad %[[Q]], %[[K]], %[[V]], %[[Y]], %[[L]], %[[DY]] {causal, heads = 2 : i64, scale = 5.000000e-01 : f64, vlp.backward} : (tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x2x3xf32>, tensor<1x3x4xf32>) -> (tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>)
// CHECK-NEXT: %[[V1:.*]] = vlp.neg %[[DV]] {vlp.backward} : (tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.accumulate %[[DK]], %[[V1]] {vlp.backward} : (tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
// CHECK-NEXT: return %{{.*}}, %[[V2]]
func.func @attention_causal_frozen_query() -> tensor<f32> attributes {vlp.differentiate} {
  %q = vlp.read @f1x3x4 : tensor<1x3x4xf32>
  %k = vlp.read @p1x3x4 : tensor<1x3x4xf32>
  %v = vlp.neg %k : (tensor<1x3x4xf32>) -> tensor<1x3x4xf32>
  %y, %l = vlp.attention %q, %k, %v {heads = 2 : i64, scale = 0.5 : f64, causal} : (tensor<1x3x4xf32>, tensor<1x3x4xf32>, tensor<1x3x4xf32>) -> (tensor<1x3x4xf32>, tensor<1x2x3xf32>)
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<1x3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
