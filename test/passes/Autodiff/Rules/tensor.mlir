// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradient rules of tensor ops. A frozen operand gets no op.
// RUN: vlp-opt %s --vlp-autodiff | FileCheck %s

vlp.parameter @p3x5 : tensor<3x5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @p2x3x5 : tensor<2x3x5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @p3x1x5 : tensor<3x1x5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @p4x5 : tensor<4x5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @p2x3 : tensor<2x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @p2x1 : tensor<2x1xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @f2x3 : tensor<2x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
vlp.parameter @p2x4 : tensor<2x4xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @p2x5x3 : tensor<2x5x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @p3 : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @f3 : tensor<3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
vlp.parameter @p7x3 : tensor<7x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}

// CHECK-LABEL: func.func @reshape(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.reshape %[[DY]] {vlp.backward} : (tensor<5x3xf32>) -> tensor<3x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @reshape() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p3x5 : tensor<3x5xf32>
  %y = vlp.reshape %x : (tensor<3x5xf32>) -> tensor<5x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<5x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// The inverse permutation.
// CHECK-LABEL: func.func @transpose(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.transpose %[[DY]] {permutation = array<i64: 1, 2, 0>, vlp.backward} : (tensor<5x2x3xf32>) -> tensor<2x3x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @transpose() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3x5 : tensor<2x3x5xf32>
  %y = vlp.transpose %x {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x5xf32>) -> tensor<5x2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<5x2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// A sum over the repeats, then the extents of 1 again.
