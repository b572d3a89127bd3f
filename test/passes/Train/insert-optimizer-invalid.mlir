// What a training entry cannot be is reported, all at once.
// RUN: vlp-opt %s --vlp-insert-optimizer --split-input-file --verify-diagnostics

// expected-error @+2 {{got 'train.speed'}}
// expected-error @+1 {{got 'train.step'}}
module attributes {vlp.recipe = {train.speed = 1.0 : f64, train.step = 1.0 : f64}} {
}

// -----

// expected-error @+1 {{training function 'train' returns no gradients}}
func.func @train(%loss: tensor<f32>) -> tensor<f32> attributes {vlp.optimizer = "adamw"} {
  return %loss : tensor<f32>
}
// expected-error @+1 {{unknown optimizer 'sgd', expected adamw}}
func.func @other(%loss: tensor<f32>) -> tensor<f32> attributes {vlp.optimizer = "sgd"} {
  return %loss : tensor<f32>
}

// -----

vlp.parameter @w : tensor<2xf32> {init = #vlp.init<constant, 1.0 : f64, 0.0 : f64>, trainable}
// expected-error @+1 {{state 'adam.m/w' exists, expected a moment of type 'tensor<2xf32>'}}
vlp.variable moment @"adam.m/w" : tensor<3xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>, of = "w"}
// expected-error @+1 {{state 'train.step' exists, expected a counter of type 'tensor<i32>'}}
vlp.variable scalar @train.step : tensor<f32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}
func.func @train(%loss: tensor<f32>) -> (tensor<f32>, tensor<2xf32> {vlp.gradient = @w}) attributes {vlp.optimizer = "adamw"} {
  %w = vlp.read @w : tensor<2xf32>
  return %loss, %w : tensor<f32>, tensor<2xf32>
}
