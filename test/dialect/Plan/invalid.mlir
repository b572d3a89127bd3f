// One case for each constraint of the plan ops.
// RUN: vlp-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{expected an offset that is a multiple of 64, got 32}}
plan.constant dense<1.0> : tensor<2xf32> at <constants, 32, 8>

// -----

// expected-error @+1 {{expected a size of at least 0 bytes, got -8}}
plan.constant dense<1.0> : tensor<2xf32> at <constants, 0, -8>

// -----

// state_c1
// expected-error @+1 {{expected a slot in the state region, got arena}}
plan.state parameter @p : tensor<2xf32> at <arena, 0, 8> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}

// -----

// state_c2
// expected-error @+1 {{expected a slot of 8 bytes for 'tensor<2xf32>', got 12}}
plan.state parameter @p : tensor<2xf32> at <state, 0, 12> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}

// -----

// constant_c1
// expected-error @+1 {{expected a slot in the constants region, got state}}
plan.constant dense<1.0> : tensor<2xf32> at <state, 0, 8>

// -----

// constant_c2
// expected-error @+1 {{expected a slot of 8 bytes for 'tensor<2xf32>', got 4}}
plan.constant dense<1.0> : tensor<2xf32> at <constants, 0, 4>

// -----

// kernel_c1
// expected-error @+1 {{expected a body of one vlp.kernel on the block's arguments, in order}}
plan.kernel @k "elementwise" stages [#plan.stage<"", ["in0", "out0"], 1>] in_place [] {
^bb0(%x: tensor<8xf32>):
  %y = vlp.gelu %x : (tensor<8xf32>) -> tensor<8xf32>
}

// -----

// kernel_c2
// expected-error @+1 {{expected at least one stage}}
plan.kernel @k "elementwise" stages [] in_place [] {
^bb0(%x: tensor<8xf32>):
  %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    vlp.yield %a : tensor<8xf32>
  }
}

// -----

// kernel_c3
// expected-error @+1 {{expected stage arguments in<i>, out<i> or part<i> of the kernel, got "in1"}}
plan.kernel @k "elementwise" stages [#plan.stage<"", ["in1", "out0"], 1>] in_place [] {
^bb0(%x: tensor<8xf32>):
  %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    vlp.yield %a : tensor<8xf32>
  }
}

// -----

// expected-error @+1 {{expected each stage argument once, got "in0" twice}}
plan.kernel @k "elementwise" stages [#plan.stage<"", ["in0", "in0", "out0"], 1>] in_place [] {
^bb0(%x: tensor<8xf32>):
  %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    vlp.yield %a : tensor<8xf32>
  }
}

// -----

// expected-error @+1 {{expected a stage that writes 1 to 2 arguments, got 3}}
plan.kernel @k "elementwise" stages [#plan.stage<"", ["in0", "out0"], 3>] in_place [] {
^bb0(%x: tensor<8xf32>):
  %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    vlp.yield %a : tensor<8xf32>
  }
}

// -----

// kernel_c4
// expected-error @+1 {{expected in_place pairs of a result and an input of the kernel, got (0, 1)}}
plan.kernel @k "elementwise" stages [#plan.stage<"", ["in0", "out0"], 1>] in_place [0, 1] {
^bb0(%x: tensor<8xf32>):
  %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    vlp.yield %a : tensor<8xf32>
  }
}

// -----

// entry_c1
// expected-error @+1 {{expected 'x' within the 16 bytes of the input region, got an end at 32}}
plan.entry @e inputs [#plan.tensor<"x", tensor<8xf32>, <input, 0, 32, 0>>] outputs [] initial [] final [] arena 0 input 16 output 0 {
}

// -----

// expected-error @+1 {{expected inputs and outputs that do not overlap, got 'y' over 'x'}}
plan.entry @e inputs [#plan.tensor<"x", tensor<32xf32>, <input, 0, 128, 0>>, #plan.tensor<"y", tensor<8xf32>, <input, 64, 32, 1>>] outputs [] initial [] final [] arena 0 input 128 output 0 {
}

// -----

// entry_c2
// expected-error @+1 {{expected launches and copies, got 'plan.constant'}}
plan.entry @e inputs [] outputs [] initial [] final [] arena 0 input 0 output 0 {
  plan.constant dense<1.0> : tensor<2xf32> at <constants, 0, 8>
}

// -----

// entry_c3
plan.entry @e inputs [#plan.tensor<"x", tensor<8xf32>, <input, 0, 32, 0>>] outputs [] initial [] final [] arena 64 input 64 output 0 {
  // expected-error @+1 {{expected arena slots within 64 bytes, got an end at 96}}
  plan.copy #plan.slot<input, 0, 32, 0> to #plan.slot<arena, 64, 32, 0> {layer = ""}
}

