// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One function a rewrite, and the cases that it leaves alone. Marks and locations stay.
// RUN: vlp-opt %s --vlp-simplify-gradients | FileCheck %s
// RUN: vlp-opt %s --vlp-simplify-gradients -mlir-print-debuginfo -mlir-print-local-scope | FileCheck %s --check-prefix=LOC

// The gradients of query, key and value, in any order: one concat in place of the first of them.
// CHECK-LABEL: func.func @pads_that_tile
// CHECK-SAME: (%[[K:.*]]: tensor<2x3xf32>, %[[Q:.*]]: tensor<2x2xf32>, %[[V:.*]]: tensor<2x4xf32>)
// CHECK-NEXT: %[[C:.*]] = vlp.concat %[[Q]], %[[K]], %[[V]] {axis = 1 : i64, vlp.backward} : (tensor<2x2xf32>, tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x9xf32>
// CHECK-NEXT: return %[[C]]
// LOC-LABEL: func.func @pads_that_tile
// LOC: vlp.concat {{.*}} loc("qkv")
func.func @pads_that_tile(%k: tensor<2x3xf32>, %q: tensor<2x2xf32>, %v: tensor<2x4xf32>) -> tensor<2x9xf32> {
  %0 = vlp.pad %k {low = array<i64: 0, 2>, high = array<i64: 0, 4>, vlp.backward} : (tensor<2x3xf32>) -> tensor<2x9xf32> loc("qkv")
  %1 = vlp.pad %q {low = array<i64: 0, 0>, high = array<i64: 0, 7>, vlp.backward} : (tensor<2x2xf32>) -> tensor<2x9xf32> loc("qkv")
  %2 = vlp.pad %v {low = array<i64: 0, 5>, high = array<i64: 0, 0>, vlp.backward} : (tensor<2x4xf32>) -> tensor<2x9xf32> loc("qkv")
  %3 = vlp.accumulate %0, %1, %2 {vlp.backward} : (tensor<2x9xf32>, tensor<2x9xf32>, tensor<2x9xf32>) -> tensor<2x9xf32> loc("qkv")
  return %3 : tensor<2x9xf32>
}

