// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What cannot be differentiated is reported, all at once, with the parameters that it cuts off.
// RUN: vlp-opt %s --vlp-autodiff -verify-diagnostics -split-input-file

vlp.parameter @a : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @b : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @c : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @d : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @bound : tensor<f32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}

func.func @missing_rules() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @a : tensor<3xf32>
  %b = vlp.read @b : tensor<3xf32>
  %c = vlp.read @c : tensor<3xf32>
  %d = vlp.read @d : tensor<3xf32>
  %lo = vlp.read @bound : tensor<f32>
  // expected-error @below {{'vlp.clamp' op has no gradient, but the loss depends on it}}
  // expected-note @below {{it carries the gradient of parameter 'a'}}
  // expected-note @below {{mark the input with 'vlp.stop_gradient' if this is intended}}
  %x = vlp.clamp %a, %lo, %lo : (tensor<3xf32>, tensor<f32>, tensor<f32>) -> tensor<3xf32>
  %bc = vlp.add %b, %c : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %bcd = vlp.add %bc, %d : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %xbcd = vlp.add %x, %bcd : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  // expected-error @below {{'vlp.softmax_grad' op has no gradient, but the loss depends on it}}
  // expected-note @below {{it carries the gradient of parameters 'a', 'b', 'c' and 1 more}}
  // expected-note @below {{mark the input with 'vlp.stop_gradient' if this is intended}}
  %y = vlp.softmax_grad %xbcd, %bcd : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  // Not on a path from a parameter to the loss: no matter.
  %z = vlp.clamp %b, %lo, %lo : (tensor<3xf32>, tensor<f32>, tensor<f32>) -> tensor<3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// The layer's name stands in the note.
vlp.parameter @w : tensor<f32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
func.func @layer() -> tensor<f32> attributes {vlp.differentiate} {
  %w = vlp.read @w : tensor<f32>
  // expected-error @unknown {{'vlp.global_norm' op has no gradient, but the loss depends on it}}
  // expected-note @unknown {{it carries the gradient of parameter 'w'}}
  // expected-note @unknown {{from layer 'visual.block3'; mark the input with 'vlp.stop_gradient' if this is intended}}
  %y = vlp.global_norm %w : (tensor<f32>) -> tensor<f32> loc("visual.block3")
  return %y : tensor<f32>
}

// -----

vlp.parameter @w : tensor<f32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
func.func private @callee(%x: tensor<f32>) -> tensor<f32> {
  return %x : tensor<f32>
}
func.func @call() -> tensor<f32> attributes {vlp.differentiate} {
  %w = vlp.read @w : tensor<f32>
  // expected-error @below {{'func.call' op has no gradient, but the loss depends on it}}
  // expected-note @below {{it carries the gradient of parameter 'w'}}
  // expected-note @below {{differentiation works within one function: expected the callee's ops in place of the call}}
  %y = call @callee(%w) : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

// Statistics results are for the backward op only.
vlp.parameter @x : tensor<2x4xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @g : tensor<4xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
func.func @statistics() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @x : tensor<2x4xf32>
  %g = vlp.read @g : tensor<4xf32>
  // expected-error @below {{'vlp.layer_norm' op is not differentiable through result #1, a statistic for its own gradient: expected the loss to depend on result #0 only}}
  // expected-error @below {{'vlp.layer_norm' op is not differentiable through result #2}}
  %y, %mean, %rstd = vlp.layer_norm %x, %g, %g {eps = 1.0e-5 : f64} : (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2xf32>, tensor<2xf32>)
  // expected-error @below {{'vlp.l2_normalize' op is not differentiable through result #1}}
  %z, %norm = vlp.l2_normalize %x {eps = 0.0 : f64} : (tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2xf32>)
  %i = vlp.constant dense<0> : tensor<2xi32>
  // expected-error @below {{'vlp.cross_entropy' op is not differentiable through result #1}}
  %ce, %lse = vlp.cross_entropy %x, %i {ignore_index = -100 : i64, smoothing = 0.0 : f64} : (tensor<2x4xf32>, tensor<2xi32>) -> (tensor<2xf32>, tensor<2xf32>)
  %x3 = vlp.reshape %x : (tensor<2x4xf32>) -> tensor<1x2x4xf32>
  // expected-error @below {{'vlp.attention' op is not differentiable through result #1}}
  %a, %l = vlp.attention %x3, %x3, %x3 {heads = 1 : i64, scale = 1.0 : f64} : (tensor<1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x1x2xf32>)
  %l2 = vlp.reshape %l : (tensor<1x1x2xf32>) -> tensor<2xf32>
  %s = vlp.accumulate %mean, %rstd, %norm, %lse, %l2 : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %loss = vlp.reduce_sum %s {axes = array<i64: 0>} : (tensor<2xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// expected-error @below {{'vector' cannot be differentiated: expected the loss, a tensor<f32>, as result #0, got 'tensor<3xf32>'; reduce it with vlp.reduce_sum}}
func.func @vector(%x: tensor<3xf32>) -> tensor<3xf32> attributes {vlp.differentiate} {
  return %x : tensor<3xf32>
}

// -----

// expected-error @below {{'integer' cannot be differentiated: expected the loss, a tensor<f32>, as result #0, got 'tensor<i32>'}}
func.func @integer(%x: tensor<i32>) -> tensor<i32> attributes {vlp.differentiate} {
  return %x : tensor<i32>
}

// -----

// expected-error @below {{'nothing' cannot be differentiated: expected the loss, a tensor<f32>, as result #0, got no results}}
func.func @nothing() attributes {vlp.differentiate} {
  return
}

// -----

// expected-error @below {{'declared' cannot be differentiated: expected one block, got 0}}
func.func private @declared() -> tensor<f32> attributes {vlp.differentiate}

// -----

// expected-error @below {{'helper' cannot be differentiated: expected an entry, got a function with users}}
func.func @helper(%x: tensor<f32>) -> tensor<f32> attributes {vlp.differentiate} {
  return %x : tensor<f32>
}
func.func @caller(%x: tensor<f32>) -> tensor<f32> {
  // expected-note @below {{used here}}
  %y = call @helper(%x) : (tensor<f32>) -> tensor<f32>
  return %y : tensor<f32>
}

// -----

// Integers cannot be parameters in the first place.
// expected-error @below {{'vlp.parameter' op attribute 'type' failed to satisfy constraint: type attribute of statically shaped float tensor}}
vlp.parameter @ids : tensor<3xi32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>, trainable}
