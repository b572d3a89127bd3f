// Kernel formation: anchors, views inside, epilogues, and when each fusion declines.
// RUN: vlp-opt %s --vlp-form-kernels=remarks --split-input-file --verify-diagnostics | FileCheck %s
// RUN: vlp-opt %s --vlp-form-kernels="fuse-epilogues=false fuse-prologues=false fuse-attention-concat=false" --split-input-file | FileCheck %s --check-prefix=PLAIN

// Slices of one projection are read in place; unused statistics are not yielded; the residual is an epilogue.
// CHECK-LABEL: func.func @attention_block
// CHECK: %[[QKV:.*]] = vlp.kernel "matmul"(%arg0, %arg1)
// CHECK: %[[A:.*]] = vlp.kernel "attention"(%[[QKV]]) : (tensor<2x5x24xf32>) -> tensor<2x5x8xf32>
// CHECK: vlp.slice %{{.*}} {offsets = array<i64: 0, 0, 0>
// CHECK: vlp.slice %{{.*}} {offsets = array<i64: 0, 0, 8>
// CHECK: vlp.slice %{{.*}} {offsets = array<i64: 0, 0, 16>
// CHECK: vlp.yield %{{.*}} : tensor<2x5x8xf32>
// CHECK: %[[R:.*]] = vlp.kernel "matmul"(%[[A]], %arg2, %arg0)
// CHECK: vlp.linear
// CHECK: vlp.add
// CHECK: vlp.yield %{{[^,]*}} : tensor<2x5x8xf32>
// CHECK: return %[[R]]
// PLAIN-LABEL: func.func @attention_block
// PLAIN: vlp.kernel "matmul"
// PLAIN: vlp.kernel "attention"
// PLAIN: vlp.kernel "matmul"
// PLAIN: vlp.kernel "elementwise"
// PLAIN-NEXT: ^bb0
// PLAIN-NEXT: vlp.add
func.func @attention_block(%x: tensor<2x5x8xf32>, %wi: tensor<24x8xf32>, %wo: tensor<8x8xf32>) -> tensor<2x5x8xf32> {
  %qkv = vlp.linear %x, %wi : (tensor<2x5x8xf32>, tensor<24x8xf32>) -> tensor<2x5x24xf32>
  %q = vlp.slice %qkv {offsets = array<i64: 0, 0, 0>, sizes = array<i64: 2, 5, 8>} : (tensor<2x5x24xf32>) -> tensor<2x5x8xf32>
  %k = vlp.slice %qkv {offsets = array<i64: 0, 0, 8>, sizes = array<i64: 2, 5, 8>} : (tensor<2x5x24xf32>) -> tensor<2x5x8xf32>
  %v = vlp.slice %qkv {offsets = array<i64: 0, 0, 16>, sizes = array<i64: 2, 5, 8>} : (tensor<2x5x24xf32>) -> tensor<2x5x8xf32>
  %a, %lse = vlp.attention %q, %k, %v {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x2x5xf32>)
  %o = vlp.linear %a, %wo : (tensor<2x5x8xf32>, tensor<8x8xf32>) -> tensor<2x5x8xf32>
  %r = vlp.add %x, %o : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %r : tensor<2x5x8xf32>
}

// -----

