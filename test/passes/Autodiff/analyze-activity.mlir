// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the gradient passes through: depends on a trainable parameter, and the loss depends on it.
// RUN: vlp-opt %s --vlp-analyze-activity -verify-diagnostics | FileCheck %s

// The analysis changes nothing.
// CHECK: vlp.differentiate
// CHECK-NOT: vlp.backward

vlp.parameter @w : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @frozen : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
vlp.parameter @aside : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @stopped : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @ranked : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @table : tensor<7x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @unread : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}

// expected-remark @below {{the gradient passes through 5 ops and reaches 2 of 6 parameters}}
func.func @step(%x: tensor<3xf32>) -> (tensor<f32>, tensor<3xf32>) attributes {vlp.differentiate} {
  %w = vlp.read @w : tensor<3xf32>
  // expected-remark @below {{parameter 'frozen' gets no gradient: it is frozen}}
  %f = vlp.read @frozen : tensor<3xf32>
  // expected-remark @below {{parameter 'aside' gets no gradient: the loss does not depend on it}}
  %a = vlp.read @aside : tensor<3xf32>
  // expected-remark @below {{parameter 'stopped' gets no gradient: the loss does not depend on it}}
  %s = vlp.read @stopped : tensor<3xf32>
  // expected-remark @below {{parameter 'ranked' gets no gradient: the loss does not depend on it}}
  %r = vlp.read @ranked : tensor<3xf32>
  %t = vlp.read @table : tensor<7x3xf32>
  %fx = vlp.mul %x, %f : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  // expected-remark @below {{'vlp.mul' is active}}
  %wx = vlp.mul %fx, %w : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %unused = vlp.mul %wx, %a : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %stop = vlp.stop_gradient %s : (tensor<3xf32>) -> tensor<3xf32>
  // expected-remark @below {{'vlp.add' is active}}
  %sum = vlp.add %wx, %stop : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %i = vlp.argmax %r : (tensor<3xf32>) -> tensor<i32>
  // expected-remark @below {{'vlp.embedding' is active}}
  %e = vlp.embedding %t, %i : (tensor<7x3xf32>, tensor<i32>) -> tensor<3xf32>
  // expected-remark @below {{'vlp.mul' is active}}
  %y = vlp.mul %sum, %e : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  // expected-remark @below {{'vlp.reduce_sum' is active}}
  %loss = vlp.reduce_sum %y {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
  return %loss, %unused : tensor<f32>, tensor<3xf32>
}

// A function without the attribute is left alone.
func.func @features(%x: tensor<3xf32>) -> tensor<3xf32> {
  %w = vlp.read @w : tensor<3xf32>
  %y = vlp.mul %x, %w : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}