// CHECK-LABEL: func.func @broadcast(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.reduce_sum %[[DY]] {axes = array<i64: 0, 2>, vlp.backward} : (tensor<2x3x4x5xf32>) -> tensor<3x5xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.reshape %[[V1]] {vlp.backward} : (tensor<3x5xf32>) -> tensor<3x1x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V2]]
func.func @broadcast() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p3x1x5 : tensor<3x1x5xf32>
  %y = vlp.broadcast %x : (tensor<3x1x5xf32>) -> tensor<2x3x4x5xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2, 3>} : (tensor<2x3x4x5xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @slice(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.pad %[[DY]] {high = array<i64: 1, 1>, low = array<i64: 1, 2>, vlp.backward} : (tensor<2x2xf32>) -> tensor<4x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @slice() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p4x5 : tensor<4x5xf32>
  %y = vlp.slice %x {offsets = array<i64: 1, 2>, sizes = array<i64: 2, 2>} : (tensor<4x5xf32>) -> tensor<2x2xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x2xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @pad(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.slice %[[DY]] {offsets = array<i64: 1, 0>, sizes = array<i64: 2, 3>, vlp.backward} : (tensor<3x5xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @pad() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3 : tensor<2x3xf32>
  %y = vlp.pad %x {low = array<i64: 1, 0>, high = array<i64: 0, 2>} : (tensor<2x3xf32>) -> tensor<3x5xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<3x5xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// One slice for each input that learns.
// CHECK-LABEL: func.func @concat(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.slice %[[DY]] {offsets = array<i64: 0, 0>, sizes = array<i64: 2, 1>, vlp.backward} : (tensor<2x8xf32>) -> tensor<2x1xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.slice %[[DY]] {offsets = array<i64: 0, 4>, sizes = array<i64: 2, 4>, vlp.backward} : (tensor<2x8xf32>) -> tensor<2x4xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]], %[[V2]]
func.func @concat() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p2x1 : tensor<2x1xf32>
  %b = vlp.read @f2x3 : tensor<2x3xf32>
  %c = vlp.read @p2x4 : tensor<2x4xf32>
  %y = vlp.concat %a, %b, %c {axis = 1 : i64} : (tensor<2x1xf32>, tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x8xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x8xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @gather_rows(
// CHECK-SAME: %[[I:.*]]: tensor
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.scatter_rows %[[DY]], %[[I]] {vlp.backward} : (tensor<2x3xf32>, tensor<2xi32>) -> tensor<2x5x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @gather_rows(%i: tensor<2xi32>) -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x5x3 : tensor<2x5x3xf32>
  %y = vlp.gather_rows %x, %i : (tensor<2x5x3xf32>, tensor<2xi32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @scatter_rows(
// CHECK-SAME: %[[I:.*]]: tensor
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.gather_rows %[[DY]], %[[I]] {vlp.backward} : (tensor<2x5x3xf32>, tensor<2xi32>) -> tensor<2x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @scatter_rows(%i: tensor<2xi32>) -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3 : tensor<2x3xf32>
  %y = vlp.scatter_rows %x, %i : (tensor<2x3xf32>, tensor<2xi32>) -> tensor<2x5x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<2x5x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// Broadcast operands sum over the repeats.
// CHECK-LABEL: func.func @add(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.reduce_sum %[[DY]] {axes = array<i64: 0>, vlp.backward} : (tensor<2x3xf32>) -> tensor<3xf32>
// CHECK-NEXT: return %{{.*}}, %[[DY]], %[[V1]]
func.func @add() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p2x3 : tensor<2x3xf32>
  %b = vlp.read @p3 : tensor<3xf32>
  %y = vlp.add %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @add_rhs_frozen(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: return %{{.*}}, %[[DY]]
func.func @add_rhs_frozen() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p2x3 : tensor<2x3xf32>
  %b = vlp.read @f3 : tensor<3xf32>
  %y = vlp.add %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @add_lhs_frozen(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.reduce_sum %[[DY]] {axes = array<i64: 0>, vlp.backward} : (tensor<2x3xf32>) -> tensor<3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @add_lhs_frozen() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @f2x3 : tensor<2x3xf32>
  %b = vlp.read @p3 : tensor<3xf32>
  %y = vlp.add %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @sub(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.reduce_sum %[[DY]] {axes = array<i64: 0>, vlp.backward} : (tensor<2x3xf32>) -> tensor<3xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.neg %[[V1]] {vlp.backward} : (tensor<3xf32>) -> tensor<3xf32>
// CHECK-NEXT: return %{{.*}}, %[[DY]], %[[V2]]
func.func @sub() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p2x3 : tensor<2x3xf32>
  %b = vlp.read @p3 : tensor<3xf32>
  %y = vlp.sub %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @sub_rhs_frozen(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: return %{{.*}}, %[[DY]]
func.func @sub_rhs_frozen() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p2x3 : tensor<2x3xf32>
  %b = vlp.read @f3 : tensor<3xf32>
  %y = vlp.sub %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @sub_lhs_frozen(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.reduce_sum %[[DY]] {axes = array<i64: 0>, vlp.backward} : (tensor<2x3xf32>) -> tensor<3xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.neg %[[V1]] {vlp.backward} : (tensor<3xf32>) -> tensor<3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V2]]
func.func @sub_lhs_frozen() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @f2x3 : tensor<2x3xf32>
  %b = vlp.read @p3 : tensor<3xf32>
  %y = vlp.sub %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @mul(
// CHECK: %[[A:.*]] = vlp.read @p2x3
// CHECK: %[[B:.*]] = vlp.read @p3
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.mul %[[DY]], %[[B]] {vlp.backward} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.mul %[[DY]], %[[A]] {vlp.backward} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %[[V3:.*]] = vlp.reduce_sum %[[V2]] {axes = array<i64: 0>, vlp.backward} : (tensor<2x3xf32>) -> tensor<3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]], %[[V3]]
func.func @mul() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p2x3 : tensor<2x3xf32>
  %b = vlp.read @p3 : tensor<3xf32>
  %y = vlp.mul %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @mul_rhs_frozen(
// CHECK: %[[B:.*]] = vlp.read @f3
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.mul %[[DY]], %[[B]] {vlp.backward} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @mul_rhs_frozen() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p2x3 : tensor<2x3xf32>
  %b = vlp.read @f3 : tensor<3xf32>
  %y = vlp.mul %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @mul_lhs_frozen(
// CHECK: %[[A:.*]] = vlp.read @f2x3
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.mul %[[DY]], %[[A]] {vlp.backward} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.reduce_sum %[[V1]] {axes = array<i64: 0>, vlp.backward} : (tensor<2x3xf32>) -> tensor<3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V2]]
func.func @mul_lhs_frozen() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @f2x3 : tensor<2x3xf32>
  %b = vlp.read @p3 : tensor<3xf32>
  %y = vlp.mul %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @div(
// CHECK: %[[B:.*]] = vlp.read @p3
// CHECK: %[[Y:.*]] = vlp.div
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.div %[[DY]], %[[B]] {vlp.backward} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.mul %[[V1]], %[[Y]] {vlp.backward} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %[[V3:.*]] = vlp.reduce_sum %[[V2]] {axes = array<i64: 0>, vlp.backward} : (tensor<2x3xf32>) -> tensor<3xf32>
// CHECK-NEXT: %[[V4:.*]] = vlp.neg %[[V3]] {vlp.backward} : (tensor<3xf32>) -> tensor<3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]], %[[V4]]
func.func @div() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p2x3 : tensor<2x3xf32>
  %b = vlp.read @p3 : tensor<3xf32>
  %y = vlp.div %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @div_rhs_frozen(
// CHECK: %[[B:.*]] = vlp.read @f3
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.div %[[DY]], %[[B]] {vlp.backward} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @div_rhs_frozen() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p2x3 : tensor<2x3xf32>
  %b = vlp.read @f3 : tensor<3xf32>
  %y = vlp.div %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @div_lhs_frozen(
// CHECK: %[[B:.*]] = vlp.read @p3
// CHECK: %[[Y:.*]] = vlp.div
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.div %[[DY]], %[[B]] {vlp.backward} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.mul %[[V1]], %[[Y]] {vlp.backward} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %[[V3:.*]] = vlp.reduce_sum %[[V2]] {axes = array<i64: 0>, vlp.backward} : (tensor<2x3xf32>) -> tensor<3xf32>
// CHECK-NEXT: %[[V4:.*]] = vlp.neg %[[V3]] {vlp.backward} : (tensor<3xf32>) -> tensor<3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V4]]
func.func @div_lhs_frozen() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @f2x3 : tensor<2x3xf32>
  %b = vlp.read @p3 : tensor<3xf32>
  %y = vlp.div %a, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @neg(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.neg %[[DY]] {vlp.backward} : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @neg() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3 : tensor<2x3xf32>
  %y = vlp.neg %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @exp(
// CHECK: %[[Y:.*]] = vlp.exp
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.mul %[[DY]], %[[Y]] {vlp.backward} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @exp() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3 : tensor<2x3xf32>
  %y = vlp.exp %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @log(
// CHECK: %[[X:.*]] = vlp.read @p2x3
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.div %[[DY]], %[[X]] {vlp.backward} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @log() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3 : tensor<2x3xf32>
  %y = vlp.log %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @tanh(
// CHECK: %[[Y:.*]] = vlp.tanh
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.mul %[[Y]], %[[Y]] : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.constant dense<1.000000e+00> : tensor<f32>
// CHECK-NEXT: %[[V3:.*]] = vlp.sub %[[V2]], %[[V1]] : (tensor<f32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %[[V4:.*]] = vlp.mul %[[DY]], %[[V3]] {vlp.backward} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V4]]
func.func @tanh() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3 : tensor<2x3xf32>
  %y = vlp.tanh %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @sigmoid(
// CHECK: %[[Y:.*]] = vlp.sigmoid
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.constant dense<1.000000e+00> : tensor<f32>
// CHECK-NEXT: %[[V2:.*]] = vlp.sub %[[V1]], %[[Y]] : (tensor<f32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %[[V3:.*]] = vlp.mul %[[Y]], %[[V2]] : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %[[V4:.*]] = vlp.mul %[[DY]], %[[V3]] {vlp.backward} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V4]]
func.func @sigmoid() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3 : tensor<2x3xf32>
  %y = vlp.sigmoid %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @gelu(
// CHECK: %[[X:.*]] = vlp.read @p2x3
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.gelu_grad %[[X]], %[[DY]] {vlp.backward} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @gelu() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3 : tensor<2x3xf32>
  %y = vlp.gelu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @quick_gelu(
// CHECK: %[[X:.*]] = vlp.read @p2x3
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.quick_gelu_grad %[[X]], %[[DY]] {vlp.backward} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @quick_gelu() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3 : tensor<2x3xf32>
  %y = vlp.quick_gelu %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// Back to the type of the operand.
// CHECK-LABEL: func.func @cast(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.cast %[[DY]] {vlp.backward} : (tensor<2x3xf32>) -> tensor<2x3xbf16>
// CHECK-NEXT: %[[V2:.*]] = vlp.cast %[[V1]] {vlp.backward} : (tensor<2x3xbf16>) -> tensor<2x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V2]]
func.func @cast() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3 : tensor<2x3xf32>
  %d = vlp.cast %x : (tensor<2x3xf32>) -> tensor<2x3xbf16>
  %y = vlp.cast %d : (tensor<2x3xbf16>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// The alternative that was not taken gets zeros.
// CHECK-LABEL: func.func @select(
// CHECK-SAME: %[[C:.*]]: tensor
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.constant dense<0.000000e+00> : tensor<3xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.select %[[C]], %[[DY]], %[[V1]] {vlp.backward} : (tensor<i32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
// CHECK-NEXT: %[[V3:.*]] = vlp.select %[[C]], %[[V1]], %[[DY]] {vlp.backward} : (tensor<i32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
// CHECK-NEXT: %[[V4:.*]] = vlp.accumulate %[[V2]], %[[V3]] {vlp.backward} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V4]]
func.func @select(%c: tensor<i32>) -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p3 : tensor<3xf32>
  %b = vlp.read @p3 : tensor<3xf32>
  %y = vlp.select %c, %a, %b : (tensor<i32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @select_rhs_frozen(
// CHECK-SAME: %[[C:.*]]: tensor
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.constant dense<0.000000e+00> : tensor<3xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.select %[[C]], %[[DY]], %[[V1]] {vlp.backward} : (tensor<i32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V2]]
func.func @select_rhs_frozen(%c: tensor<i32>) -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p3 : tensor<3xf32>
  %b = vlp.read @f3 : tensor<3xf32>
  %y = vlp.select %c, %a, %b : (tensor<i32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @reduce_sum(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.reshape %[[DY]] {vlp.backward} : (tensor<3xf32>) -> tensor<1x3x1xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.broadcast %[[V1]] {vlp.backward} : (tensor<1x3x1xf32>) -> tensor<2x3x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V2]]
func.func @reduce_sum() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3x5 : tensor<2x3x5xf32>
  %y = vlp.reduce_sum %x {axes = array<i64: 0, 2>} : (tensor<2x3x5xf32>) -> tensor<3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// Each term gets the cotangent itself.
// CHECK-LABEL: func.func @accumulate(
// CHECK: %[[Z:.*]] = vlp.exp
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.mul %[[DY]], %[[Z]] {vlp.backward} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.accumulate %[[DY]], %[[V1]] {vlp.backward} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V2]]
func.func @accumulate() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p3 : tensor<3xf32>
  %b = vlp.read @f3 : tensor<3xf32>
  %x = vlp.read @p3 : tensor<3xf32>
  %z = vlp.exp %x : (tensor<3xf32>) -> tensor<3xf32>
  %y = vlp.accumulate %a, %b, %z : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// Sums of integers get no gradient.
// CHECK-LABEL: func.func @integers(
// CHECK: %[[J:.*]] = vlp.add
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.embedding_grad %[[DY]], %[[J]] {vlp.backward} : (tensor<2x3xf32>, tensor<2xi32>) -> tensor<7x3xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @integers(%i: tensor<2xi32>) -> tensor<f32> attributes {vlp.differentiate} {
  %t = vlp.read @p7x3 : tensor<7x3xf32>
  %j = vlp.add %i, %i : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  %y = vlp.embedding %t, %j : (tensor<7x3xf32>, tensor<2xi32>) -> tensor<2x3xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
