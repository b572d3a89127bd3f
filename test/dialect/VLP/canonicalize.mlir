// Folds of views and sums: identities and chains disappear, and nothing else does.
// RUN: vlp-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: @reshape_identity
// CHECK-SAME: %[[X:.*]]: tensor<2x3xf32>
// CHECK-NEXT: return %[[X]]
func.func @reshape_identity(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = vlp.reshape %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// A chain that returns to its first shape vanishes.
// CHECK-LABEL: @reshape_round_trip
// CHECK-SAME: %[[X:.*]]: tensor<2x3xf32>
// CHECK-NEXT: return %[[X]]
func.func @reshape_round_trip(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = vlp.reshape %x : (tensor<2x3xf32>) -> tensor<6xf32>
  %1 = vlp.reshape %0 : (tensor<6xf32>) -> tensor<3x2xf32>
  %2 = vlp.reshape %1 : (tensor<3x2xf32>) -> tensor<2x3xf32>
  return %2 : tensor<2x3xf32>
}

// CHECK-LABEL: @reshape_constant
// CHECK-NEXT: %[[C:.*]] = vlp.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
// CHECK-NEXT: return %[[C]]
func.func @reshape_constant() -> tensor<2x2xf32> {
  %c = vlp.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %0 = vlp.reshape %c : (tensor<4xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// CHECK-LABEL: @transpose_chain
// CHECK-NEXT: %[[T:.*]] = vlp.transpose %{{.*}} {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
// CHECK-NEXT: return %[[T]]
func.func @transpose_chain(%x: tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {
  %0 = vlp.transpose %x {permutation = array<i64: 1, 2, 0>} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %1 = vlp.transpose %0 {permutation = array<i64: 1, 2, 0>} : (tensor<3x4x2xf32>) -> tensor<4x2x3xf32>
  return %1 : tensor<4x2x3xf32>
}

// CHECK-LABEL: @transpose_back
// CHECK-SAME: %[[X:.*]]: tensor<2x3x4xf32>
// CHECK-NEXT: return %[[X]]
func.func @transpose_back(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = vlp.transpose %x {permutation = array<i64: 1, 2, 0>} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %1 = vlp.transpose %0 {permutation = array<i64: 2, 0, 1>} : (tensor<3x4x2xf32>) -> tensor<2x3x4xf32>
  return %1 : tensor<2x3x4xf32>
}

// A square transpose has equal types but is no identity.
// CHECK-LABEL: @transpose_square
// CHECK-NEXT: vlp.transpose
func.func @transpose_square(%x: tensor<3x3xf32>) -> tensor<3x3xf32> {
  %0 = vlp.transpose %x {permutation = array<i64: 1, 0>} : (tensor<3x3xf32>) -> tensor<3x3xf32>
  return %0 : tensor<3x3xf32>
}

// CHECK-LABEL: @slice_whole
// CHECK-SAME: %[[X:.*]]: tensor<2x5xf32>
// CHECK-NEXT: return %[[X]]
func.func @slice_whole(%x: tensor<2x5xf32>) -> tensor<2x5xf32> {
  %0 = vlp.slice %x {offsets = array<i64: 0, 0>, sizes = array<i64: 2, 5>} : (tensor<2x5xf32>) -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}

// CHECK-LABEL: @slice_chain
// CHECK-NEXT: %[[S:.*]] = vlp.slice %{{.*}} {offsets = array<i64: 1, 3>, sizes = array<i64: 1, 2>} : (tensor<4x9xf32>) -> tensor<1x2xf32>
// CHECK-NEXT: return %[[S]]
func.func @slice_chain(%x: tensor<4x9xf32>) -> tensor<1x2xf32> {
  %0 = vlp.slice %x {offsets = array<i64: 1, 2>, sizes = array<i64: 3, 5>} : (tensor<4x9xf32>) -> tensor<3x5xf32>
  %1 = vlp.slice %0 {offsets = array<i64: 0, 1>, sizes = array<i64: 1, 2>} : (tensor<3x5xf32>) -> tensor<1x2xf32>
  return %1 : tensor<1x2xf32>
}

// CHECK-LABEL: @broadcast_chain
// CHECK-NEXT: %[[B:.*]] = vlp.broadcast %{{.*}} : (tensor<1xf32>) -> tensor<2x3x4xf32>
// CHECK-NEXT: return %[[B]]
func.func @broadcast_chain(%x: tensor<1xf32>) -> tensor<2x3x4xf32> {
  %0 = vlp.broadcast %x : (tensor<1xf32>) -> tensor<3x1xf32>
  %1 = vlp.broadcast %0 : (tensor<3x1xf32>) -> tensor<2x3x4xf32>
  return %1 : tensor<2x3x4xf32>
}

// CHECK-LABEL: @broadcast_identity
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK-NEXT: return %[[X]]
func.func @broadcast_identity(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = vlp.broadcast %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @accumulate_single
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK-NEXT: return %[[X]]
func.func @accumulate_single(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = vlp.accumulate %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// (a + b) + c keeps its order.
// CHECK-LABEL: @accumulate_first
// CHECK-SAME: %[[A:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<4xf32>, %[[C:.*]]: tensor<4xf32>
// CHECK-NEXT: %[[S:.*]] = vlp.accumulate %[[A]], %[[B]], %[[C]]
// CHECK-NEXT: return %[[S]]
func.func @accumulate_first(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  %0 = vlp.accumulate %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = vlp.accumulate %0, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// c + (a + b) is another sum in floating point: left alone.
// CHECK-LABEL: @accumulate_second
// CHECK-COUNT-2: vlp.accumulate
func.func @accumulate_second(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<4xf32> {
  %0 = vlp.accumulate %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = vlp.accumulate %c, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// The inner sum has another user: left alone, or its work would be done twice.
// CHECK-LABEL: @accumulate_shared
// CHECK-COUNT-2: vlp.accumulate
func.func @accumulate_shared(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = vlp.accumulate %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = vlp.accumulate %0, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// bf16 rounds the inner sum: left alone.
// CHECK-LABEL: @accumulate_narrow
// CHECK-COUNT-2: vlp.accumulate
func.func @accumulate_narrow(%a: tensor<4xbf16>, %b: tensor<4xbf16>, %c: tensor<4xbf16>) -> tensor<4xbf16> {
  %0 = vlp.accumulate %a, %b : (tensor<4xbf16>, tensor<4xbf16>) -> tensor<4xbf16>
  %1 = vlp.accumulate %0, %c : (tensor<4xbf16>, tensor<4xbf16>) -> tensor<4xbf16>
  return %1 : tensor<4xbf16>
}

// stop_gradient means something until autodiff has run: it stays.
// CHECK-LABEL: @stop_gradient
// CHECK-NEXT: vlp.stop_gradient
func.func @stop_gradient(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = vlp.stop_gradient %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// Unused ops go, writes stay.
vlp.variable counter @n : tensor<i32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}
// CHECK-LABEL: @dead
// CHECK-NEXT: %[[ONE:.*]] = vlp.constant
// CHECK-NEXT: vlp.write @n, %[[ONE]]
// CHECK-NEXT: return
func.func @dead(%x: tensor<4xf32>) {
  %0 = vlp.gelu %x : (tensor<4xf32>) -> tensor<4xf32>
  %unread = vlp.read @n : tensor<i32>
  %one = vlp.constant dense<1> : tensor<i32>
  vlp.write @n, %one : tensor<i32>
  return
}
