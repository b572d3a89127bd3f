// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradient rules of matrix products. A frozen operand gets no op.
// RUN: vlp-opt %s --vlp-autodiff | FileCheck %s

vlp.parameter @p2x3x5 : tensor<2x3x5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @p4x5 : tensor<4x5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @p4 : tensor<4xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @f4x5 : tensor<4x5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
vlp.parameter @f4 : tensor<4xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
vlp.parameter @f2x3x5 : tensor<2x3x5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
vlp.parameter @p5 : tensor<5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @p3x5 : tensor<3x5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @p5x4 : tensor<5x4xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @p5x3 : tensor<5x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @f5x4 : tensor<5x4xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
vlp.parameter @p5x3x2x2 : tensor<5x3x2x2xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @p2x3x4x6 : tensor<2x3x4x6xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}
vlp.parameter @f5x3x2x2 : tensor<5x3x2x2xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
vlp.parameter @f5 : tensor<5xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
vlp.parameter @p2x6x12 : tensor<2x6x12xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable}

// dX keeps the leading dimensions, dW contracts all rows at once.
// CHECK-LABEL: func.func @linear(
// CHECK: %[[X:.*]] = vlp.read @p2x3x5
// CHECK: %[[W:.*]] = vlp.read @p4x5
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.matmul %[[DY]], %[[W]] {vlp.backward} : (tensor<2x3x4xf32>, tensor<4x5xf32>) -> tensor<2x3x5xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.reshape %[[DY]] {vlp.backward} : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
// CHECK-NEXT: %[[V3:.*]] = vlp.reshape %[[X]] : (tensor<2x3x5xf32>) -> tensor<6x5xf32>
// CHECK-NEXT: %[[V4:.*]] = vlp.matmul %[[V2]], %[[V3]] {transpose_lhs, vlp.backward} : (tensor<6x4xf32>, tensor<6x5xf32>) -> tensor<4x5xf32>
// CHECK-NEXT: %[[V5:.*]] = vlp.reduce_sum %[[DY]] {axes = array<i64: 0, 1>, vlp.backward} : (tensor<2x3x4xf32>) -> tensor<4xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]], %[[V4]], %[[V5]]
func.func @linear() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3x5 : tensor<2x3x5xf32>
  %w = vlp.read @p4x5 : tensor<4x5xf32>
  %b = vlp.read @p4 : tensor<4xf32>
  %y = vlp.linear %x, %w, %b : (tensor<2x3x5xf32>, tensor<4x5xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<2x3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// The first layer has no input gradient.
// CHECK-LABEL: func.func @linear_of_data(
// CHECK-SAME: %[[X:.*]]: tensor
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.reshape %[[DY]] {vlp.backward} : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.reshape %[[X]] : (tensor<2x3x5xf32>) -> tensor<6x5xf32>
// CHECK-NEXT: %[[V3:.*]] = vlp.matmul %[[V1]], %[[V2]] {transpose_lhs, vlp.backward} : (tensor<6x4xf32>, tensor<6x5xf32>) -> tensor<4x5xf32>
// CHECK-NEXT: %[[V4:.*]] = vlp.reduce_sum %[[DY]] {axes = array<i64: 0, 1>, vlp.backward} : (tensor<2x3x4xf32>) -> tensor<4xf32>
// CHECK-NEXT: return %{{.*}}, %[[V3]], %[[V4]]
func.func @linear_of_data(%x: tensor<2x3x5xf32>) -> tensor<f32> attributes {vlp.differentiate} {
  %w = vlp.read @p4x5 : tensor<4x5xf32>
  %b = vlp.read @p4 : tensor<4xf32>
  %y = vlp.linear %x, %w, %b : (tensor<2x3x5xf32>, tensor<4x5xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<2x3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// A frozen layer passes the gradient on, and no more.
// CHECK-LABEL: func.func @linear_frozen(
// CHECK: %[[W:.*]] = vlp.read @f4x5
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.matmul %[[DY]], %[[W]] {vlp.backward} : (tensor<2x3x4xf32>, tensor<4x5xf32>) -> tensor<2x3x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @linear_frozen() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3x5 : tensor<2x3x5xf32>
  %w = vlp.read @f4x5 : tensor<4x5xf32>
  %b = vlp.read @f4 : tensor<4xf32>
  %y = vlp.linear %x, %w, %b : (tensor<2x3x5xf32>, tensor<4x5xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<2x3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @linear_bias_only(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.reduce_sum %[[DY]] {axes = array<i64: 0, 1>, vlp.backward} : (tensor<2x3x4xf32>) -> tensor<4xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @linear_bias_only() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @f2x3x5 : tensor<2x3x5xf32>
  %w = vlp.read @f4x5 : tensor<4x5xf32>
  %b = vlp.read @p4 : tensor<4xf32>
  %y = vlp.linear %x, %w, %b : (tensor<2x3x5xf32>, tensor<4x5xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<2x3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @linear_without_bias(
// CHECK: %[[X:.*]] = vlp.read @p2x3x5
// CHECK: %[[W:.*]] = vlp.read @p4x5
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.matmul %[[DY]], %[[W]] {vlp.backward} : (tensor<2x3x4xf32>, tensor<4x5xf32>) -> tensor<2x3x5xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.reshape %[[DY]] {vlp.backward} : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
// CHECK-NEXT: %[[V3:.*]] = vlp.reshape %[[X]] : (tensor<2x3x5xf32>) -> tensor<6x5xf32>
// CHECK-NEXT: %[[V4:.*]] = vlp.matmul %[[V2]], %[[V3]] {transpose_lhs, vlp.backward} : (tensor<6x4xf32>, tensor<6x5xf32>) -> tensor<4x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]], %[[V4]]
func.func @linear_without_bias() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3x5 : tensor<2x3x5xf32>
  %w = vlp.read @p4x5 : tensor<4x5xf32>
  %y = vlp.linear %x, %w : (tensor<2x3x5xf32>, tensor<4x5xf32>) -> tensor<2x3x4xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<2x3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @linear_of_a_vector(
// CHECK: %[[X:.*]] = vlp.read @p5
// CHECK: %[[W:.*]] = vlp.read @p4x5
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.reshape %[[DY]] {vlp.backward} : (tensor<4xf32>) -> tensor<1x4xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.matmul %[[V1]], %[[W]] {vlp.backward} : (tensor<1x4xf32>, tensor<4x5xf32>) -> tensor<1x5xf32>
// CHECK-NEXT: %[[V3:.*]] = vlp.reshape %[[V2]] {vlp.backward} : (tensor<1x5xf32>) -> tensor<5xf32>
// CHECK-NEXT: %[[V4:.*]] = vlp.reshape %[[DY]] {vlp.backward} : (tensor<4xf32>) -> tensor<1x4xf32>
// CHECK-NEXT: %[[V5:.*]] = vlp.reshape %[[X]] : (tensor<5xf32>) -> tensor<1x5xf32>
// CHECK-NEXT: %[[V6:.*]] = vlp.matmul %[[V4]], %[[V5]] {transpose_lhs, vlp.backward} : (tensor<1x4xf32>, tensor<1x5xf32>) -> tensor<4x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V6]], %[[DY]], %[[V3]]
func.func @linear_of_a_vector() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p5 : tensor<5xf32>
  %w = vlp.read @p4x5 : tensor<4x5xf32>
  %b = vlp.read @p4 : tensor<4xf32>
  %y = vlp.linear %x, %w, %b : (tensor<5xf32>, tensor<4x5xf32>, tensor<4xf32>) -> tensor<4xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0>} : (tensor<4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @matmul(
// CHECK: %[[A:.*]] = vlp.read @p3x5
// CHECK: %[[B:.*]] = vlp.read @p5x4
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.matmul %[[DY]], %[[B]] {transpose_rhs, vlp.backward} : (tensor<3x4xf32>, tensor<5x4xf32>) -> tensor<3x5xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.matmul %[[A]], %[[DY]] {transpose_lhs, vlp.backward} : (tensor<3x5xf32>, tensor<3x4xf32>) -> tensor<5x4xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]], %[[V2]]
func.func @matmul() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p3x5 : tensor<3x5xf32>
  %b = vlp.read @p5x4 : tensor<5x4xf32>
  %y = vlp.matmul %a, %b : (tensor<3x5xf32>, tensor<5x4xf32>) -> tensor<3x4xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @matmul_tr(
// CHECK: %[[A:.*]] = vlp.read @p3x5
// CHECK: %[[B:.*]] = vlp.read @p4x5
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.matmul %[[DY]], %[[B]] {vlp.backward} : (tensor<3x4xf32>, tensor<4x5xf32>) -> tensor<3x5xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.matmul %[[DY]], %[[A]] {transpose_lhs, vlp.backward} : (tensor<3x4xf32>, tensor<3x5xf32>) -> tensor<4x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V2]], %[[V1]]
func.func @matmul_tr() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p3x5 : tensor<3x5xf32>
  %b = vlp.read @p4x5 : tensor<4x5xf32>
  %y = vlp.matmul %a, %b {transpose_rhs} : (tensor<3x5xf32>, tensor<4x5xf32>) -> tensor<3x4xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @matmul_tl(
// CHECK: %[[A:.*]] = vlp.read @p5x3
// CHECK: %[[B:.*]] = vlp.read @p5x4
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.matmul %[[B]], %[[DY]] {transpose_rhs, vlp.backward} : (tensor<5x4xf32>, tensor<3x4xf32>) -> tensor<5x3xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.matmul %[[A]], %[[DY]] {vlp.backward} : (tensor<5x3xf32>, tensor<3x4xf32>) -> tensor<5x4xf32>
// CHECK-NEXT: return %{{.*}}, %[[V2]], %[[V1]]
func.func @matmul_tl() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p5x3 : tensor<5x3xf32>
  %b = vlp.read @p5x4 : tensor<5x4xf32>
  %y = vlp.matmul %a, %b {transpose_lhs} : (tensor<5x3xf32>, tensor<5x4xf32>) -> tensor<3x4xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @matmul_tl_tr(
// CHECK: %[[A:.*]] = vlp.read @p5x3
// CHECK: %[[B:.*]] = vlp.read @p4x5
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.matmul %[[B]], %[[DY]] {transpose_lhs, transpose_rhs, vlp.backward} : (tensor<4x5xf32>, tensor<3x4xf32>) -> tensor<5x3xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.matmul %[[DY]], %[[A]] {transpose_lhs, transpose_rhs, vlp.backward} : (tensor<3x4xf32>, tensor<5x3xf32>) -> tensor<4x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V2]], %[[V1]]
func.func @matmul_tl_tr() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p5x3 : tensor<5x3xf32>
  %b = vlp.read @p4x5 : tensor<4x5xf32>
  %y = vlp.matmul %a, %b {transpose_lhs, transpose_rhs} : (tensor<5x3xf32>, tensor<4x5xf32>) -> tensor<3x4xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @matmul_rows(
// CHECK: %[[A:.*]] = vlp.read @p2x3x5
// CHECK: %[[B:.*]] = vlp.read @p5x4
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.matmul %[[DY]], %[[B]] {transpose_rhs, vlp.backward} : (tensor<2x3x4xf32>, tensor<5x4xf32>) -> tensor<2x3x5xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.reshape %[[A]] : (tensor<2x3x5xf32>) -> tensor<6x5xf32>
// CHECK-NEXT: %[[V3:.*]] = vlp.reshape %[[DY]] {vlp.backward} : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
// CHECK-NEXT: %[[V4:.*]] = vlp.matmul %[[V2]], %[[V3]] {transpose_lhs, vlp.backward} : (tensor<6x5xf32>, tensor<6x4xf32>) -> tensor<5x4xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]], %[[V4]]
func.func @matmul_rows() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p2x3x5 : tensor<2x3x5xf32>
  %b = vlp.read @p5x4 : tensor<5x4xf32>
  %y = vlp.matmul %a, %b : (tensor<2x3x5xf32>, tensor<5x4xf32>) -> tensor<2x3x4xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<2x3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @matmul_rhs_frozen(
// CHECK: %[[B:.*]] = vlp.read @f5x4
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.matmul %[[DY]], %[[B]] {transpose_rhs, vlp.backward} : (tensor<2x3x4xf32>, tensor<5x4xf32>) -> tensor<2x3x5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @matmul_rhs_frozen() -> tensor<f32> attributes {vlp.differentiate} {
  %a = vlp.read @p2x3x5 : tensor<2x3x5xf32>
  %b = vlp.read @f5x4 : tensor<5x4xf32>
  %y = vlp.matmul %a, %b : (tensor<2x3x5xf32>, tensor<5x4xf32>) -> tensor<2x3x4xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<2x3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// Images are data: no unpatchify. The patchify depends on no cotangent, so a forward one can serve.
// CHECK-LABEL: func.func @patch_embed(
// CHECK-SAME: %[[X:.*]]: tensor
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.patchify %[[X]] {patch = 2 : i64} : (tensor<2x3x4x6xf32>) -> tensor<2x6x12xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.reshape %[[DY]] {vlp.backward} : (tensor<2x6x5xf32>) -> tensor<12x5xf32>
// CHECK-NEXT: %[[V3:.*]] = vlp.reshape %[[V1]] : (tensor<2x6x12xf32>) -> tensor<12x12xf32>
// CHECK-NEXT: %[[V4:.*]] = vlp.matmul %[[V2]], %[[V3]] {transpose_lhs, vlp.backward} : (tensor<12x5xf32>, tensor<12x12xf32>) -> tensor<5x12xf32>
// CHECK-NEXT: %[[V5:.*]] = vlp.reshape %[[V4]] {vlp.backward} : (tensor<5x12xf32>) -> tensor<5x3x2x2xf32>
// CHECK-NEXT: %[[V6:.*]] = vlp.reduce_sum %[[DY]] {axes = array<i64: 0, 1>, vlp.backward} : (tensor<2x6x5xf32>) -> tensor<5xf32>
// CHECK-NEXT: return %{{.*}}, %[[V6]], %[[V5]]
func.func @patch_embed(%x: tensor<2x3x4x6xf32>) -> tensor<f32> attributes {vlp.differentiate} {
  %w = vlp.read @p5x3x2x2 : tensor<5x3x2x2xf32>
  %b = vlp.read @p5 : tensor<5xf32>
  %y = vlp.patch_embed %x, %w, %b : (tensor<2x3x4x6xf32>, tensor<5x3x2x2xf32>, tensor<5xf32>) -> tensor<2x6x5xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<2x6x5xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @patch_embed_image(
// CHECK: %[[W:.*]] = vlp.read @f5x3x2x2
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.reshape %[[W]] : (tensor<5x3x2x2xf32>) -> tensor<5x12xf32>
// CHECK-NEXT: %[[V2:.*]] = vlp.matmul %[[DY]], %[[V1]] {vlp.backward} : (tensor<2x6x5xf32>, tensor<5x12xf32>) -> tensor<2x6x12xf32>
// CHECK-NEXT: %[[V3:.*]] = vlp.unpatchify %[[V2]] {patch = 2 : i64, vlp.backward} : (tensor<2x6x12xf32>) -> tensor<2x3x4x6xf32>
// CHECK-NEXT: return %{{.*}}, %[[V3]]
func.func @patch_embed_image() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3x4x6 : tensor<2x3x4x6xf32>
  %w = vlp.read @f5x3x2x2 : tensor<5x3x2x2xf32>
  %b = vlp.read @f5 : tensor<5xf32>
  %y = vlp.patch_embed %x, %w, %b : (tensor<2x3x4x6xf32>, tensor<5x3x2x2xf32>, tensor<5xf32>) -> tensor<2x6x5xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<2x6x5xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @patchify(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.unpatchify %[[DY]] {patch = 2 : i64, vlp.backward} : (tensor<2x6x12xf32>) -> tensor<2x3x4x6xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @patchify() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3x4x6 : tensor<2x3x4x6xf32>
  %y = vlp.patchify %x {patch = 2 : i64} : (tensor<2x3x4x6xf32>) -> tensor<2x6x12xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<2x6x12xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @unpatchify(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[V1:.*]] = vlp.patchify %[[DY]] {patch = 2 : i64, vlp.backward} : (tensor<2x3x4x6xf32>) -> tensor<2x6x12xf32>
// CHECK-NEXT: return %{{.*}}, %[[V1]]
func.func @unpatchify() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x6x12 : tensor<2x6x12xf32>
  %y = vlp.unpatchify %x {patch = 2 : i64} : (tensor<2x6x12xf32>) -> tensor<2x3x4x6xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2, 3>} : (tensor<2x3x4x6xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// Narrow operands: the gradient of an f32 result is rounded once for both products; that of an f32 bias is not.
// CHECK-LABEL: func.func @narrow_linear(
// CHECK: %[[XB:.*]] = vlp.cast
// CHECK: %[[WB:.*]] = vlp.cast
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[DYB:.*]] = vlp.cast %[[DY]] {vlp.backward} : (tensor<2x3x4xf32>) -> tensor<2x3x4xbf16>
// CHECK-NEXT: vlp.matmul %[[DYB]], %[[WB]] {vlp.backward} : (tensor<2x3x4xbf16>, tensor<4x5xbf16>) -> tensor<2x3x5xbf16>
// CHECK: vlp.matmul {{.*}} {transpose_lhs, vlp.backward} : (tensor<6x4xbf16>, tensor<6x5xbf16>) -> tensor<4x5xbf16>
// CHECK-NEXT: vlp.reduce_sum %[[DY]] {{.*}} -> tensor<4xf32>
func.func @narrow_linear() -> tensor<f32> attributes {vlp.differentiate} {
  %x = vlp.read @p2x3x5 : tensor<2x3x5xf32>
  %w = vlp.read @p4x5 : tensor<4x5xf32>
  %b = vlp.read @p4 : tensor<4xf32>
  %xb = vlp.cast %x : (tensor<2x3x5xf32>) -> tensor<2x3x5xbf16>
  %wb = vlp.cast %w : (tensor<4x5xf32>) -> tensor<4x5xbf16>
  %y = vlp.linear %xb, %wb, %b : (tensor<2x3x5xbf16>, tensor<4x5xbf16>, tensor<4xf32>) -> tensor<2x3x4xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1, 2>} : (tensor<2x3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// CHECK-LABEL: func.func @narrow_matmul_of_data(
// CHECK: %[[DY:.*]] = vlp.broadcast {{.*}}vlp.backward
// CHECK-NEXT: %[[DYB:.*]] = vlp.cast %[[DY]] {vlp.backward} : (tensor<3x4xf32>) -> tensor<3x4xbf16>
// CHECK: vlp.matmul %{{.*}}, %[[DYB]] {transpose_lhs, vlp.backward} : (tensor<3x5xbf16>, tensor<3x4xbf16>) -> tensor<5x4xbf16>
func.func @narrow_matmul_of_data(%x: tensor<3x5xbf16>) -> tensor<f32> attributes {vlp.differentiate} {
  %w = vlp.read @p5x4 : tensor<5x4xf32>
  %wb = vlp.cast %w : (tensor<5x4xf32>) -> tensor<5x4xbf16>
  %y = vlp.matmul %x, %wb : (tensor<3x5xbf16>, tensor<5x4xbf16>) -> tensor<3x4xf32>
  %loss = vlp.reduce_sum %y {axes = array<i64: 0, 1>} : (tensor<3x4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
