// Each constraint of each attention op, broken once, and more where it has several ways to break. A function is named after its
// label.
// RUN: vlp-opt %s -split-input-file -verify-diagnostics -o /dev/null

func.func @attention_c1(%a0: tensor<2x5x8xf32>, %a1: tensor<2x3x8xf32>, %a2: tensor<2x4x8xf32>) {
  // expected-error @+1 {{'vlp.attention' op expects a query [B, Sq, D] and key and value [B, Sk, D], got [2, 5, 8], [2, 3, 8] and [2, 4, 8]}}
  %r:2 = vlp.attention %a0, %a1, %a2 {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x3x8xf32>, tensor<2x4x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x2x5xf32>)
  return
}

// -----

func.func @attention_c1_batch(%a0: tensor<2x5x8xf32>, %a1: tensor<3x5x8xf32>, %a2: tensor<3x5x8xf32>) {
  // expected-error @+1 {{'vlp.attention' op expects a query [B, Sq, D] and key and value [B, Sk, D], got [2, 5, 8], [3, 5, 8] and [3, 5, 8]}}
  %r:2 = vlp.attention %a0, %a1, %a2 {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<3x5x8xf32>, tensor<3x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x2x5xf32>)
  return
}

// -----

func.func @attention_c1_rank(%a0: tensor<5x8xf32>, %a1: tensor<5x8xf32>, %a2: tensor<5x8xf32>) {
  // expected-error @+1 {{'vlp.attention' op expects a query [B, Sq, D] and key and value [B, Sk, D], got [5, 8], [5, 8] and [5, 8]}}
  %r:2 = vlp.attention %a0, %a1, %a2 {heads = 2 : i64, scale = 0.5 : f64} : (tensor<5x8xf32>, tensor<5x8xf32>, tensor<5x8xf32>) -> (tensor<5x8xf32>, tensor<2x2x5xf32>)
  return
}

// -----

func.func @attention_c2(%a0: tensor<2x5x8xf32>, %a1: tensor<2x5x8xf32>, %a2: tensor<2x5x8xf32>) {
  // expected-error @+1 {{'vlp.attention' op expects the number of heads to divide D = 8, got 3}}
  %r:2 = vlp.attention %a0, %a1, %a2 {heads = 3 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x2x5xf32>)
  return
}

// -----

func.func @attention_c2_zero(%a0: tensor<2x5x8xf32>, %a1: tensor<2x5x8xf32>, %a2: tensor<2x5x8xf32>) {
  // expected-error @+1 {{'vlp.attention' op expects the number of heads to divide D = 8, got 0}}
  %r:2 = vlp.attention %a0, %a1, %a2 {heads = 0 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x2x5xf32>)
  return
}

// -----

func.func @attention_c3(%a0: tensor<2x5x8xf32>, %a1: tensor<2x3x8xf32>, %a2: tensor<2x3x8xf32>) {
  // expected-error @+1 {{'vlp.attention' op expects as many queries as keys with causal, got 5 and 3}}
  %r:2 = vlp.attention %a0, %a1, %a2 {heads = 2 : i64, scale = 0.5 : f64, causal} : (tensor<2x5x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x2x5xf32>)
  return
}

// -----

func.func @attention_c4(%a0: tensor<2x5x8xf32>, %a1: tensor<2x5x8xf64>, %a2: tensor<2x5x8xf32>) {
  // expected-error @+1 {{'vlp.attention' op expects equal element types, got f32, f64, f32}}
  %r:2 = vlp.attention %a0, %a1, %a2 {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf64>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x2x5xf32>)
  return
}

// -----

func.func @attention_c5(%a0: tensor<2x5x8xf32>, %a1: tensor<2x3x8xf32>, %a2: tensor<1x3x5x3xf32>) {
  // expected-error @+1 {{'vlp.attention' op expects a mask of 'f32' and shape [2, 2, 5, 3], each but the last extent possibly 1, got 'tensor<1x3x5x3xf32>'}}
  %r:2 = vlp.attention %a0, %a1, %a1, %a2 {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<1x3x5x3xf32>) -> (tensor<2x5x8xf32>, tensor<2x2x5xf32>)
  return
}

// -----

func.func @attention_c5_keys(%a0: tensor<2x5x8xf32>, %a1: tensor<2x1x5x1xf32>) {
  // expected-error @+1 {{got 'tensor<2x1x5x1xf32>'}}
  %r:2 = vlp.attention %a0, %a0, %a0, %a1 {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x1x5x1xf32>) -> (tensor<2x5x8xf32>, tensor<2x2x5xf32>)
  return
}

// -----

func.func @attention_c5_type(%a0: tensor<2x5x8xbf16>, %a1: tensor<2x1x1x5xbf16>) {
  // expected-error @+1 {{expects a mask of 'f32'}}
  %r:2 = vlp.attention %a0, %a0, %a0, %a1 {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xbf16>, tensor<2x5x8xbf16>, tensor<2x5x8xbf16>, tensor<2x1x1x5xbf16>) -> (tensor<2x5x8xbf16>, tensor<2x2x5xf32>)
  return
}

// -----

func.func @attention_grad_c1(%a0: tensor<2x5x8xf32>, %a1: tensor<2x5x8xf32>, %a2: tensor<2x5x8xf32>, %a3: tensor<2x5x8xf32>, %a4: tensor<2x5x2xf32>, %a5: tensor<2x5x8xf32>) {
  // expected-error @+1 {{'vlp.attention_grad' op expects an lse of type 'tensor<2x2x5xf32>', got 'tensor<2x5x2xf32>'}}
  %r:3 = vlp.attention_grad %a0, %a1, %a2, %a3, %a4, %a5 {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x2xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>)
  return
}

// -----

func.func @attention_grad_c1_output(%a0: tensor<2x5x8xf32>, %a1: tensor<2x5x8xf32>, %a2: tensor<2x5x8xf32>, %a3: tensor<2x5x4xf32>, %a4: tensor<2x2x5xf32>, %a5: tensor<2x5x8xf32>) {
  // expected-error @+1 {{'vlp.attention_grad' op expects the output to have the query's type 'tensor<2x5x8xf32>', got 'tensor<2x5x4xf32>'}}
  %r:3 = vlp.attention_grad %a0, %a1, %a2, %a3, %a4, %a5 {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x4xf32>, tensor<2x2x5xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>)
  return
}

// -----

func.func @attention_grad_c1_gradient(%a0: tensor<2x5x8xf32>, %a1: tensor<2x5x8xf32>, %a2: tensor<2x5x8xf32>, %a3: tensor<2x5x8xf32>, %a4: tensor<2x2x5xf32>, %a5: tensor<2x4x8xf32>) {
  // expected-error @+1 {{'vlp.attention_grad' op expects the gradient to have the query's type 'tensor<2x5x8xf32>', got 'tensor<2x4x8xf32>'}}
  %r:3 = vlp.attention_grad %a0, %a1, %a2, %a3, %a4, %a5 {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x2x5xf32>, tensor<2x4x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>)
  return
}

// -----

func.func @attention_grad_c1_heads(%a0: tensor<2x5x8xf32>, %a1: tensor<2x5x8xf32>, %a2: tensor<2x5x8xf32>, %a3: tensor<2x5x8xf32>, %a4: tensor<2x2x5xf32>, %a5: tensor<2x5x8xf32>) {
  // expected-error @+1 {{'vlp.attention_grad' op expects the number of heads to divide D = 8, got 5}}
  %r:3 = vlp.attention_grad %a0, %a1, %a2, %a3, %a4, %a5 {heads = 5 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x2x5xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>)
  return
}
