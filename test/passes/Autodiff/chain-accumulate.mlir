// Sums of many terms become chains, each sum right behind the newer of its operands; short ones stay.
// RUN: vlp-opt %s --vlp-chain-accumulate=most=2 | FileCheck %s

// CHECK-LABEL: func.func @terms
// CHECK: %[[A:.*]] = vlp.neg %arg0
// CHECK-NEXT: %[[AB:.*]] = vlp.accumulate %[[A]], %arg1 {vlp.backward}
// CHECK-NEXT: %[[C:.*]] = vlp.exp
// CHECK-NEXT: %[[ABC:.*]] = vlp.accumulate %[[AB]], %[[C]] {vlp.backward}
// CHECK-NEXT: %[[D:.*]] = vlp.tanh
// CHECK-NEXT: %[[SUM:.*]] = vlp.accumulate %[[ABC]], %[[D]] {vlp.backward}
// CHECK: %[[SHORT:.*]] = vlp.accumulate %[[C]], %[[D]] :
// CHECK: return %[[SUM]], %[[SHORT]]
func.func @terms(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = vlp.neg %x : (tensor<4xf32>) -> tensor<4xf32>
  %c = vlp.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %d = vlp.tanh %x : (tensor<4xf32>) -> tensor<4xf32>
  %sum = vlp.accumulate %a, %y, %c, %d {vlp.backward} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %short = vlp.accumulate %c, %d : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %sum, %short : tensor<4xf32>, tensor<4xf32>
}

// Arguments alone: at the begin.
// CHECK-LABEL: func.func @arguments
// CHECK-NEXT: %[[AB:.*]] = vlp.accumulate %arg0, %arg1
// CHECK-NEXT: %[[ABC:.*]] = vlp.accumulate %[[AB]], %arg2
// CHECK-NEXT: return %[[ABC]]
func.func @arguments(%x: tensor<4xf32>, %y: tensor<4xf32>, %z: tensor<4xf32>) -> tensor<4xf32> {
  %sum = vlp.accumulate %x, %y, %z : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %sum : tensor<4xf32>
}
