// A training entry loses its gradient results and gains one update a parameter, a step counter and three outputs.
// RUN: vlp-opt %s --vlp-insert-optimizer --vlp-verify-state | FileCheck %s

// CHECK: vlp.variable moment @"adam.m/w" : tensor<4x3xf32> {{.*}}of = "w"
// CHECK: vlp.variable moment @"adam.v/w"
// CHECK: vlp.variable counter @train.step : tensor<i32>
// CHECK: vlp.variable scalar @train.learning_rate : tensor<f32> {{.*}}init = #vlp.init<constant, 2.500000e-01
// CHECK: vlp.variable scalar @train.logit_scale_max : tensor<f32> {{.*}}init = #vlp.init<constant, 1.000000e+02
module attributes {vlp.recipe = {train.learning_rate = 0.25 : f64}} {
  vlp.parameter @w : tensor<4x3xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable, decay}
  vlp.parameter @logit_scale : tensor<f32> {init = #vlp.init<constant, 1.0 : f64, 0.0 : f64>, trainable, vlp.max_multiplier = @train.logit_scale_max}

  // CHECK-LABEL: func.func @train
  // CHECK-SAME: -> (tensor<f32> {vlp.name = "loss"}, tensor<f32> {vlp.name = "grad_norm"}, tensor<f32> {vlp.name = "learning_rate"}, tensor<i32> {vlp.name = "finite"})
  // CHECK: %[[NORM:.*]] = vlp.global_norm %[[GW:.*]], %[[GT:.*]] :
  // CHECK: %[[OK:.*]] = vlp.all_finite %{{.*}}, %[[NORM]]
  // CHECK: %[[RATE:.*]] = vlp.warmup_cosine
  // CHECK: %[[SCALE:.*]] = vlp.clip_factor %[[NORM]]
  // CHECK: %[[STEP:.*]] = vlp.add %{{.*}}, %[[OK]]
  // CHECK: %[[W1:.*]], %[[M1:.*]], %[[V1:.*]] = vlp.adamw %{{.*}}, %[[GW]], {{.*}}, %[[RATE]], {{.*}}, %[[SCALE]], %[[OK]] {decay}
  // CHECK: %[[T1:[^,]*]], %{{.*}}, %{{.*}} = vlp.adamw %{{.*}}, %[[GT]],
  // CHECK-NOT: decay
  // CHECK: %[[LOG:.*]] = vlp.log
  // CHECK: %[[BOUND:.*]] = vlp.clamp %[[T1]], %{{.*}}, %[[LOG]]
  // CHECK: %[[T2:.*]] = vlp.select %[[OK]], %[[BOUND]], %[[T1]]
  // CHECK: vlp.write @w, %[[W1]]
  // CHECK: vlp.write @"adam.m/w", %[[M1]]
  // CHECK: vlp.write @"adam.v/w", %[[V1]]
  // CHECK: vlp.write @logit_scale, %[[T2]]
  // CHECK: vlp.write @train.step, %[[STEP]]
  // CHECK: return %{{.*}}, %[[NORM]], %[[RATE]], %[[OK]]
  func.func @train() -> (tensor<f32> {vlp.name = "loss"}, tensor<4x3xf32> {vlp.gradient = @w}, tensor<f32> {vlp.gradient = @logit_scale}) attributes {vlp.entry = "train", vlp.optimizer = "adamw"} {
    %w = vlp.read @w : tensor<4x3xf32>
    %t = vlp.read @logit_scale : tensor<f32>
    return %t, %w, %t : tensor<f32>, tensor<4x3xf32>, tensor<f32>
  }
}
