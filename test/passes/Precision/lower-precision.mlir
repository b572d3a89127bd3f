// Which values become bf16, where casts stand, and what stays in f32 with which remark. The table of rules: PrecisionRules.cpp.
// RUN: vlp-opt %s --vlp-lower-precision=remarks=1 --split-input-file --verify-diagnostics | FileCheck %s

// A block forward: the residual stream and the norms are f32; what a norm or a GELU gives to a product is rounded where it is made;
// query, key and value are rounded once, before they are taken apart; the epilogue of a product sees its accumulators.
// CHECK-LABEL: func.func @forward
// CHECK-SAME: (%[[X:.*]]: tensor<2x5x8xf32>
func.func @forward(%x: tensor<2x5x8xf32>, %g: tensor<8xf32>, %wq: tensor<24x8xf32>, %bq: tensor<24xf32>, %w1: tensor<32x8xf32>, %w2: tensor<8x32xf32>) -> tensor<2x5x8xf32> {
  // CHECK: %[[N:.*]], %{{.*}}, %{{.*}} = vlp.layer_norm %[[X]]
  // CHECK-NEXT: %[[NB:.*]] = vlp.cast %[[N]] : (tensor<2x5x8xf32>) -> tensor<2x5x8xbf16>
  %n, %m, %r = vlp.layer_norm %x, %g, %g {eps = 1.0e-5 : f64} : (tensor<2x5x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5xf32>, tensor<2x5xf32>)
  // CHECK-NEXT: %[[WB:.*]] = vlp.cast %{{.*}} : (tensor<24x8xf32>) -> tensor<24x8xbf16>
  // CHECK-NEXT: %[[QKV:.*]] = vlp.linear %[[NB]], %[[WB]], %{{.*}} : (tensor<2x5x8xbf16>, tensor<24x8xbf16>, tensor<24xf32>) -> tensor<2x5x24xf32>
  // CHECK-NEXT: %[[QKVB:.*]] = vlp.cast %[[QKV]]
  // CHECK-NEXT: %[[Q:.*]] = vlp.slice %[[QKVB]] {{.*}} -> tensor<2x5x8xbf16>
  %qkv = vlp.linear %n, %wq, %bq : (tensor<2x5x8xf32>, tensor<24x8xf32>, tensor<24xf32>) -> tensor<2x5x24xf32>
  %q = vlp.slice %qkv {offsets = array<i64: 0, 0, 0>, sizes = array<i64: 2, 5, 8>} : (tensor<2x5x24xf32>) -> tensor<2x5x8xf32>
  %k = vlp.slice %qkv {offsets = array<i64: 0, 0, 8>, sizes = array<i64: 2, 5, 8>} : (tensor<2x5x24xf32>) -> tensor<2x5x8xf32>
  %v = vlp.slice %qkv {offsets = array<i64: 0, 0, 16>, sizes = array<i64: 2, 5, 8>} : (tensor<2x5x24xf32>) -> tensor<2x5x8xf32>
  // CHECK: %[[A:.*]], %{{.*}} = vlp.attention %[[Q]], {{.*}} -> (tensor<2x5x8xbf16>, tensor<2x2x5xf32>)
  %a, %lse = vlp.attention %q, %k, %v {heads = 2 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x2x5xf32>)
  // An elementwise reader that is no epilogue of a product widens what it reads.
  // CHECK-NEXT: %[[AF:.*]] = vlp.cast %[[A]] : (tensor<2x5x8xbf16>) -> tensor<2x5x8xf32>
  // CHECK-NEXT: %[[Y:.*]] = vlp.add %[[X]], %[[AF]] : (tensor<2x5x8xf32>, tensor<2x5x8xf32>)
  %y = vlp.add %x, %a : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  // The stream is a product's operand without a norm: it is kept in both forms.
  // CHECK-NEXT: %[[YB:.*]] = vlp.cast %[[Y]]
  // CHECK: %[[H:.*]] = vlp.linear %[[YB]], %{{.*}} -> tensor<2x5x32xf32>
  // CHECK-NEXT: %[[G:.*]] = vlp.gelu %[[H]] : (tensor<2x5x32xf32>)
  // CHECK-NEXT: %[[GB:.*]] = vlp.cast %[[G]]
  // CHECK: %[[Z:.*]] = vlp.linear %[[GB]], %{{.*}} -> tensor<2x5x8xf32>
  // CHECK-NEXT: vlp.add %[[Y]], %[[Z]]
  %h = vlp.linear %y, %w1 : (tensor<2x5x8xf32>, tensor<32x8xf32>) -> tensor<2x5x32xf32>
  %e = vlp.gelu %h : (tensor<2x5x32xf32>) -> tensor<2x5x32xf32>
  %z = vlp.linear %e, %w2 : (tensor<2x5x32xf32>, tensor<8x32xf32>) -> tensor<2x5x8xf32>
  %o = vlp.add %y, %z : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// -----

// The backward part: one cast of a weight for both directions; GELU's gradient, the sum for a bias and the norm's gradient read what is stored;
// gradients of parameters leave products in f32.
// CHECK-LABEL: func.func @backward
func.func @backward(%x: tensor<6x8xf32>, %w: tensor<32x8xf32>, %dy: tensor<6x32xf32>, %in: tensor<6x8xf32>, %g: tensor<8xf32>, %mean: tensor<6xf32>, %rstd: tensor<6xf32>) -> (tensor<6x32xf32>, tensor<32x8xf32>, tensor<32xf32>, tensor<6x8xf32>) {
  // CHECK: %[[XB:.*]] = vlp.cast %arg0
  // CHECK-NEXT: %[[WB:.*]] = vlp.cast %arg1
  // CHECK-NEXT: %[[H:.*]] = vlp.linear %[[XB]], %[[WB]] : {{.*}} -> tensor<6x32xf32>
  // CHECK-NEXT: %[[HB:.*]] = vlp.cast %[[H]] : (tensor<6x32xf32>) -> tensor<6x32xbf16>
  // CHECK-NEXT: vlp.quick_gelu %[[H]]
  %h = vlp.linear %x, %w : (tensor<6x8xf32>, tensor<32x8xf32>) -> tensor<6x32xf32>
  %y = vlp.quick_gelu %h : (tensor<6x32xf32>) -> tensor<6x32xf32>
  // CHECK-NEXT: %[[HF:.*]] = vlp.cast %[[HB]] {vlp.backward}
  // CHECK-NEXT: %[[DH:.*]] = vlp.quick_gelu_grad %[[HF]], %arg2 {vlp.backward}
  // CHECK-NEXT: %[[DHB:.*]] = vlp.cast %[[DH]] {vlp.backward}
  %dh = vlp.quick_gelu_grad %h, %dy {vlp.backward} : (tensor<6x32xf32>, tensor<6x32xf32>) -> tensor<6x32xf32>
  // CHECK-NEXT: %[[DW:.*]] = vlp.matmul %[[DHB]], %[[XB]] {transpose_lhs, vlp.backward} : {{.*}} -> tensor<32x8xf32>
  %dw = vlp.matmul %dh, %x {transpose_lhs, vlp.backward} : (tensor<6x32xf32>, tensor<6x8xf32>) -> tensor<32x8xf32>
  // CHECK-NEXT: %[[DHF:.*]] = vlp.cast %[[DHB]] {vlp.backward}
  // CHECK-NEXT: %[[DB:.*]] = vlp.reduce_sum %[[DHF]]
  %db = vlp.reduce_sum %dh {axes = array<i64: 0>, vlp.backward} : (tensor<6x32xf32>) -> tensor<32xf32>
  // CHECK-NEXT: %[[DX:.*]] = vlp.matmul %[[DHB]], %[[WB]] {vlp.backward} : {{.*}} -> tensor<6x8xf32>
  // CHECK-NEXT: %[[DXB:.*]] = vlp.cast %[[DX]] {vlp.backward}
  %dx = vlp.matmul %dh, %w {vlp.backward} : (tensor<6x32xf32>, tensor<32x8xf32>) -> tensor<6x8xf32>
  // CHECK-NEXT: %[[DIN:.*]], %{{.*}}, %{{.*}} = vlp.layer_norm_grad %arg3, {{.*}}, %[[DXB]] {vlp.backward} : {{.*}} -> (tensor<6x8xf32>, tensor<8xf32>, tensor<8xf32>)
  %din, %dg, %dbeta = vlp.layer_norm_grad %in, %g, %mean, %rstd, %dx {vlp.backward} : (tensor<6x8xf32>, tensor<8xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6x8xf32>) -> (tensor<6x8xf32>, tensor<8xf32>, tensor<8xf32>)
  // CHECK-NEXT: return %{{.*}}, %[[DW]], %[[DB]], %[[DIN]]
  return %y, %dw, %db, %din : tensor<6x32xf32>, tensor<32x8xf32>, tensor<32xf32>, tensor<6x8xf32>
}

// -----

// The three gradients of attention meet in bf16; the gradient of the stream is summed in f32 and kept in both forms.
// CHECK-LABEL: func.func @attention_backward
func.func @attention_backward(%q: tensor<2x5x8xf32>, %y: tensor<2x5x8xf32>, %lse: tensor<2x2x5xf32>, %dy: tensor<2x5x8xf32>, %w: tensor<24x8xf32>, %s: tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<8x8xf32>) {
  // CHECK: %[[DQ:.*]], %[[DK:.*]], %[[DV:.*]] = vlp.attention_grad {{.*}} : (tensor<2x5x8xbf16>, tensor<2x5x8xbf16>, tensor<2x5x8xbf16>, tensor<2x5x8xbf16>, tensor<2x2x5xf32>, tensor<2x5x8xbf16>) -> (tensor<2x5x8xbf16>, tensor<2x5x8xbf16>, tensor<2x5x8xbf16>)
  %dq, %dk, %dv = vlp.attention_grad %q, %q, %q, %y, %lse, %dy {heads = 2 : i64, scale = 0.5 : f64, vlp.backward} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x2x5xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>)
  // CHECK-NEXT: %[[D:.*]] = vlp.concat %[[DQ]], %[[DK]], %[[DV]] {{.*}} -> tensor<2x5x24xbf16>
  %d = vlp.concat %dq, %dk, %dv {axis = 2 : i64, vlp.backward} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x24xf32>
  // CHECK: %[[DX:.*]] = vlp.matmul %[[D]], %{{.*}} -> tensor<2x5x8xf32>
  // CHECK-NEXT: %[[S:.*]] = vlp.accumulate %{{.*}}, %[[DX]] {vlp.backward} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  // CHECK-NEXT: %[[SB:.*]] = vlp.cast %[[S]] {vlp.backward}
  // CHECK-NEXT: %[[ROWS:.*]] = vlp.reshape %[[SB]] {vlp.backward} : {{.*}} -> tensor<10x8xbf16>
  // CHECK: vlp.matmul %[[ROWS]], %[[ROWS]]
  // CHECK: return %[[S]]
  %dx = vlp.matmul %d, %w {vlp.backward} : (tensor<2x5x24xf32>, tensor<24x8xf32>) -> tensor<2x5x8xf32>
  %sum = vlp.accumulate %s, %dx {vlp.backward} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  %rows = vlp.reshape %sum {vlp.backward} : (tensor<2x5x8xf32>) -> tensor<10x8xf32>
  %dw = vlp.matmul %rows, %rows {transpose_lhs, vlp.backward} : (tensor<10x8xf32>, tensor<10x8xf32>) -> tensor<8x8xf32>
  return %sum, %dw : tensor<2x5x8xf32>, tensor<8x8xf32>
}

