// Gradients of entries without an optimizer become named outputs; names that are there stay.
// RUN: vlp-opt %s --vlp-name-gradients | FileCheck %s

vlp.parameter @w : tensor<4x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable, decay}

// CHECK-LABEL: func.func @gradients
// CHECK-SAME: -> (tensor<f32> {vlp.name = "loss"}, tensor<4x3xf32> {vlp.gradient = @w, vlp.name = "grad/w"}, tensor<4x3xf32> {vlp.gradient = @w, vlp.name = "mine"})
func.func @gradients(%t: tensor<f32>) -> (tensor<f32> {vlp.name = "loss"}, tensor<4x3xf32> {vlp.gradient = @w},
                                          tensor<4x3xf32> {vlp.gradient = @w, vlp.name = "mine"}) {
  %w = vlp.read @w : tensor<4x3xf32>
  return %t, %w, %w : tensor<f32>, tensor<4x3xf32>, tensor<4x3xf32>
}
