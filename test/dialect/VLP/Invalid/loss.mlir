// Each constraint of each loss op, broken once, and more where it has several ways to break. A function is named after its
// label.
// RUN: vlp-opt %s -split-input-file -verify-diagnostics -o /dev/null

func.func @cross_entropy_c1(%a0: tensor<4x8xf32>, %a1: tensor<8xi32>) {
  // expected-error @+1 {{'vlp.cross_entropy' op expects logits [N, C] and labels [N], got [4, 8] and [8]}}
  %r:2 = vlp.cross_entropy %a0, %a1 : (tensor<4x8xf32>, tensor<8xi32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @cross_entropy_c1_rank(%a0: tensor<2x4x8xf32>, %a1: tensor<2x4xi32>) {
  // expected-error @+1 {{'vlp.cross_entropy' op expects logits [N, C] and labels [N], got [2, 4, 8] and [2, 4]}}
  %r:2 = vlp.cross_entropy %a0, %a1 : (tensor<2x4x8xf32>, tensor<2x4xi32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @cross_entropy_c2(%a0: tensor<4x8xf32>, %a1: tensor<4xi32>) {
  // expected-error @+1 {{'vlp.cross_entropy' op expects smoothing in [0, 1], got 1.500000e+00}}
  %r:2 = vlp.cross_entropy %a0, %a1 {smoothing = 1.5 : f64} : (tensor<4x8xf32>, tensor<4xi32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @cross_entropy_c2_negative(%a0: tensor<4x8xf32>, %a1: tensor<4xi32>) {
  // expected-error @+1 {{'vlp.cross_entropy' op expects smoothing in [0, 1], got -1.000000e-01}}
  %r:2 = vlp.cross_entropy %a0, %a1 {smoothing = -0.1 : f64} : (tensor<4x8xf32>, tensor<4xi32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @cross_entropy_grad_c1(%a0: tensor<4x8xf32>, %a1: tensor<4xi32>, %a2: tensor<4xf32>, %a3: tensor<4x1xf32>) {
  // expected-error @+1 {{'vlp.cross_entropy_grad' op expects lse and gradient of type 'tensor<4xf32>', got 'tensor<4xf32>' and 'tensor<4x1xf32>'}}
  %r = vlp.cross_entropy_grad %a0, %a1, %a2, %a3 : (tensor<4x8xf32>, tensor<4xi32>, tensor<4xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @cross_entropy_grad_c1_labels(%a0: tensor<4x8xf32>, %a1: tensor<3xi32>, %a2: tensor<4xf32>, %a3: tensor<4xf32>) {
  // expected-error @+1 {{'vlp.cross_entropy_grad' op expects logits [N, C] and labels [N], got [4, 8] and [3]}}
  %r = vlp.cross_entropy_grad %a0, %a1, %a2, %a3 : (tensor<4x8xf32>, tensor<3xi32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @soft_cross_entropy_c1(%a0: tensor<4x8xf32>, %a1: tensor<4x7xf32>) {
  // expected-error @+1 {{'vlp.soft_cross_entropy' op expects logits and targets [N, C] of one type, got 'tensor<4x8xf32>' and 'tensor<4x7xf32>'}}
  %r:2 = vlp.soft_cross_entropy %a0, %a1 : (tensor<4x8xf32>, tensor<4x7xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @soft_cross_entropy_grad_c1(%a0: tensor<4x8xf32>, %a1: tensor<4x8xf32>, %a2: tensor<8xf32>, %a3: tensor<4xf32>) {
  // expected-error @+1 {{'vlp.soft_cross_entropy_grad' op expects lse and gradient of type 'tensor<4xf32>', got 'tensor<8xf32>' and 'tensor<4xf32>'}}
  %r = vlp.soft_cross_entropy_grad %a0, %a1, %a2, %a3 : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<8xf32>, tensor<4xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @match_targets_c1(%a0: tensor<4x1xi32>, %a1: tensor<4xi32>) {
  // expected-error @+1 {{'vlp.match_targets' op expects ids [N] and [M], got [4, 1] and [4]}}
  %r = vlp.match_targets %a0, %a1 : (tensor<4x1xi32>, tensor<4xi32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @match_targets_c1_result(%a0: tensor<4xi32>, %a1: tensor<3xi32>) {
  // expected-error @+1 {{'vlp.match_targets' op expects a result of shape [4, 3], got [3, 4]}}
  %r = vlp.match_targets %a0, %a1 : (tensor<4xi32>, tensor<3xi32>) -> tensor<3x4xf32>
  return
}