// -----

// Moves: a cast stands before those that keep or add elements; before those that drop some only if the op behind them rounds for free and
// nobody wants the whole in f32.
// CHECK-LABEL: func.func @moves
func.func @moves(%image: tensor<2x3x4x4xf32>, %x: tensor<2x5x8xf32>, %i: tensor<2xi32>, %g: tensor<8xf32>, %w: tensor<8x8xf32>, %pw: tensor<8x12xf32>) -> (tensor<2x4x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x5x8xf32>) {
  // CHECK: %[[IB:.*]] = vlp.cast %arg0 : (tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xbf16>
  // CHECK: vlp.patchify %[[IB]] {{.*}} -> tensor<2x4x12xbf16>
  %p = vlp.patchify %image {patch = 2 : i64} : (tensor<2x3x4x4xf32>) -> tensor<2x4x12xf32>
  %a = vlp.linear %p, %pw : (tensor<2x4x12xf32>, tensor<8x12xf32>) -> tensor<2x4x8xf32>
  // CHECK: %[[N:.*]], %{{.*}}, %{{.*}} = vlp.layer_norm
  // CHECK-NEXT: %[[NB:.*]] = vlp.cast %[[N]]
  // CHECK-NEXT: vlp.gather_rows %[[NB]], %{{.*}} -> tensor<2x8xbf16>
  %n, %m, %r = vlp.layer_norm %x, %g, %g {eps = 1.0e-5 : f64} : (tensor<2x5x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5xf32>, tensor<2x5xf32>)
  %e = vlp.gather_rows %n, %i : (tensor<2x5x8xf32>, tensor<2xi32>) -> tensor<2x8xf32>
  %b = vlp.linear %e, %w : (tensor<2x8xf32>, tensor<8x8xf32>) -> tensor<2x8xf32>
  // CHECK: %[[S:.*]] = vlp.add
  // CHECK-NEXT: %[[ROW:.*]] = vlp.gather_rows %[[S]], %{{.*}} -> tensor<2x8xf32>
  // CHECK-NEXT: vlp.cast %[[ROW]] : (tensor<2x8xf32>) -> tensor<2x8xbf16>
  %s = vlp.add %x, %g : (tensor<2x5x8xf32>, tensor<8xf32>) -> tensor<2x5x8xf32>
  %f = vlp.gather_rows %s, %i : (tensor<2x5x8xf32>, tensor<2xi32>) -> tensor<2x8xf32>
  %c = vlp.linear %f, %w : (tensor<2x8xf32>, tensor<8x8xf32>) -> tensor<2x8xf32>
  return %a, %b, %c, %s : tensor<2x4x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x5x8xf32>
}

