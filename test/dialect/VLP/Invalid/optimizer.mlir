// Each constraint of each optimizer op, broken once, and more where it has several ways to break. A function is named after its
// label.
// RUN: vlp-opt %s -split-input-file -verify-diagnostics -o /dev/null

func.func @global_norm_c1() {
  // expected-error @+1 {{'vlp.global_norm' op expects at least one input, got none}}
  %r = "vlp.global_norm"() : () -> tensor<f32>
  return
}

// -----

func.func @all_finite_c1() {
  // expected-error @+1 {{'vlp.all_finite' op expects at least one input, got none}}
  %r = "vlp.all_finite"() : () -> tensor<i32>
  return
}

// -----

func.func @adamw_c1(%a0: tensor<8xf32>, %a1: tensor<8xf32>, %a2: tensor<8xf32>, %a3: tensor<4xf32>, %a4: tensor<i32>, %a5: tensor<f32>, %a6: tensor<f32>, %a7: tensor<f32>, %a8: tensor<f32>, %a9: tensor<f32>, %a10: tensor<f32>, %a11: tensor<i32>) {
  // expected-error @+1 {{'vlp.adamw' op expects the second moment to have the parameter's type 'tensor<8xf32>', got 'tensor<4xf32>'}}
  %r:3 = vlp.adamw %a0, %a1, %a2, %a3, %a4, %a5, %a6, %a7, %a8, %a9, %a10, %a11 : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<4xf32>, tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @adamw_c1_gradient(%a0: tensor<8xf32>, %a1: tensor<8x1xf32>, %a2: tensor<8xf32>, %a3: tensor<8xf32>, %a4: tensor<i32>, %a5: tensor<f32>, %a6: tensor<f32>, %a7: tensor<f32>, %a8: tensor<f32>, %a9: tensor<f32>, %a10: tensor<f32>, %a11: tensor<i32>) {
  // expected-error @+1 {{'vlp.adamw' op expects the gradient to have the parameter's type 'tensor<8xf32>', got 'tensor<8x1xf32>'}}
  %r:3 = vlp.adamw %a0, %a1, %a2, %a3, %a4, %a5, %a6, %a7, %a8, %a9, %a10, %a11 : (tensor<8xf32>, tensor<8x1xf32>, tensor<8xf32>, tensor<8xf32>, tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
  return
}

// -----

func.func @clamp_scalar_bounds(%a0: tensor<8xf32>, %a1: tensor<8xf32>, %a2: tensor<f32>) {
  // expected-error @+1 {{'vlp.clamp' op operand #1 must be float tensor of rank 0, but got 'tensor<8xf32>'}}
  %r = vlp.clamp %a0, %a1, %a2 : (tensor<8xf32>, tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  return
}
