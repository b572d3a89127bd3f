// Each constraint of each norm op, broken once, and more where it has several ways to break. A function is named after its
// label.
// RUN: vlp-opt %s -split-input-file -verify-diagnostics -o /dev/null

func.func @layer_norm_c1(%a0: tensor<f32>, %a1: tensor<8xf32>, %a2: tensor<8xf32>) {
  // expected-error @+1 {{'vlp.layer_norm' op expects an input of rank at least 1, got rank 0}}
  %r:3 = vlp.layer_norm %a0, %a1, %a2 {eps = 1.0e-5 : f64} : (tensor<f32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<f32>, tensor<f32>, tensor<f32>)
  return
}

// -----

func.func @layer_norm_c2(%a0: tensor<2x8xf32>, %a1: tensor<7xf32>, %a2: tensor<8xf32>) {
  // expected-error @+1 {{'vlp.layer_norm' op expects gamma of shape [8], got [7]}}
  %r:3 = vlp.layer_norm %a0, %a1, %a2 {eps = 1.0e-5 : f64} : (tensor<2x8xf32>, tensor<7xf32>, tensor<8xf32>) -> (tensor<2x8xf32>, tensor<2xf32>, tensor<2xf32>)
  return
}

// -----

func.func @layer_norm_c2_beta(%a0: tensor<2x8xf32>, %a1: tensor<8xf32>, %a2: tensor<1x8xf32>) {
  // expected-error @+1 {{'vlp.layer_norm' op expects beta of shape [8], got [1, 8]}}
  %r:3 = vlp.layer_norm %a0, %a1, %a2 {eps = 1.0e-5 : f64} : (tensor<2x8xf32>, tensor<8xf32>, tensor<1x8xf32>) -> (tensor<2x8xf32>, tensor<2xf32>, tensor<2xf32>)
  return
}

// -----

func.func @layer_norm_c3(%a0: tensor<2x8xf32>, %a1: tensor<8xf32>, %a2: tensor<8xf32>) {
  // expected-error @+1 {{'vlp.layer_norm' op expects eps not to be negative, got -1.000000e-05}}
  %r:3 = vlp.layer_norm %a0, %a1, %a2 {eps = -1.0e-5 : f64} : (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x8xf32>, tensor<2xf32>, tensor<2xf32>)
  return
}

// -----

func.func @layer_norm_c3_nan(%a0: tensor<2x8xf32>, %a1: tensor<8xf32>, %a2: tensor<8xf32>) {
  // expected-error @+1 {{'vlp.layer_norm' op expects eps not to be negative, got nan}}
  %r:3 = vlp.layer_norm %a0, %a1, %a2 {eps = 0x7FF8000000000000 : f64} : (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x8xf32>, tensor<2xf32>, tensor<2xf32>)
  return
}

// -----

func.func @layer_norm_c4(%a0: tensor<2x8xf32>, %a1: tensor<8xbf16>, %a2: tensor<8xf32>) {
  // expected-error @+1 {{'vlp.layer_norm' op expects the gamma to be 'tensor<8xf32>', got 'tensor<8xbf16>'}}
  %r:3 = vlp.layer_norm %a0, %a1, %a2 {eps = 1.0e-5 : f64} : (tensor<2x8xf32>, tensor<8xbf16>, tensor<8xf32>) -> (tensor<2x8xf32>, tensor<2xf32>, tensor<2xf32>)
  return
}

// -----

func.func @layer_norm_c4_narrow(%a0: tensor<2x8xbf16>, %a1: tensor<8xf32>, %a2: tensor<8xf64>) {
  // expected-error @+1 {{'vlp.layer_norm' op expects the beta to be 'tensor<8xbf16>', got 'tensor<8xf64>'}}
  %r:3 = vlp.layer_norm %a0, %a1, %a2 {eps = 1.0e-5 : f64} : (tensor<2x8xbf16>, tensor<8xf32>, tensor<8xf64>) -> (tensor<2x8xbf16>, tensor<2xf32>, tensor<2xf32>)
  return
}

// -----

func.func @layer_norm_type(%a0: tensor<2x8xf32>, %a1: tensor<8xf32>, %a2: tensor<8xf32>) {
  // expected-error @+1 {{'vlp.layer_norm' op expects result #1 to be 'tensor<2xf32>', got 'tensor<2x1xf32>'}}
  %r:3 = vlp.layer_norm %a0, %a1, %a2 {eps = 1.0e-5 : f64} : (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x8xf32>, tensor<2x1xf32>, tensor<2xf32>)
  return
}

// -----

