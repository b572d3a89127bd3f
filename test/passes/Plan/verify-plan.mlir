// The checker accepts sound plans and finds each kind of wrong one.
// RUN: vlp-opt %s --vlp-verify-plan --split-input-file --verify-diagnostics

// Sound: in place where the kernel allows it, a slot reused after its value died.
plan.kernel @k "elementwise" stages [#plan.stage<"", ["in0", "out0"], 1>] in_place [0, 0] {
^bb0(%x: tensor<8xf32>):
  %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    %b = vlp.gelu %a : (tensor<8xf32>) -> tensor<8xf32>
    vlp.yield %b : tensor<8xf32>
  }
}
plan.entry @e inputs [#plan.tensor<"x", tensor<8xf32>, <input, 0, 32, 0>>] outputs [#plan.tensor<"y", tensor<8xf32>, <output, 0, 32, 3>>]
    initial [] final [] arena 64 input 64 output 64 {
  plan.launch @k stage 0 [#plan.slot<input, 0, 32, 0>, #plan.slot<arena, 0, 32, 1>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
  plan.launch @k stage 0 [#plan.slot<arena, 0, 32, 1>, #plan.slot<arena, 0, 32, 2>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
  plan.launch @k stage 0 [#plan.slot<arena, 0, 32, 2>, #plan.slot<output, 0, 32, 3>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
}

// -----

// Two live values share a byte: the first is gone when it is read.
plan.kernel @k "elementwise" stages [#plan.stage<"", ["in0", "out0"], 1>] in_place [] {
^bb0(%x: tensor<32xf32>):
  %y = vlp.kernel "elementwise" (%x) : (tensor<32xf32>) -> tensor<32xf32> {
  ^bb0(%a: tensor<32xf32>):
    %b = vlp.gelu %a : (tensor<32xf32>) -> tensor<32xf32>
    vlp.yield %b : tensor<32xf32>
  }
}
plan.entry @overlap inputs [#plan.tensor<"x", tensor<32xf32>, <input, 0, 128, 0>>] outputs [#plan.tensor<"y", tensor<32xf32>, <output, 0, 128, 3>>]
    initial [] final [] arena 192 input 128 output 128 {
  plan.launch @k stage 0 [#plan.slot<input, 0, 128, 0>, #plan.slot<arena, 0, 128, 1>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
  plan.launch @k stage 0 [#plan.slot<input, 0, 128, 0>, #plan.slot<arena, 64, 128, 2>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
  // expected-error @+1 {{(argument 'in0') to hold value 1, got value 2 at byte 64}}
  plan.launch @k stage 0 [#plan.slot<arena, 0, 128, 1>, #plan.slot<output, 0, 128, 3>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
}

// -----

// In place without permission, a value that nobody made, an output that is never written, an undeclared state.
plan.state parameter @p : tensor<8xf32> at <state, 0, 32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}
plan.kernel @k "elementwise" stages [#plan.stage<"", ["in0", "out0"], 1>] in_place [] {
^bb0(%x: tensor<8xf32>):
  %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    %b = vlp.gelu %a : (tensor<8xf32>) -> tensor<8xf32>
    vlp.yield %b : tensor<8xf32>
  }
}
// expected-error @+1 {{(output 'y' at the end) to hold value 9, got nothing at byte 0}}
plan.entry @wrong inputs [#plan.tensor<"x", tensor<8xf32>, <input, 0, 32, 0>>] outputs [#plan.tensor<"y", tensor<8xf32>, <output, 0, 32, 9>>]
    initial [] final [] arena 128 input 64 output 64 {
  plan.launch @k stage 0 [#plan.slot<input, 0, 32, 0>, #plan.slot<arena, 0, 32, 1>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
  // expected-error @+1 {{expected 'out0' apart from 'in0'}}
  plan.launch @k stage 0 [#plan.slot<arena, 0, 32, 1>, #plan.slot<arena, 0, 32, 2>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
  // expected-error @+2 {{(argument 'in0') to hold value 5, got nothing at byte 64}}
  // expected-error @+1 {{expected writes to declared state only}}
  plan.launch @k stage 0 [#plan.slot<arena, 64, 32, 5>, #plan.slot<state, 0, 32, 6>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
  // expected-error @+1 {{expected a copy to keep the value 2, got 4}}
  plan.copy #plan.slot<arena, 0, 32, 2> to #plan.slot<arena, 64, 32, 4> {layer = ""}
}