// -----

// Similarities of unit features and their gradients stay in f32, and so does what says so.
// CHECK-LABEL: func.func @kept
func.func @kept(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %dl: tensor<4x4xf32>, %d: tensor<4x8xf32>) -> (tensor<4x4xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  // CHECK: %[[P:.*]] = vlp.matmul %{{.*}}, %{{.*}} : (tensor<4x8xbf16>, tensor<8x8xbf16>) -> tensor<4x8xf32>
  // CHECK-NEXT: vlp.l2_normalize %[[P]]
  %p = vlp.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %f, %norm = vlp.l2_normalize %p {eps = 0.0 : f64} : (tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4xf32>)
  // CHECK-NEXT: vlp.matmul %{{.*}} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x4xf32>
  // expected-remark @+1 {{'vlp.matmul' stays as it is: it reads unit features, whose rounding errors the logit scale multiplies}}
  %l = vlp.matmul %f, %f {transpose_rhs} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x4xf32>
  // CHECK-NEXT: vlp.matmul %{{.*}} : (tensor<4x4xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-remark @+1 {{it reads unit features}}
  %df = vlp.matmul %dl, %f {vlp.backward} : (tensor<4x4xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK-NEXT: vlp.linear %{{.*}} : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  // expected-remark @unknown {{'vlp.linear' stays as it is: 'vlp.least_precision' says so}}
  %k = vlp.linear %x, %w {vlp.least_precision = "f32"} : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32> loc("head")
  // CHECK-NEXT: vlp.matmul %{{.*}} : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  // CHECK-NEXT: vlp.cast
  // CHECK-NEXT: vlp.matmul %{{.*}} : (tensor<4x8xbf16>, tensor<8x8xbf16>) -> tensor<4x8xf32>
  // expected-remark @unknown {{'vlp.matmul' stays as it is: 'vlp.least_precision' says so}}
  %dk = vlp.matmul %d, %w {vlp.backward} : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32> loc("head")
  %dp = vlp.matmul %d, %w {vlp.backward} : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32> loc("body")
  return %l, %df, %k, %dk, %dp : tensor<4x4xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// One reader in f32 keeps the whole in f32 for those that would take either form.
// CHECK-LABEL: func.func @mixed_readers
func.func @mixed_readers(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> (tensor<8xf32>, tensor<4x8xf32>) {
  // CHECK: %[[Y:.*]] = vlp.linear
  // CHECK-NEXT: vlp.reduce_sum %[[Y]]
  // expected-remark @+1 {{'vlp.linear' gives a result that is stored in f32: 'func.return' reads it so}}
  %y = vlp.linear %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %s = vlp.reduce_sum %y {axes = array<i64: 0>} : (tensor<4x8xf32>) -> tensor<8xf32>
  return %s, %y : tensor<8xf32>, tensor<4x8xf32>
}

// -----

// The copy of an argument stands before its first product: what reads it earlier reads f32. A product of two forms of one value shares it.
// CHECK-LABEL: func.func @order
func.func @order(%x: tensor<4x4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4x4xf32>) {
  // CHECK-NEXT: %[[S:.*]] = vlp.reduce_sum %arg0
  // CHECK-NEXT: %[[B:.*]] = vlp.cast %arg0
  // CHECK-NEXT: %[[T:.*]] = vlp.transpose %[[B]]
  // CHECK-NEXT: %[[Y:.*]] = vlp.matmul %[[B]], %[[T]]
  // CHECK-NEXT: %[[F:.*]] = vlp.cast %[[B]]
  // CHECK-NEXT: vlp.reduce_sum %[[F]]
  %s = vlp.reduce_sum %x {axes = array<i64: 0>} : (tensor<4x4xf32>) -> tensor<4xf32>
  %t = vlp.transpose %x {permutation = array<i64: 1, 0>} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %y = vlp.matmul %x, %t : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %r = vlp.reduce_sum %x {axes = array<i64: 0>} : (tensor<4x4xf32>) -> tensor<4xf32>
  return %s, %r, %y : tensor<4xf32>, tensor<4xf32>, tensor<4x4xf32>
}

// -----

// CHECK-LABEL: func.func @other_types
func.func @other_types(%x: tensor<4x4xf64>, %y: tensor<4x4xbf16>) -> (tensor<4x4xf64>, tensor<4x4xbf16>) {
  // CHECK-NEXT: vlp.matmul %{{.*}} -> tensor<4x4xf64>
  // CHECK-NEXT: vlp.matmul %{{.*}} -> tensor<4x4xbf16>
  // expected-remark @+1 {{'vlp.matmul' stays as it is: its operand #0 is no f32 tensor}}
  %a = vlp.matmul %x, %x : (tensor<4x4xf64>, tensor<4x4xf64>) -> tensor<4x4xf64>
  // expected-remark @+1 {{its operand #0 is no f32 tensor}}
  %b = vlp.matmul %y, %y : (tensor<4x4xbf16>, tensor<4x4xbf16>) -> tensor<4x4xbf16>
  return %a, %b : tensor<4x4xf64>, tensor<4x4xbf16>
}

// -----

func.func @bad_attribute(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // expected-error @+1 {{expected 'vlp.least_precision' to be "f32", got "bf16"}}
  %a = vlp.matmul %x, %x {vlp.least_precision = "bf16"} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %a : tensor<4x4xf32>
}