func.func @layer_norm_grad_c1(%a0: tensor<2x8xf32>, %a1: tensor<8xf32>, %a2: tensor<2x1xf32>, %a3: tensor<2xf32>, %a4: tensor<2x8xf32>) {
  // expected-error @+1 {{'vlp.layer_norm_grad' op expects the mean to be 'tensor<2xf32>', got 'tensor<2x1xf32>'}}
  %r:3 = vlp.layer_norm_grad %a0, %a1, %a2, %a3, %a4 : (tensor<2x8xf32>, tensor<8xf32>, tensor<2x1xf32>, tensor<2xf32>, tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @layer_norm_grad_c2(%a0: tensor<2x8xf32>, %a1: tensor<8xf32>, %a2: tensor<2xf32>, %a3: tensor<2xf32>, %a4: tensor<2x8xf64>) {
  // expected-error @+1 {{'vlp.layer_norm_grad' op expects the gradient to be 'tensor<2x8xf32>', got 'tensor<2x8xf64>'}}
  %r:3 = vlp.layer_norm_grad %a0, %a1, %a2, %a3, %a4 : (tensor<2x8xf32>, tensor<8xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x8xf64>) -> (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @layer_norm_grad_c2_shape(%a0: tensor<2x8xf32>, %a1: tensor<8xf32>, %a2: tensor<2xf32>, %a3: tensor<2xf32>, %a4: tensor<2x4xbf16>) {
  // expected-error @+1 {{'vlp.layer_norm_grad' op expects the gradient to be 'tensor<2x8xf32>', got 'tensor<2x4xbf16>'}}
  %r:3 = vlp.layer_norm_grad %a0, %a1, %a2, %a3, %a4 : (tensor<2x8xf32>, tensor<8xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x4xbf16>) -> (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @layer_norm_grad_c1_gamma(%a0: tensor<2x8xf32>, %a1: tensor<2xf32>, %a2: tensor<2xf32>, %a3: tensor<2xf32>, %a4: tensor<2x8xf32>) {
  // expected-error @+1 {{'vlp.layer_norm_grad' op expects gamma of shape [8], got [2]}}
  %r:3 = vlp.layer_norm_grad %a0, %a1, %a2, %a3, %a4 : (tensor<2x8xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @layer_norm_grad_c1_rstd(%a0: tensor<2x8xf32>, %a1: tensor<8xf32>, %a2: tensor<2xf32>, %a3: tensor<8xf32>, %a4: tensor<2x8xf32>) {
  // expected-error @+1 {{'vlp.layer_norm_grad' op expects the rstd to be 'tensor<2xf32>', got 'tensor<8xf32>'}}
  %r:3 = vlp.layer_norm_grad %a0, %a1, %a2, %a3, %a4 : (tensor<2x8xf32>, tensor<8xf32>, tensor<2xf32>, tensor<8xf32>, tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @layer_norm_grad_c1_gradient(%a0: tensor<2x8xf32>, %a1: tensor<8xf32>, %a2: tensor<2xf32>, %a3: tensor<2xf32>, %a4: tensor<2x4xf32>) {
  // expected-error @+1 {{'vlp.layer_norm_grad' op expects the gradient to be 'tensor<2x8xf32>', got 'tensor<2x4xf32>'}}
  %r:3 = vlp.layer_norm_grad %a0, %a1, %a2, %a3, %a4 : (tensor<2x8xf32>, tensor<8xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x4xf32>) -> (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @l2_normalize_c1(%a0: tensor<f32>) {
  // expected-error @+1 {{'vlp.l2_normalize' op expects an input of rank at least 1, got rank 0}}
  %r:2 = vlp.l2_normalize %a0 {eps = 0.0 : f64} : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return
}

// -----

func.func @l2_normalize_c2(%a0: tensor<2x8xf32>) {
  // expected-error @+1 {{'vlp.l2_normalize' op expects eps not to be negative, got -1.000000e+00}}
  %r:2 = vlp.l2_normalize %a0 {eps = -1.0 : f64} : (tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2xf32>)
  return
}

// -----

func.func @l2_normalize_grad_c1(%a0: tensor<2x8xf32>, %a1: tensor<8xf32>, %a2: tensor<2x8xf32>) {
  // expected-error @+1 {{'vlp.l2_normalize_grad' op expects the norm to be 'tensor<2xf32>', got 'tensor<8xf32>'}}
  %r = vlp.l2_normalize_grad %a0, %a1, %a2 {eps = 0.0 : f64} : (tensor<2x8xf32>, tensor<8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @l2_normalize_grad_c1_gradient(%a0: tensor<2x8xf32>, %a1: tensor<2xf32>, %a2: tensor<8xf32>) {
  // expected-error @+1 {{'vlp.l2_normalize_grad' op expects the gradient to be 'tensor<2x8xf32>', got 'tensor<8xf32>'}}
  %r = vlp.l2_normalize_grad %a0, %a1, %a2 {eps = 0.0 : f64} : (tensor<2x8xf32>, tensor<2xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @softmax_c1(%a0: tensor<f32>) {
  // expected-error @+1 {{'vlp.softmax' op expects an input of rank at least 1, got rank 0}}
  %r = vlp.softmax %a0 : (tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @softmax_grad_c1(%a0: tensor<2x8xf32>, %a1: tensor<8xf32>) {
  // expected-error @+1 {{'vlp.softmax_grad' op expects the gradient to be 'tensor<2x8xf32>', got 'tensor<8xf32>'}}
  %r = vlp.softmax_grad %a0, %a1 : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  return
}
