// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The reverse sweep: order, sums, frozen parameters, results, locations, parameters that the loss does not reach.
// RUN: vlp-opt %s --vlp-autodiff -verify-diagnostics -split-input-file | FileCheck %s
// RUN: vlp-opt %s --vlp-autodiff -split-input-file -mlir-print-debuginfo -mlir-print-local-scope 2>/dev/null | FileCheck %s --check-prefix=LOC

// Gradients are appended in order of the parameters in the module, not of the reads; other results stay. A value with several uses gets one
// accumulate, the last use first. What depends on no cotangent (the reshape of the input) is not marked.
vlp.parameter @b : tensor<4xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @w : tensor<4x4xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @frozen : tensor<4x4xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}

// CHECK-LABEL: func.func @residual
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>) -> (tensor<f32>, tensor<2x3x4xf32>, tensor<4xf32> {vlp.gradient = @b}, tensor<4x4xf32> {vlp.gradient = @w})
// CHECK-NOT: vlp.differentiate
// CHECK: %[[W:.*]] = vlp.read @w
// CHECK: %[[F:.*]] = vlp.read @frozen
// CHECK: %[[T:.*]] = vlp.tanh
// CHECK: %[[LOSS:.*]] = vlp.reduce_sum
// CHECK-NEXT: vlp.constant dense<1.000000e+00> : tensor<f32> {vlp.backward}
// CHECK: %[[DY:.*]] = vlp.broadcast
// The frozen layer passes the gradient on, and gets none itself.
// CHECK-NEXT: %[[DT:.*]] = vlp.matmul %[[DY]], %[[F]] {vlp.backward}
// CHECK: %[[DH2:.*]] = vlp.mul %[[DT]], %{{.*}} {vlp.backward}
// CHECK-NEXT: %[[DH:.*]] = vlp.accumulate %[[DY]], %[[DH2]] {vlp.backward}
// CHECK-NEXT: %[[DH_ROWS:.*]] = vlp.reshape %[[DH]] {vlp.backward}
// CHECK-NEXT: %[[X_ROWS:.*]] = vlp.reshape %[[X]] :
// CHECK-NEXT: %[[DW:.*]] = vlp.matmul %[[DH_ROWS]], %[[X_ROWS]] {transpose_lhs, vlp.backward}
// CHECK-NEXT: %[[DB:.*]] = vlp.reduce_sum %[[DH]] {axes = array<i64: 0, 1>, vlp.backward}
// CHECK-NEXT: return %[[LOSS]], %[[T]], %[[DB]], %[[DW]]

// Backward ops stand at the layers of their forward ops.
// LOC-LABEL: func.func @residual
// LOC: vlp.accumulate {{.*}} loc("first")
// LOC: vlp.matmul {{.*}}transpose_lhs, vlp.backward{{.*}} loc("first")
func.func @residual(%x: tensor<2x3x4xf32>) -> (tensor<f32>, tensor<2x3x4xf32>) attributes {vlp.differentiate} {
  %w = vlp.read @w : tensor<4x4xf32>
  %b = vlp.read @b : tensor<4xf32>
  %f = vlp.read @frozen : tensor<4x4xf32>
  %h = vlp.linear %x, %w, %b : (tensor<2x3x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32> loc("first")
  %t = vlp.tanh %h : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32> loc("second")
  %o = vlp.linear %t, %f : (tensor<2x3x4xf32>, tensor<4x4xf32>) -> tensor<2x3x4xf32> loc("second")
  %y = vlp.add %h, %o : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x4xf32> loc("second")
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<2x3x4xf32>) -> tensor<f32> loc("loss")
  return %loss, %t : tensor<f32>, tensor<2x3x4xf32>
}

// A function without the attribute is left alone.
// CHECK-LABEL: func.func @features
// CHECK-SAME: -> tensor<2x4xf32>
// CHECK-NEXT: vlp.read
// CHECK-NEXT: vlp.linear
// CHECK-NEXT: return
func.func @features(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %w = vlp.read @w : tensor<4x4xf32>
  %y = vlp.linear %x, %w : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// A tied weight: both uses are summed.
vlp.parameter @table : tensor<7x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}

// CHECK-LABEL: func.func @tied
// CHECK: %[[HEAD:.*]] = vlp.matmul {{.*}}transpose_lhs, vlp.backward
// CHECK: %[[LOOKUP:.*]] = vlp.embedding_grad
// CHECK: %[[SUM:.*]] = vlp.accumulate %[[HEAD]], %[[LOOKUP]] {vlp.backward}
// CHECK: return %{{.*}}, %[[SUM]]
func.func @tied(%ids: tensor<2xi32>) -> tensor<f32> attributes {vlp.differentiate} {
  %t = vlp.read @table : tensor<7x3xf32>
  %e = vlp.embedding %t, %ids : (tensor<7x3xf32>, tensor<2xi32>) -> tensor<2x3xf32>
  %y = vlp.linear %e, %t : (tensor<2x3xf32>, tensor<7x3xf32>) -> tensor<2x7xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x7xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// Nothing upstream of a stop_gradient is differentiated, even through an op without a rule.
vlp.parameter @p : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @lo : tensor<f32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}

// CHECK-LABEL: func.func @stopped
// CHECK: %[[S:.*]] = vlp.stop_gradient
// CHECK: %[[DY:.*]] = vlp.broadcast
// CHECK-NEXT: %[[DP:.*]] = vlp.mul %[[DY]], %[[S]] {vlp.backward}
// CHECK-NEXT: return %{{.*}}, %[[DP]]
func.func @stopped() -> tensor<f32> attributes {vlp.differentiate} {
  %p = vlp.read @p : tensor<3xf32>
  %lo = vlp.read @lo : tensor<f32>
  %c = vlp.clamp %p, %lo, %lo : (tensor<3xf32>, tensor<f32>, tensor<f32>) -> tensor<3xf32>
  %s = vlp.stop_gradient %c : (tensor<3xf32>) -> tensor<3xf32>
  %y = vlp.mul %p, %s : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// A parameter that the loss does not reach: a zero gradient, and a warning that names it.
vlp.parameter @used : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @unused : tensor<2xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}

// CHECK-LABEL: func.func @partly
// CHECK: %[[ZERO:.*]] = vlp.constant dense<0.000000e+00> : tensor<2xf32>{{$}}
// CHECK: return %{{.*}}, %{{.*}}, %[[ZERO]]
func.func @partly() -> tensor<f32> attributes {vlp.differentiate} {
  %u = vlp.read @used : tensor<3xf32>
  // expected-warning @below {{the loss does not depend on trainable parameter 'unused': its gradient is zero}}
  %n = vlp.read @unused : tensor<2xf32>
  %loss = vlp.reduce_sum %u {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// A loss that depends on no parameter at all.
// CHECK-LABEL: func.func @constant_loss
// CHECK-NOT: vlp.backward
// CHECK: return
// expected-warning @below {{the loss of 'constant_loss' does not depend on any trainable parameter}}
func.func @constant_loss(%x: tensor<3xf32>) -> tensor<f32> attributes {vlp.differentiate} {
  %loss = vlp.reduce_sum %x {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// The loss is the parameter.
vlp.parameter @scalar : tensor<f32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}

// CHECK-LABEL: func.func @identity
// CHECK: %[[S:.*]] = vlp.read
// CHECK-NEXT: %[[ONE:.*]] = vlp.constant dense<1.000000e+00>
// CHECK-NEXT: return %[[S]], %[[ONE]]
func.func @identity() -> tensor<f32> attributes {vlp.differentiate} {
  %s = vlp.read @scalar : tensor<f32>
  return %s : tensor<f32>
}
