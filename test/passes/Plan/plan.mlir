// Planning with the generic target: slots, in-place results, state updates, copies.
// RUN: vlp-opt %s --vlp-form-kernels --vlp-plan --vlp-verify-plan --split-input-file --verify-diagnostics | FileCheck %s

// Parameters first (with decay before without), then moments kind by kind in the same order, counters, scalars: a parameter and its
// moments are a constant distance apart.
// CHECK-LABEL: module
// CHECK-NEXT: plan.state parameter @w : tensor<16xf32> at <state, 0, 64>
// CHECK-SAME: decay
// CHECK-NEXT: plan.state parameter @b : tensor<17xf32> at <state, 64, 68>
// CHECK-NEXT: plan.state moment @"adam.m/w" : tensor<16xf32> at <state, 192, 64>
// CHECK-NEXT: plan.state moment @"adam.m/b" : tensor<17xf32> at <state, 256, 68>
// CHECK-NEXT: plan.state moment @"adam.v/w" : tensor<16xf32> at <state, 384, 64>
// CHECK-NEXT: plan.state moment @"adam.v/b" : tensor<17xf32> at <state, 448, 68>
// CHECK-NEXT: plan.state counter @train.step : tensor<i32> at <state, 576, 4>
// CHECK-NEXT: plan.state scalar @train.lr : tensor<f32> at <state, 640, 4>
// CHECK-SAME: doc = "peak learning rate"
module @layout {
  vlp.variable scalar @"train.lr" : tensor<f32> {init = #vlp.init<constant, 0.001 : f64, 0.0 : f64>, doc = "peak learning rate"}
  vlp.variable counter @"train.step" : tensor<i32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}
  vlp.parameter @b : tensor<17xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>, trainable}
  vlp.variable moment @"adam.v/b" : tensor<17xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>, of = "b"}
  vlp.variable moment @"adam.m/b" : tensor<17xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>, of = "b"}
  vlp.parameter @w : tensor<16xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable, decay}
  vlp.variable moment @"adam.m/w" : tensor<16xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>, of = "w"}
  vlp.variable moment @"adam.v/w" : tensor<16xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>, of = "w"}
}

// -----

// Inputs are read where they are, results are made in their output slots, equal kernels are emitted once, locations become layers.
// CHECK-LABEL: module @module_encode
// CHECK: plan.kernel @[[LN:layer_norm_4x8_[0-9a-f]+]] "layer_norm" stages [#plan.stage<"", ["in0", "in1", "out0"], 1>]
// CHECK-NOT: plan.kernel @layer_norm
// CHECK: plan.entry @encode
// CHECK-SAME: inputs [#plan.tensor<"x", tensor<4x8xf32>, <input, 0, 128, 0>>, #plan.tensor<"g", tensor<8xf32>, <input, 128, 32, 1>>]
// CHECK-SAME: outputs [#plan.tensor<"y", tensor<4x8xf32>, <output, 0, 128, 3>>]
// CHECK-SAME: arena 128 input 192 output 128 options {batch = 4 : i64}
// CHECK-NEXT: plan.launch @[[LN]] stage 0 [#plan.slot<input, 0, 128, 0>, #plan.slot<input, 128, 32, 1>, #plan.slot<arena, 0, 128, 2>]
// CHECK-SAME: layer = "blocks.0.ln"
// CHECK-NEXT: plan.launch @[[LN]] stage 0 [#plan.slot<arena, 0, 128, 2>, #plan.slot<input, 128, 32, 1>, #plan.slot<output, 0, 128, 3>]
// CHECK-SAME: layer = "blocks.1.ln"
module @module_encode {
  func.func @encode(%x: tensor<4x8xf32> {vlp.name = "x"}, %g: tensor<8xf32> {vlp.name = "g"}) -> (tensor<4x8xf32> {vlp.name = "y"}) attributes {vlp.entry, vlp.options = {batch = 4 : i64}} {
    %a, %m0, %r0 = vlp.layer_norm %x, %g, %g {eps = 1.0e-5 : f64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>) loc("blocks.0.ln")
    %b, %m1, %r1 = vlp.layer_norm %a, %g, %g {eps = 1.0e-5 : f64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>) loc("blocks.1.ln")
    return %b : tensor<4x8xf32>
  }
}

// -----

