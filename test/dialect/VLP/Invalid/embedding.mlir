// Each constraint of each embedding op, broken once, and more where it has several ways to break. A function is named after its
// label.
// RUN: vlp-opt %s -split-input-file -verify-diagnostics -o /dev/null

func.func @embedding_c1(%a0: tensor<64x8x1xf32>, %a1: tensor<2xi32>) {
  // expected-error @+1 {{'vlp.embedding' op expects a table [V, D], got [64, 8, 1]}}
  %r = vlp.embedding %a0, %a1 : (tensor<64x8x1xf32>, tensor<2xi32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @embedding_grad_c1(%a0: tensor<2x5x8xf32>, %a1: tensor<2x4xi32>) {
  // expected-error @+1 {{'vlp.embedding_grad' op expects a gradient of type 'tensor<2x4x8xf32>', got 'tensor<2x5x8xf32>'}}
  %r = vlp.embedding_grad %a0, %a1 : (tensor<2x5x8xf32>, tensor<2x4xi32>) -> tensor<64x8xf32>
  return
}

// -----

func.func @embedding_grad_c1_result(%a0: tensor<2x8xf32>, %a1: tensor<2xi32>) {
  // expected-error @+1 {{'vlp.embedding_grad' op expects a result [V, D], got [8]}}
  %r = vlp.embedding_grad %a0, %a1 : (tensor<2x8xf32>, tensor<2xi32>) -> tensor<8xf32>
  return
}