// Among other terms the order of the sum stays; boxes that leave a rest are padded once.
// CHECK-LABEL: func.func @pads_that_leave_a_rest
// CHECK-SAME: (%[[A:.*]]: tensor<1x3xf32>, %[[B:.*]]: tensor<2x3xf32>, %[[X:.*]]: tensor<5x3xf32>)
// CHECK-NEXT: %[[C:.*]] = vlp.concat %[[A]], %[[B]] {axis = 0 : i64} : (tensor<1x3xf32>, tensor<2x3xf32>) -> tensor<3x3xf32>
// CHECK-NEXT: %[[P:.*]] = vlp.pad %[[C]] {high = array<i64: 1, 0>, low = array<i64: 1, 0>} : (tensor<3x3xf32>) -> tensor<5x3xf32>
// CHECK-NEXT: %[[S:.*]] = vlp.accumulate %[[X]], %[[P]]
// CHECK-NEXT: return %[[S]]
func.func @pads_that_leave_a_rest(%a: tensor<1x3xf32>, %b: tensor<2x3xf32>, %x: tensor<5x3xf32>) -> tensor<5x3xf32> {
  %0 = vlp.pad %a {low = array<i64: 1, 0>, high = array<i64: 3, 0>} : (tensor<1x3xf32>) -> tensor<5x3xf32>
  %1 = vlp.pad %b {low = array<i64: 2, 0>, high = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<5x3xf32>
  %2 = vlp.accumulate %x, %0, %1 : (tensor<5x3xf32>, tensor<5x3xf32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  return %2 : tensor<5x3xf32>
}

// Boxes that overlap, boxes along different dimensions, and a padded value with another user stay.
// CHECK-LABEL: func.func @pads_that_stay
// CHECK-NOT: vlp.concat
// CHECK: return
func.func @pads_that_stay(%a: tensor<2x2xf32>, %b: tensor<1x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) {
  %left = vlp.pad %a {low = array<i64: 0, 0>, high = array<i64: 0, 2>} : (tensor<2x2xf32>) -> tensor<2x4xf32>
  %middle = vlp.pad %a {low = array<i64: 0, 1>, high = array<i64: 0, 1>} : (tensor<2x2xf32>) -> tensor<2x4xf32>
  %overlap = vlp.accumulate %left, %middle : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %left2 = vlp.pad %a {low = array<i64: 0, 0>, high = array<i64: 0, 2>} : (tensor<2x2xf32>) -> tensor<2x4xf32>
  %top = vlp.pad %b {low = array<i64: 0, 0>, high = array<i64: 1, 0>} : (tensor<1x4xf32>) -> tensor<2x4xf32>
  %crossed = vlp.accumulate %left2, %top : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %left3 = vlp.pad %a {low = array<i64: 0, 0>, high = array<i64: 0, 2>} : (tensor<2x2xf32>) -> tensor<2x4xf32>
  %right3 = vlp.pad %a {low = array<i64: 0, 2>, high = array<i64: 0, 0>} : (tensor<2x2xf32>) -> tensor<2x4xf32>
  %used = vlp.accumulate %left3, %right3 : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %overlap, %crossed, %used, %left3 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
}

// CHECK-LABEL: func.func @zeros
// CHECK-SAME: (%[[X:.*]]: tensor<2xf32>)
// CHECK-NEXT: return %[[X]], %[[X]], %[[X]]
func.func @zeros(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %zero = vlp.constant dense<0.0> : tensor<2xf32>
  %small = vlp.constant dense<0.0> : tensor<1xf32>
  %padded = vlp.pad %small {low = array<i64: 0>, high = array<i64: 1>} : (tensor<1xf32>) -> tensor<2xf32>
  %negated = vlp.neg %zero : (tensor<2xf32>) -> tensor<2xf32>
  %a = vlp.accumulate %zero, %x, %padded, %negated : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %b = vlp.add %small, %x : (tensor<1xf32>, tensor<2xf32>) -> tensor<2xf32>
  %c = vlp.sub %x, %zero : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %a, %b, %c : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// A neutral element that is broadcast to more than the other operand must stay; so must 0 - x and 1 / x, and a pad of ones.
// CHECK-LABEL: func.func @neutral_elements_that_stay
// CHECK: vlp.add
// CHECK: vlp.mul
// CHECK: vlp.sub
// CHECK: vlp.div
// CHECK: vlp.pad
func.func @neutral_elements_that_stay(%x: tensor<1xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<3xf32>) {
  %zeros = vlp.constant dense<0.0> : tensor<2xf32>
  %ones = vlp.constant dense<1.0> : tensor<2xf32>
  %zero = vlp.constant dense<0.0> : tensor<1xf32>
  %one = vlp.constant dense<1.0> : tensor<1xf32>
  %a = vlp.add %x, %zeros : (tensor<1xf32>, tensor<2xf32>) -> tensor<2xf32>
  %b = vlp.mul %x, %ones : (tensor<1xf32>, tensor<2xf32>) -> tensor<2xf32>
  %c = vlp.sub %zero, %x : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
  %d = vlp.div %one, %x : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
  %e = vlp.pad %one {low = array<i64: 1>, high = array<i64: 1>} : (tensor<1xf32>) -> tensor<3xf32>
  return %a, %b, %c, %d, %e : tensor<2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<3xf32>
}

// The seed of a mean over rows becomes one constant.
// CHECK-LABEL: func.func @seed
// CHECK-NEXT: %[[C:.*]] = vlp.constant dense<-5.000000e-01> : tensor<4xf32> {vlp.backward}
// CHECK-NEXT: return %[[C]]
func.func @seed() -> tensor<4xf32> {
  %one = vlp.constant dense<1.0> : tensor<f32> {vlp.backward}
  %scale = vlp.constant dense<0.25> : tensor<f32>
  %0 = vlp.mul %one, %scale {vlp.backward} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %half = vlp.constant dense<0.5> : tensor<f32>
  %quotient = vlp.div %0, %half {vlp.backward} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %1 = vlp.reshape %quotient {vlp.backward} : (tensor<f32>) -> tensor<1xf32>
  %2 = vlp.broadcast %1 {vlp.backward} : (tensor<1xf32>) -> tensor<4xf32>
  %3 = vlp.neg %2 {vlp.backward} : (tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// CHECK-LABEL: func.func @ones_and_signs
// CHECK-SAME: (%[[X:.*]]: tensor<2xf32>)
// CHECK-NEXT: return %[[X]], %[[X]], %[[X]], %[[X]]
func.func @ones_and_signs(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %one = vlp.constant dense<1.0> : tensor<f32>
  %a = vlp.mul %one, %x : (tensor<f32>, tensor<2xf32>) -> tensor<2xf32>
  %b = vlp.div %x, %one : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %n = vlp.neg %x : (tensor<2xf32>) -> tensor<2xf32>
  %c = vlp.neg %n : (tensor<2xf32>) -> tensor<2xf32>
  %d = vlp.accumulate %x : (tensor<2xf32>) -> tensor<2xf32>
  return %a, %b, %c, %d : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// CHECK-LABEL: func.func @reshapes
// CHECK-SAME: (%[[X:.*]]: tensor<2x6xf32>)
// CHECK-NEXT: %[[R:.*]] = vlp.reshape %[[X]] : (tensor<2x6xf32>) -> tensor<4x3xf32>
// CHECK-NEXT: return %[[X]], %[[R]]
func.func @reshapes(%x: tensor<2x6xf32>) -> (tensor<2x6xf32>, tensor<4x3xf32>) {
  %0 = vlp.reshape %x : (tensor<2x6xf32>) -> tensor<12xf32>
  %1 = vlp.reshape %0 : (tensor<12xf32>) -> tensor<2x6xf32>
  %2 = vlp.reshape %0 : (tensor<12xf32>) -> tensor<4x3xf32>
  return %1, %2 : tensor<2x6xf32>, tensor<4x3xf32>
}

// CHECK-LABEL: func.func @transposes
// CHECK-SAME: (%[[A:.*]]: tensor<5x3xf32>, %[[B:.*]]: tensor<4x5xf32>, %[[C:.*]]: tensor<2x3x5xf32>)
// CHECK-NEXT: %[[AB:.*]] = vlp.matmul %[[A]], %[[B]] {transpose_lhs, transpose_rhs, vlp.backward} : (tensor<5x3xf32>, tensor<4x5xf32>) -> tensor<3x4xf32>
// CHECK-NEXT: %[[BA:.*]] = vlp.matmul %[[B]], %[[A]] {vlp.backward} : (tensor<4x5xf32>, tensor<5x3xf32>) -> tensor<4x3xf32>
// CHECK-NEXT: %[[CB:.*]] = vlp.matmul %[[C]], %[[B]] {transpose_rhs}
// CHECK-NEXT: return %[[AB]], %[[BA]], %[[CB]]
func.func @transposes(%a: tensor<5x3xf32>, %b: tensor<4x5xf32>, %c: tensor<2x3x5xf32>) -> (tensor<3x4xf32>, tensor<4x3xf32>, tensor<2x3x4xf32>) {
  %at = vlp.transpose %a {permutation = array<i64: 1, 0>} : (tensor<5x3xf32>) -> tensor<3x5xf32>
  %bt = vlp.transpose %b {permutation = array<i64: 1, 0>} : (tensor<4x5xf32>) -> tensor<5x4xf32>
  %ab = vlp.matmul %at, %bt {vlp.backward} : (tensor<3x5xf32>, tensor<5x4xf32>) -> tensor<3x4xf32>
  %ab2 = vlp.matmul %a, %b {transpose_lhs, transpose_rhs, vlp.backward} : (tensor<5x3xf32>, tensor<4x5xf32>) -> tensor<3x4xf32>
  %ba = vlp.transpose %ab2 {permutation = array<i64: 1, 0>, vlp.backward} : (tensor<3x4xf32>) -> tensor<4x3xf32>
  %cb = vlp.matmul %c, %bt : (tensor<2x3x5xf32>, tensor<5x4xf32>) -> tensor<2x3x4xf32>
  return %ab, %ba, %cb : tensor<3x4xf32>, tensor<4x3xf32>, tensor<2x3x4xf32>
}

// A product with another user is not computed twice; a transpose of more than a matrix is no flag.
// CHECK-LABEL: func.func @transposes_that_stay
// CHECK: vlp.matmul
// CHECK: vlp.transpose
// CHECK: vlp.transpose
// CHECK: vlp.matmul
func.func @transposes_that_stay(%a: tensor<3x5xf32>, %b: tensor<5x4xf32>, %c: tensor<3x2x5xf32>) -> (tensor<3x4xf32>, tensor<4x3xf32>, tensor<2x3x4xf32>) {
  %ab = vlp.matmul %a, %b : (tensor<3x5xf32>, tensor<5x4xf32>) -> tensor<3x4xf32>
  %ba = vlp.transpose %ab {permutation = array<i64: 1, 0>} : (tensor<3x4xf32>) -> tensor<4x3xf32>
  %ct = vlp.transpose %c {permutation = array<i64: 1, 0, 2>} : (tensor<3x2x5xf32>) -> tensor<2x3x5xf32>
  %cb = vlp.matmul %ct, %b : (tensor<2x3x5xf32>, tensor<5x4xf32>) -> tensor<2x3x4xf32>
  return %ab, %ba, %cb : tensor<3x4xf32>, tensor<4x3xf32>, tensor<2x3x4xf32>
}

// Elementwise ops broadcast by themselves, unless both operands are smaller than the result.
// CHECK-LABEL: func.func @broadcasts
// CHECK-SAME: (%[[X:.*]]: tensor<3xf32>, %[[Y:.*]]: tensor<2x3xf32>)
// CHECK-NEXT: %[[B:.*]] = vlp.broadcast %[[X]]
// CHECK-NEXT: %[[A:.*]] = vlp.mul %[[X]], %[[Y]] : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %[[C:.*]] = vlp.mul %[[B]], %[[X]]
// CHECK-NEXT: return %[[A]], %[[C]]
func.func @broadcasts(%x: tensor<3xf32>, %y: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %b = vlp.broadcast %x : (tensor<3xf32>) -> tensor<2x3xf32>
  %0 = vlp.mul %b, %y : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = vlp.mul %b, %x : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %0, %1 : tensor<2x3xf32>, tensor<2x3xf32>
}