// An elementwise result takes the buffer of its dying input, here the output slot of the last of the chain.
// CHECK-LABEL: module @module_in_place
// CHECK: plan.entry @in_place
// CHECK-SAME: arena 0
// CHECK-NEXT: plan.launch {{.*}} [#plan.slot<input, 0, 128, 0>, #plan.slot<input, 0, 128, 0>, #plan.slot<output, 0, 128, 1>]
// CHECK-NEXT: plan.launch {{.*}} [#plan.slot<output, 0, 128, 1>, #plan.slot<output, 0, 128, 2>]
module @module_in_place {
  func.func @in_place(%x: tensor<4x8xf32>) -> tensor<4x8xf32> attributes {vlp.entry} {
    %a = vlp.kernel "concat" (%x, %x) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32> {
    ^bb0(%p: tensor<4x8xf32>, %q: tensor<4x8xf32>):
      %0 = vlp.slice %p {offsets = array<i64: 0, 0>, sizes = array<i64: 4, 4>} : (tensor<4x8xf32>) -> tensor<4x4xf32>
      %1 = vlp.slice %q {offsets = array<i64: 0, 0>, sizes = array<i64: 4, 4>} : (tensor<4x8xf32>) -> tensor<4x4xf32>
      %2 = vlp.concat %0, %1 {axis = 1 : i64} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x8xf32>
      vlp.yield %2 : tensor<4x8xf32>
    }
    %b = vlp.exp %a : (tensor<4x8xf32>) -> tensor<4x8xf32>
    return %b : tensor<4x8xf32>
  }
}

// -----

// State is updated in place: by the kernel that reads the old value last, and by one that follows all readers.
// CHECK-LABEL: module @module_train_step
// CHECK: plan.entry @train_step
// CHECK-SAME: initial [#plan.slot<state, 0, 32, [[P:[0-9]+]]>, #plan.slot<state, 192, 4, [[STEP:[0-9]+]]>, #plan.slot<state, 64, 32, [[M:[0-9]+]]>, #plan.slot<state, 128, 32, [[V:[0-9]+]]>]
// CHECK-SAME: final
// CHECK-SAME: #plan.slot<state, 0, 32,
// CHECK-NOT: plan.copy
// CHECK: plan.launch @adamw{{.*}} [#plan.slot<state, 0, 32, [[P]]>, {{.*}}#plan.slot<state, 0, 32, [[PN:[0-9]+]]>, #plan.slot<state, 64, 32, {{[0-9]+}}>, #plan.slot<state, 128, 32, {{[0-9]+}}>]
// CHECK-SAME: written = 3
// CHECK: plan.launch @elementwise{{.*}} [#plan.slot<state, 192, 4, [[STEP]]>, #plan.slot<state, 192, 4, {{[0-9]+}}>]
module @module_train_step {
  vlp.parameter @p : tensor<8xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable, decay}
  vlp.variable moment @"adam.m/p" : tensor<8xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>, of = "p"}
  vlp.variable moment @"adam.v/p" : tensor<8xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>, of = "p"}
  vlp.variable counter @step : tensor<i32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}
  func.func @train_step(%g: tensor<8xf32>, %lr: tensor<f32>, %ok: tensor<i32>) attributes {vlp.entry} {
    %p = vlp.read @p : tensor<8xf32>
    %t = vlp.read @step : tensor<i32>
    %m = vlp.read @"adam.m/p" : tensor<8xf32>
    %v = vlp.read @"adam.v/p" : tensor<8xf32>
    %one = vlp.constant dense<1> : tensor<i32>
    %p1, %m1, %v1 = vlp.adamw %p, %g, %m, %v, %t, %lr, %lr, %lr, %lr, %lr, %lr, %ok {decay} : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
    %t1 = vlp.add %t, %one : (tensor<i32>, tensor<i32>) -> tensor<i32>
    vlp.write @p, %p1 : tensor<8xf32>
    vlp.write @"adam.m/p", %m1 : tensor<8xf32>
    vlp.write @"adam.v/p", %v1 : tensor<8xf32>
    vlp.write @step, %t1 : tensor<i32>
    return
  }
}

// -----

// Where the old value is read later, the new one waits in the arena and is copied at the end.
// CHECK-LABEL: module @module_late_reader
// CHECK: plan.entry @late_reader
// CHECK: plan.launch {{.*}}#plan.slot<arena, 0, 32, [[N:[0-9]+]]>]
// CHECK: plan.launch
// CHECK-NEXT: plan.copy #plan.slot<arena, 0, 32, [[N]]> to #plan.slot<state, 0, 32, [[N]]>
module @module_late_reader {
  vlp.parameter @p : tensor<8xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
  func.func @late_reader(%w: tensor<8x8xf32>) -> tensor<8xf32> attributes {vlp.entry} {
    %p = vlp.read @p : tensor<8xf32>
    %n = vlp.linear %p, %w : (tensor<8xf32>, tensor<8x8xf32>) -> tensor<8xf32> loc("first")
    %y, %norm = vlp.l2_normalize %p {eps = 0.0 : f64} : (tensor<8xf32>) -> (tensor<8xf32>, tensor<f32>) loc("second")
    // expected-remark @+1 {{'p' is updated by a copy: 'second' reads the old value later}}
    vlp.write @p, %n : tensor<8xf32>
    return %y : tensor<8xf32>
  }
}

// -----

