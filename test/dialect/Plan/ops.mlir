// The textual form of every plan op, parsed, printed and parsed again.
// RUN: vlp-opt %s | FileCheck %s
// RUN: vlp-opt %s | vlp-opt | FileCheck %s
// RUN: vlp-opt %s --mlir-print-op-generic | vlp-opt | FileCheck %s

// CHECK: plan.state parameter @visual.proj : tensor<64x16xf32> at <state, 0, 4096> {decay, init = #vlp.init<normal, 0.000000e+00 : f64, 1.250000e-01 : f64>, trainable}
plan.state parameter @"visual.proj" : tensor<64x16xf32> at <state, 0, 4096> {init = #vlp.init<normal, 0.0 : f64, 0.125 : f64>, trainable, decay}
// CHECK: plan.state scalar @train.learning_rate : tensor<f32> at <state, 4096, 4> {doc = "peak learning rate"
plan.state scalar @"train.learning_rate" : tensor<f32> at <state, 4096, 4> {init = #vlp.init<constant, 1.0e-3 : f64, 0.0 : f64>, doc = "peak learning rate"}
// CHECK: plan.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32> at <constants, 0, 8>
plan.constant dense<[1.0, 2.0]> : tensor<2xf32> at <constants, 0, 8>
// CHECK: plan.kernel @elementwise_8_0a1b2c3d "elementwise" stages [#plan.stage<"_pack", ["in0", "part0"], 1>, #plan.stage<"", ["part0", "out0"], 1>] in_place [0, 0] {
plan.kernel @elementwise_8_0a1b2c3d "elementwise" stages [#plan.stage<"_pack", ["in0", "part0"], 1>, #plan.stage<"", ["part0", "out0"], 1>] in_place [0, 0] {
^bb0(%x: tensor<8xf32>):
  %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    %b = vlp.gelu %a : (tensor<8xf32>) -> tensor<8xf32>
    vlp.yield %b : tensor<8xf32>
  }
}
// CHECK: plan.entry @encode inputs [#plan.tensor<"x", tensor<8xf32>, <input, 0, 32, 0>>] outputs [#plan.tensor<"y", tensor<8xf32>, <output, 0, 32, 1>>] initial [#plan.slot<state, 0, 4096, 2>] final [] arena 64 input 64 output 64 options {batch = 1 : i64} {
plan.entry @encode inputs [#plan.tensor<"x", tensor<8xf32>, <input, 0, 32, 0>>] outputs [#plan.tensor<"y", tensor<8xf32>, <output, 0, 32, 1>>]
    initial [#plan.slot<state, 0, 4096, 2>] final [] arena 64 input 64 output 64 options {batch = 1 : i64} {
  // CHECK: plan.launch @elementwise_8_0a1b2c3d stage 0 [#plan.slot<input, 0, 32, 0>, #plan.slot<arena, 0, 48, 3>] {backward, bytes = 6.400000e+01 : f64, flops = 0.000000e+00 : f64, layer = "act", scratch = 128 : i64, tasks = 2 : i64, written = 1 : i64}
  plan.launch @elementwise_8_0a1b2c3d stage 0 [#plan.slot<input, 0, 32, 0>, #plan.slot<arena, 0, 48, 3>] {tasks = 2 : i64, scratch = 128 : i64, written = 1 : i64, layer = "act", flops = 0.0 : f64, bytes = 64.0 : f64, backward}
  plan.launch @elementwise_8_0a1b2c3d stage 1 [#plan.slot<arena, 0, 48, 3>, #plan.slot<output, 0, 32, 1>] {tasks = 2 : i64, scratch = 0 : i64, written = 1 : i64, layer = "act", flops = 0.0 : f64, bytes = 0.0 : f64}
}
// CHECK: plan.entry @step {{.*}} finite "finite" {
plan.entry @step inputs [] outputs [#plan.tensor<"finite", tensor<i32>, <output, 0, 4, 1>>] initial [#plan.slot<state, 4096, 4, 1>] final [] arena 0 input 0 output 64 finite "finite" {
  // CHECK: plan.copy #plan.slot<state, 4096, 4, 1> to #plan.slot<output, 0, 4, 1> {layer = "pass"}
  plan.copy #plan.slot<state, 4096, 4, 1> to #plan.slot<output, 0, 4, 1> {layer = "pass"}
}