// -----

// entry_c4
// expected-error @+1 {{expected finite_flag to name an i32 output, got 'finite'}}
plan.entry @e inputs [] outputs [#plan.tensor<"finite", tensor<f32>, <output, 0, 4, 0>>] initial [] final [] arena 0 input 0 output 64 finite "finite" {
}

// -----

// launch_c1
plan.entry @e inputs [] outputs [] initial [] final [] arena 64 input 0 output 0 {
  // expected-error @+1 {{expected a plan.kernel named 'missing'}}
  plan.launch @missing stage 0 [#plan.slot<arena, 0, 32, 1>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
}

// -----

plan.kernel @k "elementwise" stages [#plan.stage<"", ["in0", "out0"], 1>] in_place [] {
^bb0(%x: tensor<8xf32>):
  %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    vlp.yield %a : tensor<8xf32>
  }
}
plan.entry @stage inputs [] outputs [] initial [] final [] arena 128 input 0 output 0 {
  // expected-error @+1 {{expected one of 1 stages, got stage 1}}
  plan.launch @k stage 1 [#plan.slot<arena, 0, 32, 1>, #plan.slot<arena, 64, 32, 2>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
}

// -----

// launch_c2
plan.kernel @k "elementwise" stages [#plan.stage<"", ["in0", "out0"], 1>] in_place [] {
^bb0(%x: tensor<8xf32>):
  %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    vlp.yield %a : tensor<8xf32>
  }
}
plan.entry @count inputs [] outputs [] initial [] final [] arena 128 input 0 output 0 {
  // expected-error @+1 {{expected 2 arguments with 1 written, got 1 with 1}}
  plan.launch @k stage 0 [#plan.slot<arena, 64, 32, 2>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
}

// -----

plan.kernel @k "elementwise" stages [#plan.stage<"", ["in0", "out0"], 1>] in_place [] {
^bb0(%x: tensor<8xf32>):
  %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    vlp.yield %a : tensor<8xf32>
  }
}
plan.entry @size inputs [] outputs [] initial [] final [] arena 128 input 0 output 0 {
  // expected-error @+1 {{expected 32 bytes for argument "in0", got 36}}
  plan.launch @k stage 0 [#plan.slot<arena, 0, 36, 1>, #plan.slot<arena, 64, 32, 2>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
}

// -----

plan.entry @e inputs [] outputs [] initial [] final [] arena 64 input 0 output 0 {
  // expected-error @+1 {{expected 1 to 1 written arguments, got 2}}
  plan.launch @k stage 0 [#plan.slot<arena, 0, 32, 1>] {tasks = 1 : i64, scratch = 0 : i64, written = 2 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
}

// -----

// launch_c3
plan.entry @e inputs [] outputs [] initial [] final [] arena 64 input 64 output 0 {
  // expected-error @+1 {{expected no written argument in the input region}}
  plan.launch @k stage 0 [#plan.slot<arena, 0, 32, 1>, #plan.slot<input, 0, 32, 2>] {tasks = 1 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
}

// -----

// launch_c4
plan.entry @e inputs [] outputs [] initial [] final [] arena 64 input 0 output 0 {
  // expected-error @+1 {{expected at least one task, got 0}}
  plan.launch @k stage 0 [#plan.slot<arena, 0, 32, 1>] {tasks = 0 : i64, scratch = 0 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
}

// -----

plan.entry @e inputs [] outputs [] initial [] final [] arena 64 input 0 output 0 {
  // expected-error @+1 {{expected scratch of at least 0 bytes, got -1}}
  plan.launch @k stage 0 [#plan.slot<arena, 0, 32, 1>] {tasks = 1 : i64, scratch = -1 : i64, written = 1 : i64, layer = "", flops = 0.0 : f64, bytes = 0.0 : f64}
}

// -----

// copy_c1
plan.entry @e inputs [] outputs [] initial [] final [] arena 128 input 0 output 0 {
  // expected-error @+1 {{expected slots of equal size, got 32 and 16 bytes}}
  plan.copy #plan.slot<arena, 0, 32> to #plan.slot<arena, 64, 16> {layer = ""}
}

// -----

// copy_c2
plan.entry @e inputs [] outputs [] initial [] final [] arena 192 input 0 output 0 {
  // expected-error @+1 {{expected slots that do not overlap}}
  plan.copy #plan.slot<arena, 0, 128> to #plan.slot<arena, 64, 128> {layer = ""}
}

// -----

// copy_c3
plan.entry @e inputs [] outputs [] initial [] final [] arena 64 input 0 output 0 {
  // expected-error @+1 {{expected no destination in the constants region}}
  plan.copy #plan.slot<arena, 0, 32> to #plan.slot<constants, 0, 32> {layer = ""}
}