// A value with other users than its epilogue is a result too, before the epilogue's.
// CHECK-LABEL: func.func @kept_value
// CHECK: %[[K:.*]]:2 = vlp.kernel "matmul"
// CHECK: %[[H:.*]] = vlp.linear
// CHECK: %[[G:.*]] = vlp.gelu %[[H]]
// CHECK: vlp.yield %[[H]], %[[G]]
// CHECK: return %[[K]]#0, %[[K]]#1
func.func @kept_value(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %h = vlp.linear %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %g = vlp.gelu %h : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %h, %g : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// add(y, f(y)) with f in another kernel would need y before its own kernel ends: it joins the later producer instead.
// CHECK-LABEL: func.func @no_cycle
// CHECK: %[[Y:.*]] = vlp.kernel "matmul"(%arg0, %arg1)
// CHECK: %[[Z:.*]] = vlp.kernel "matmul"(%[[Y]], %arg1)
// CHECK: vlp.add
// CHECK: return %[[Z]]
func.func @no_cycle(%x: tensor<8x8xf32>, %w: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %y = vlp.linear %x, %w : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %z = vlp.linear %y, %w : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %s = vlp.add %y, %z : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %s : tensor<8x8xf32>
}

// -----

// The same with an anchor that takes no epilogue: the only candidate would close a cycle, so the add stays alone.
// CHECK-LABEL: func.func @cycle_declined
// CHECK: vlp.kernel "matmul"
// CHECK: vlp.kernel "attention"
// CHECK: vlp.kernel "elementwise"
// CHECK: vlp.add
func.func @cycle_declined(%x: tensor<2x5x8xf32>, %w: tensor<8x8xf32>) -> tensor<2x5x8xf32> {
  %y = vlp.linear %x, %w : (tensor<2x5x8xf32>, tensor<8x8xf32>) -> tensor<2x5x8xf32>
  %a, %lse = vlp.attention %y, %y, %y {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x2x5xf32>)
  // expected-remark @+1 {{epilogue declined: another operand depends on the producer's result}}
  %s = vlp.add %y, %a : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %s : tensor<2x5x8xf32>
}

// -----

// An operand that is a view of the producer's own result cannot be read inside of the producer.
// CHECK-LABEL: func.func @view_of_own_result
// CHECK: vlp.kernel "matmul"
// CHECK: vlp.kernel "elementwise"
// CHECK: vlp.transpose
// CHECK: vlp.add
func.func @view_of_own_result(%x: tensor<8x8xf32>, %w: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %y = vlp.linear %x, %w : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %t = vlp.transpose %y {permutation = array<i64: 1, 0>} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  // expected-remark @+1 {{epilogue declined: another operand depends on the producer's result}}
  %s = vlp.add %y, %t : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %s : tensor<8x8xf32>
}

// -----

// A large forward value that the backward needs anyway: an epilogue would keep a second one alive until then.
// CHECK-LABEL: func.func @backward_stays_behind
// CHECK: vlp.kernel "matmul"
// CHECK-NOT: vlp.sub
// CHECK: vlp.kernel "elementwise"
func.func @backward_stays_behind(%x: tensor<64x64xf32>, %w: tensor<64x64xf32>, %dy: tensor<64x64xf32>) -> (tensor<64x64xf32>, tensor<64x64xf32>) {
  %one = vlp.constant dense<1.0> : tensor<64x64xf32>
  %y = vlp.linear %x, %w : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  // expected-remark @+1 {{epilogue declined: it would keep two values of the producer alive for too long}}
  %d = vlp.sub %one, %y {vlp.backward} : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %dx = vlp.mul %d, %dy {vlp.backward} : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  return %y, %dx : tensor<64x64xf32>, tensor<64x64xf32>
}

// -----

// Elementwise chains of one shape are one kernel; another shape begins a new one; splats live in the code.
// CHECK-LABEL: func.func @chains
// CHECK: %[[S:.*]] = vlp.kernel "elementwise"(%arg1) : (tensor<f32>) -> tensor<f32>
// CHECK: vlp.exp
// CHECK: %[[Y:.*]] = vlp.kernel "elementwise"(%arg0, %[[S]])
// CHECK: vlp.mul
// CHECK: vlp.constant dense<2.0
// CHECK: vlp.add
// CHECK: return %[[Y]]
func.func @chains(%x: tensor<4x8xf32>, %s: tensor<f32>) -> tensor<4x8xf32> {
  %two = vlp.constant dense<2.0> : tensor<8xf32>
  %e = vlp.exp %s : (tensor<f32>) -> tensor<f32>
  %y = vlp.mul %x, %e : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %z = vlp.add %y, %two : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
  return %z : tensor<4x8xf32>
}

// -----

// A second elementwise producer follows into an anchored kernel if nobody else reads it.
// CHECK-LABEL: func.func @two_producers
// CHECK: vlp.kernel "matmul"(%arg0, %arg1, %arg2)
// CHECK: vlp.linear
// CHECK: vlp.gelu
// CHECK: vlp.mul
// CHECK-NOT: vlp.kernel
// CHECK: return
func.func @two_producers(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %u: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %h = vlp.linear %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %g = vlp.gelu %u : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %m = vlp.mul %h, %g : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %m : tensor<4x8xf32>
}

// -----

// Sums take their elementwise producer along, and an epilogue on what they produce.
// CHECK-LABEL: func.func @reduce
// CHECK: vlp.kernel "reduce"(%arg0, %arg1)
// CHECK: vlp.mul
// CHECK: vlp.reduce_sum
// CHECK: vlp.constant
// CHECK: vlp.mul
// CHECK-NOT: vlp.kernel
// PLAIN-LABEL: func.func @reduce
// PLAIN: vlp.kernel "elementwise"
// PLAIN: vlp.kernel "reduce"
// PLAIN: vlp.kernel "elementwise"
func.func @reduce(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<f32> {
  %scale = vlp.constant dense<0.25> : tensor<f32>
  %p = vlp.mul %x, %y : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %s = vlp.reduce_sum %p {axes = array<i64: 0, 1>} : (tensor<4x8xf32>) -> tensor<f32>
  %m = vlp.mul %s, %scale : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %m : tensor<f32>
}

// -----

// CHECK-LABEL: func.func @prologue_declined
// CHECK: vlp.kernel "elementwise"
// CHECK: vlp.kernel "reduce"
func.func @prologue_declined(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<8xf32>) {
  %p = vlp.exp %x : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-remark @+1 {{prologue declined: the summed value has other users}}
  %s = vlp.reduce_sum %p {axes = array<i64: 0>} : (tensor<4x8xf32>) -> tensor<8xf32>
  return %p, %s : tensor<4x8xf32>, tensor<8xf32>
}

// -----

// The gradients of query, key and value are written side by side.
// CHECK-LABEL: func.func @attention_grad
// CHECK: %[[K:.*]] = vlp.kernel "attention_grad"
// CHECK: vlp.attention_grad
// CHECK: %[[C:.*]] = vlp.concat
// CHECK: vlp.yield %[[C]] : tensor<2x5x24xf32>
// CHECK: return %[[K]]
// PLAIN-LABEL: func.func @attention_grad
// PLAIN: vlp.kernel "attention_grad"
// PLAIN: vlp.kernel "concat"
func.func @attention_grad(%q: tensor<2x5x8xf32>, %y: tensor<2x5x8xf32>, %lse: tensor<2x2x5xf32>, %dy: tensor<2x5x8xf32>) -> tensor<2x5x24xf32> {
  %dq, %dk, %dv = vlp.attention_grad %q, %q, %q, %y, %lse, %dy {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x2x5xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>)
  %c = vlp.concat %dq, %dk, %dv {axis = 2 : i64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x24xf32>
  return %c : tensor<2x5x24xf32>
}

// -----

// CHECK-LABEL: func.func @attention_grad_shared
// CHECK: vlp.kernel "attention_grad"
// CHECK: vlp.kernel "concat"
func.func @attention_grad_shared(%q: tensor<2x5x8xf32>, %lse: tensor<2x2x5xf32>) -> (tensor<2x5x24xf32>, tensor<2x5x8xf32>) {
  %dq, %dk, %dv = vlp.attention_grad %q, %q, %q, %q, %lse, %q {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x2x5xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>)
  // expected-remark @+1 {{concat stays outside of attention_grad: a gradient has other users}}
  %c = vlp.concat %dq, %dk, %dv {axis = 2 : i64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x24xf32>
  return %c, %dq : tensor<2x5x24xf32>, tensor<2x5x8xf32>
}

// -----

// A reshape of a transposed tensor is no strided access: its operand is copied, once for all its reshapes. What is returned
// is dense: a sliced or splat value is copied, a reshaped one is not.
// CHECK-LABEL: func.func @materialized
// CHECK-DAG: %[[C:.*]] = vlp.kernel "elementwise"(%arg0) : (tensor<4x6xf32>) -> tensor<6x4xf32>
// CHECK-DAG: %[[E:.*]] = vlp.kernel "elementwise"(%[[C]]) : (tensor<6x4xf32>) -> tensor<24xf32>
// CHECK-DAG: %[[F:.*]] = vlp.kernel "elementwise"(%[[C]]) : (tensor<6x4xf32>) -> tensor<2x12xf32>
// CHECK-DAG: %[[S:.*]] = vlp.kernel "elementwise"(%arg0) : (tensor<4x6xf32>) -> tensor<2x6xf32>
// CHECK-DAG: %[[Z:.*]] = vlp.kernel "elementwise"() : () -> tensor<3xf32>
// CHECK: %[[R:.*]] = vlp.reshape %[[E]]
// CHECK: return %[[R]], %[[F]], %[[S]], %[[Z]]
func.func @materialized(%x: tensor<4x6xf32>) -> (tensor<8x3xf32>, tensor<2x12xf32>, tensor<2x6xf32>, tensor<3xf32>) {
  %t = vlp.transpose %x {permutation = array<i64: 1, 0>} : (tensor<4x6xf32>) -> tensor<6x4xf32>
  %a = vlp.reshape %t : (tensor<6x4xf32>) -> tensor<24xf32>
  %b = vlp.reshape %t : (tensor<6x4xf32>) -> tensor<2x12xf32>
  %e = vlp.exp %a : (tensor<24xf32>) -> tensor<24xf32>
  %f = vlp.exp %b : (tensor<2x12xf32>) -> tensor<2x12xf32>
  %r = vlp.reshape %e : (tensor<24xf32>) -> tensor<8x3xf32>
  %s = vlp.slice %x {offsets = array<i64: 1, 0>, sizes = array<i64: 2, 6>} : (tensor<4x6xf32>) -> tensor<2x6xf32>
  %z = vlp.constant dense<0.0> : tensor<3xf32>
  return %r, %f, %s, %z : tensor<8x3xf32>, tensor<2x12xf32>, tensor<2x6xf32>, tensor<3xf32>
}

// -----

// Reads come first, writes last; unused ops vanish; data that is no splat stays an operand; stop_gradient is gone.
vlp.variable scalar @"train.a" : tensor<f32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}
vlp.variable scalar @"train.b" : tensor<f32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}
// CHECK-LABEL: func.func @state
// CHECK-NEXT: %[[TABLE:.*]] = vlp.constant dense<[1.0
// CHECK-NEXT: %[[A:.*]] = vlp.read @train.a
// CHECK-NEXT: %[[Y:.*]] = vlp.kernel "elementwise"(%arg0, %[[TABLE]])
// CHECK-NOT: vlp.stop_gradient
// CHECK: %[[N:.*]] = vlp.kernel "elementwise"(%[[A]])
// CHECK: vlp.write @train.a, %[[N]]
// CHECK-NEXT: return %[[Y]]
func.func @state(%x: tensor<2xf32>) -> tensor<2xf32> {
  %table = vlp.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %g = vlp.stop_gradient %x : (tensor<2xf32>) -> tensor<2xf32>
  %y = vlp.add %g, %table : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %unused = vlp.exp %y : (tensor<2xf32>) -> tensor<2xf32>
  %b = vlp.read @"train.b" : tensor<f32>
  %a = vlp.read @"train.a" : tensor<f32>
  %n = vlp.neg %a : (tensor<f32>) -> tensor<f32>
  vlp.write @"train.a", %n : tensor<f32>
  return %y : tensor<2xf32>
}

// -----

// Formed kernels stay as they are.
// CHECK-LABEL: func.func @formed
// CHECK: vlp.kernel "elementwise"(%arg0)
// CHECK: vlp.gelu
// CHECK: vlp.kernel "elementwise"
// CHECK: vlp.exp
func.func @formed(%x: tensor<8xf32>) -> tensor<8xf32> {
  %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    %b = vlp.gelu %a : (tensor<8xf32>) -> tensor<8xf32>
    vlp.yield %b : tensor<8xf32>
  }
  %z = vlp.exp %y : (tensor<8xf32>) -> tensor<8xf32>
  return %z : tensor<8xf32>
}

// -----

// Narrowing casts are epilogues: memory gets what they give, and the value before them only if another reader needs it. Widening casts
// join each of their readers, which thus read the narrow value.
// CHECK-LABEL: func.func @casts
// CHECK: %[[M:.*]] = vlp.kernel "matmul"(%arg0, %arg1) : (tensor<4x8xbf16>, tensor<6x8xbf16>) -> tensor<4x6xbf16>
// CHECK: vlp.linear {{.*}} -> tensor<4x6xf32>
// CHECK-NEXT: vlp.cast {{.*}} -> tensor<4x6xbf16>
// CHECK-NEXT: vlp.yield
// CHECK: vlp.kernel "reduce"(%[[M]]) : (tensor<4x6xbf16>) -> tensor<6xf32>
// CHECK: vlp.cast {{.*}} -> tensor<4x6xf32>
// CHECK-NEXT: vlp.reduce_sum
// CHECK: vlp.kernel "matmul"(%arg2, %arg3, %[[M]]) : (tensor<4x3xbf16>, tensor<6x3xbf16>, tensor<4x6xbf16>) -> tensor<4x6xf32>
// CHECK: vlp.linear
// CHECK-NEXT: vlp.cast {{.*}} -> tensor<4x6xf32>
// CHECK-NEXT: vlp.gelu_grad
// CHECK-NEXT: vlp.yield
// CHECK: vlp.kernel "layer_norm"(%arg4, %arg5) : (tensor<4x6xf32>, tensor<6xf32>) -> (tensor<4xf32>, tensor<4x6xbf16>)
// PLAIN-LABEL: func.func @casts
func.func @casts(%x: tensor<4x8xbf16>, %w: tensor<6x8xbf16>, %d: tensor<4x3xbf16>, %v: tensor<6x3xbf16>, %s: tensor<4x6xf32>, %g: tensor<6xf32>) -> (tensor<6xf32>, tensor<4x6xf32>, tensor<4xf32>, tensor<4x6xbf16>) {
  %y = vlp.linear %x, %w : (tensor<4x8xbf16>, tensor<6x8xbf16>) -> tensor<4x6xf32>
  %b = vlp.cast %y : (tensor<4x6xf32>) -> tensor<4x6xbf16>
  %f = vlp.cast %b : (tensor<4x6xbf16>) -> tensor<4x6xf32>
  %sum = vlp.reduce_sum %f {axes = array<i64: 0>} : (tensor<4x6xf32>) -> tensor<6xf32>
  %dy = vlp.linear %d, %v : (tensor<4x3xbf16>, tensor<6x3xbf16>) -> tensor<4x6xf32>
  %dh = vlp.gelu_grad %f, %dy {vlp.backward} : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<4x6xf32>
  %n, %mean, %rstd = vlp.layer_norm %s, %g, %g {eps = 1.0e-5 : f64} : (tensor<4x6xf32>, tensor<6xf32>, tensor<6xf32>) -> (tensor<4x6xf32>, tensor<4xf32>, tensor<4xf32>)
  %nb = vlp.cast %n : (tensor<4x6xf32>) -> tensor<4x6xbf16>
  return %sum, %dh, %mean, %nb : tensor<6xf32>, tensor<4x6xf32>, tensor<4xf32>, tensor<4x6xbf16>
}