// Where the kernel reads other elements of the old value than it writes, it may not run in place.
// CHECK-LABEL: module @module_not_in_place
// CHECK: plan.copy #plan.slot<arena, 0, 32, [[N:[0-9]+]]> to #plan.slot<state, 0, 32, [[N]]>
module @module_not_in_place {
  vlp.parameter @p : tensor<8xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
  func.func @not_in_place(%w: tensor<8x8xf32>) attributes {vlp.entry} {
    %p = vlp.read @p : tensor<8xf32>
    %n = vlp.linear %p, %w : (tensor<8xf32>, tensor<8x8xf32>) -> tensor<8xf32>
    // expected-remark @+1 {{'p' is updated by a copy: the kernel 'matmul' that makes it may not overwrite the old value}}
    vlp.write @p, %n : tensor<8xf32>
    return
  }
}

// -----

// Two symbols that exchange their values: both old values are read before either changes.
// CHECK-LABEL: module @module_swap
// CHECK: plan.entry @swap
// CHECK-NEXT: plan.copy #plan.slot<state, 64, 32, [[B:[0-9]+]]> to #plan.slot<arena, [[OB:[0-9]+]], 32, [[B]]>
// CHECK-NEXT: plan.copy #plan.slot<state, 0, 32, [[A:[0-9]+]]> to #plan.slot<arena, [[OA:[0-9]+]], 32, [[A]]>
// CHECK-NEXT: plan.copy #plan.slot<arena, [[OB]], 32, [[B]]> to #plan.slot<state, 0, 32, [[B]]>
// CHECK-NEXT: plan.copy #plan.slot<arena, [[OA]], 32, [[A]]> to #plan.slot<state, 64, 32, [[A]]>
module @module_swap {
  vlp.parameter @a : tensor<8xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
  vlp.parameter @b : tensor<8xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
  func.func @swap() attributes {vlp.entry} {
    %a = vlp.read @a : tensor<8xf32>
    %b = vlp.read @b : tensor<8xf32>
    // expected-remark @+1 {{'a' is updated by a copy: its new value is not made by a kernel}}
    vlp.write @a, %b : tensor<8xf32>
    // expected-remark @+1 {{'b' is updated by a copy: its new value is not made by a kernel}}
    vlp.write @b, %a : tensor<8xf32>
    return
  }
}

// -----

// Returned inputs, constants, old state and values returned twice are copied; an unchanged state is not written; data lies in the
// constants region once.
// CHECK-LABEL: module @module_copies
// CHECK: plan.constant dense<[1.0{{.*}}]> : tensor<2xf32> at <constants, 0, 8>
// CHECK-NOT: plan.constant
// CHECK: plan.entry @copies
// CHECK-SAME: outputs [#plan.tensor<"output0", tensor<2xf32>, <output, 0, 8, 0>>, #plan.tensor<"output1", tensor<2xf32>, <output, 64, 8>>,
// CHECK-SAME: final []
// CHECK-NEXT: plan.copy #plan.slot<input, 0, 8, 0> to #plan.slot<output, 0, 8, 0>
// CHECK-NEXT: plan.copy #plan.slot<constants, 0, 8> to #plan.slot<output, 64, 8>
// CHECK-NEXT: plan.copy #plan.slot<state, 0, 8, [[P:[0-9]+]]> to #plan.slot<output, 128, 8, [[P]]>
// CHECK-NEXT: plan.launch {{.*}}#plan.slot<output, 192, 8, [[Y:[0-9]+]]>]
// CHECK-NEXT: plan.copy #plan.slot<output, 192, 8, [[Y]]> to #plan.slot<output, 256, 8, [[Y]]>
module @module_copies {
  vlp.parameter @p : tensor<2xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
  func.func @copies(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x1xf32>) attributes {vlp.entry} {
    %p = vlp.read @p : tensor<2xf32>
    %c = vlp.constant dense<[1.0, 2.0]> : tensor<2xf32>
    %d = vlp.constant dense<[1.0, 2.0]> : tensor<2xf32>
    %y = vlp.add %x, %d : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    %z = vlp.reshape %y : (tensor<2xf32>) -> tensor<2x1xf32>
    vlp.write @p, %p : tensor<2xf32>
    return %x, %c, %p, %y, %z : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x1xf32>
  }
}

// -----

// A new value of state that is returned too lives in the state and is copied out at the end.
// CHECK-LABEL: module @module_train
// CHECK: plan.entry @train
// CHECK-SAME: finite "finite"
// CHECK: plan.launch {{.*}} [#plan.slot<state, 0, 8, 1>, #plan.slot<state, 0, 8, 2>]
// CHECK: plan.copy #plan.slot<state, 0, 8, 2> to #plan.slot<output, 64, 8, 2>
module @module_train {
  vlp.parameter @p : tensor<2xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
  func.func @train(%ok: tensor<i32>) -> (tensor<i32> {vlp.name = "finite"}, tensor<2xf32> {vlp.name = "p"}) attributes {vlp.entry} {
    %p = vlp.read @p : tensor<2xf32>
    %n = vlp.neg %p : (tensor<2xf32>) -> tensor<2xf32>
    vlp.write @p, %n : tensor<2xf32>
    return %ok, %n : tensor<i32>, tensor<2xf32>
  }
}
