// What a model writes itself comes behind the optimizer, and keeps its old value where the step is not applied; a bounded
// parameter is clamped after its update.
// RUN: vlp-opt %s --vlp-insert-optimizer --vlp-verify-state | FileCheck %s

vlp.parameter @temp : tensor<f32> {init = #vlp.init<constant, 0.07 : f64, 0.0 : f64>, trainable, vlp.bounds = [0.001 : f64, 0.5 : f64]}
vlp.parameter @temp_m : tensor<f32> {init = #vlp.init<constant, 0.07 : f64, 0.0 : f64>, twin_of = @temp}

// CHECK-LABEL: func.func @train
// CHECK: %[[OLD:.*]] = vlp.read @temp_m
// CHECK: %[[AVERAGE:.*]] = vlp.add %[[OLD]]
// CHECK-NOT: vlp.write
// CHECK: %[[OK:.*]] = vlp.all_finite
// CHECK: %[[KEPT:.*]] = vlp.select %[[OK]], %[[AVERAGE]], %[[OLD]]
// CHECK: %[[NEW:[^,]*]], %{{.*}}, %{{.*}} = vlp.adamw
// CHECK: %[[LOWER:.*]] = vlp.constant dense<1.000000e-03>
// CHECK: %[[UPPER:.*]] = vlp.constant dense<5.000000e-01>
// CHECK: %[[BOUND:.*]] = vlp.clamp %[[NEW]], %[[LOWER]], %[[UPPER]]
// CHECK: %[[RESULT:.*]] = vlp.select %[[OK]], %[[BOUND]], %[[NEW]]
// CHECK: vlp.write @temp_m, %[[KEPT]]
// CHECK: vlp.write @temp, %[[RESULT]]
func.func @train() -> (tensor<f32> {vlp.name = "loss"}, tensor<f32> {vlp.gradient = @temp}) attributes {vlp.entry = "train", vlp.optimizer = "adamw"} {
  %t = vlp.read @temp : tensor<f32>
  %old = vlp.read @temp_m : tensor<f32>
  %average = vlp.add %old, %t : (tensor<f32>, tensor<f32>) -> tensor<f32>
  vlp.write @temp_m, %average : tensor<f32>
  return %t, %t : tensor<f32>, tensor<f32>
}
