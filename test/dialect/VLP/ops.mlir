// Every op in all its forms parses, verifies and prints the same again, in the pretty and in the generic form.
// RUN: vlp-opt %s | vlp-opt | FileCheck %s
// RUN: vlp-opt %s --mlir-print-op-generic | vlp-opt | FileCheck %s

// CHECK: vlp.parameter @visual.proj : tensor<6x3xf32> {decay, init = #vlp.init<normal, 0.000000e+00 : f64, 1.250000e-01 : f64>, trainable}
vlp.parameter @"visual.proj" : tensor<6x3xf32> {init = #vlp.init<normal, 0.0 : f64, 0.125 : f64>, trainable, decay}
// CHECK: vlp.parameter @frozen : tensor<f32> {init = #vlp.init<uniform, -1.000000e+00 : f64, 1.000000e+00 : f64>}
vlp.parameter @frozen : tensor<f32> {init = #vlp.init<uniform, -1.0 : f64, 1.0 : f64>}
// CHECK: vlp.variable moment @"adam.m/visual.proj" : tensor<6x3xf32> {init = #vlp.init<constant, 0.000000e+00 : f64, 0.000000e+00 : f64>, of = "visual.proj"}
vlp.variable moment @"adam.m/visual.proj" : tensor<6x3xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>, of = "visual.proj"}
// CHECK: vlp.variable counter @train.step : tensor<i32>
vlp.variable counter @"train.step" : tensor<i32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}
// CHECK: vlp.variable scalar @train.beta1 : tensor<f32> {doc = "decay of the first moment", init = #vlp.init<constant, 9.000000e-01 : f64, 0.000000e+00 : f64>}
vlp.variable scalar @"train.beta1" : tensor<f32> {init = #vlp.init<constant, 0.9 : f64, 0.0 : f64>, doc = "decay of the first moment"}

// CHECK-LABEL: @state
func.func @state() {
  // CHECK: vlp.read @visual.proj : tensor<6x3xf32>
  %w = vlp.read @"visual.proj" : tensor<6x3xf32>
  // CHECK: vlp.read @train.step : tensor<i32>
  %s = vlp.read @"train.step" : tensor<i32>
  // CHECK: vlp.write @"adam.m/visual.proj", %{{.*}} : tensor<6x3xf32>
  vlp.write @"adam.m/visual.proj", %w : tensor<6x3xf32>
  // CHECK: vlp.write @train.step, %{{.*}} : tensor<i32>
  vlp.write @"train.step", %s : tensor<i32>
  return
}

// CHECK-LABEL: @views
func.func @views(%x: tensor<2x3x4xf32>, %i: tensor<2x3xi32>, %s: tensor<f32>, %e: tensor<0x4xf32>) {
  // CHECK: vlp.constant dense<5.000000e-01> : tensor<f32>
  %c = vlp.constant dense<0.5> : tensor<f32>
  // CHECK: vlp.constant dense<[1, 2, 3]> : tensor<3xi32>
  %ci = vlp.constant dense<[1, 2, 3]> : tensor<3xi32>
  // CHECK: vlp.reshape %{{.*}} : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
  %0 = vlp.reshape %x : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
  // CHECK: vlp.reshape %{{.*}} : (tensor<f32>) -> tensor<1x1xf32>
  %1 = vlp.reshape %s : (tensor<f32>) -> tensor<1x1xf32>
  // CHECK: vlp.transpose %{{.*}} {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %2 = vlp.transpose %x {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  // CHECK: vlp.broadcast %{{.*}} : (tensor<f32>) -> tensor<2x2xf32>
  %3 = vlp.broadcast %s : (tensor<f32>) -> tensor<2x2xf32>
  // CHECK: vlp.slice %{{.*}} {offsets = array<i64: 0, 1, 0>, sizes = array<i64: 2, 2, 4>} : (tensor<2x3x4xf32>) -> tensor<2x2x4xf32>
  %4 = vlp.slice %x {offsets = array<i64: 0, 1, 0>, sizes = array<i64: 2, 2, 4>} : (tensor<2x3x4xf32>) -> tensor<2x2x4xf32>
  // CHECK: vlp.slice %{{.*}} {offsets = array<i64: 0, 1>, sizes = array<i64: 2, 1>} : (tensor<2x3xi32>) -> tensor<2x1xi32>
  %5 = vlp.slice %i {offsets = array<i64: 0, 1>, sizes = array<i64: 2, 1>} : (tensor<2x3xi32>) -> tensor<2x1xi32>
  // CHECK: vlp.slice %{{.*}} {offsets = array<i64: 0, 0>, sizes = array<i64: 0, 2>} : (tensor<0x4xf32>) -> tensor<0x2xf32>
  %6 = vlp.slice %e {offsets = array<i64: 0, 0>, sizes = array<i64: 0, 2>} : (tensor<0x4xf32>) -> tensor<0x2xf32>
  // CHECK: vlp.pad %{{.*}} {high = array<i64: 0, 0, 2>, low = array<i64: 0, 1, 0>} : (tensor<2x3x4xf32>) -> tensor<2x4x6xf32>
  %7 = vlp.pad %x {low = array<i64: 0, 1, 0>, high = array<i64: 0, 0, 2>} : (tensor<2x3x4xf32>) -> tensor<2x4x6xf32>
  // CHECK: vlp.concat %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<6x4xf32>, tensor<0x4xf32>) -> tensor<6x4xf32>
  %8 = vlp.concat %0, %e {axis = 0 : i64} : (tensor<6x4xf32>, tensor<0x4xf32>) -> tensor<6x4xf32>
  // CHECK: vlp.concat %{{.*}} {axis = 1 : i64} : (tensor<2x3xi32>) -> tensor<2x3xi32>
  %9 = vlp.concat %i {axis = 1 : i64} : (tensor<2x3xi32>) -> tensor<2x3xi32>
  // CHECK: vlp.argmax %{{.*}} : (tensor<2x3xi32>) -> tensor<2xi32>
  %10 = vlp.argmax %i : (tensor<2x3xi32>) -> tensor<2xi32>
  // CHECK: vlp.argmax %{{.*}} : (tensor<6x4xf32>) -> tensor<6xi32>
  %11 = vlp.argmax %0 : (tensor<6x4xf32>) -> tensor<6xi32>
  // CHECK: vlp.gather_rows %{{.*}}, %{{.*}} : (tensor<2x3x4xf32>, tensor<2xi32>) -> tensor<2x4xf32>
  %12 = vlp.gather_rows %x, %10 : (tensor<2x3x4xf32>, tensor<2xi32>) -> tensor<2x4xf32>
  // CHECK: vlp.scatter_rows %{{.*}}, %{{.*}} : (tensor<2x4xf32>, tensor<2xi32>) -> tensor<2x3x4xf32>
  %13 = vlp.scatter_rows %12, %10 : (tensor<2x4xf32>, tensor<2xi32>) -> tensor<2x3x4xf32>
  return
}

// CHECK-LABEL: @elementwise
func.func @elementwise(%x: tensor<2x3x4xf32>, %b: tensor<4xf32>, %c: tensor<3x1xf32>, %i: tensor<2xi32>, %f: tensor<i32>, %h: tensor<4xbf16>) {
  // CHECK: vlp.add %{{.*}}, %{{.*}} : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  %0 = vlp.add %x, %b : (tensor<2x3x4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  // CHECK: vlp.sub %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  %1 = vlp.sub %b, %c : (tensor<4xf32>, tensor<3x1xf32>) -> tensor<3x4xf32>
  // CHECK: vlp.mul %{{.*}}, %{{.*}} : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
  %2 = vlp.mul %i, %f : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
  // CHECK: vlp.div %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %3 = vlp.div %b, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: vlp.neg %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %4 = vlp.neg %b : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: vlp.exp %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %5 = vlp.exp %b : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: vlp.log %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %6 = vlp.log %b : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: vlp.tanh %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %7 = vlp.tanh %b : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: vlp.sigmoid %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %8 = vlp.sigmoid %b : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: vlp.gelu %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %9 = vlp.gelu %b : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: vlp.quick_gelu %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %10 = vlp.quick_gelu %b : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: vlp.gelu_grad %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %11 = vlp.gelu_grad %b, %9 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: vlp.quick_gelu_grad %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %12 = vlp.quick_gelu_grad %b, %10 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: vlp.cast %{{.*}} : (tensor<i32>) -> tensor<f32>
  %13 = vlp.cast %f : (tensor<i32>) -> tensor<f32>
  // CHECK: vlp.cast %{{.*}} : (tensor<4xf32>) -> tensor<4xbf16>
  %14 = vlp.cast %b : (tensor<4xf32>) -> tensor<4xbf16>
  // CHECK: vlp.select %{{.*}}, %{{.*}}, %{{.*}} : (tensor<i32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %15 = vlp.select %f, %b, %b : (tensor<i32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: vlp.select %{{.*}}, %{{.*}}, %{{.*}} : (tensor<i32>, tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  %16 = vlp.select %f, %i, %i : (tensor<i32>, tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  // CHECK: vlp.equal %{{.*}}, %{{.*}} : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
  %e = vlp.equal %i, %f : (tensor<2xi32>, tensor<i32>) -> tensor<2xi32>
  // CHECK: vlp.less %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi32>
  %l = vlp.less %b, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi32>
  // CHECK: vlp.select %{{.*}}, %{{.*}}, %{{.*}} : (tensor<4xi32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %s = vlp.select %l, %b, %b : (tensor<4xi32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: vlp.random_uniform %{{.*}}, %{{.*}} {stream = 3 : i64} : (tensor<i32>, tensor<i32>) -> tensor<2x3xf32>
  %u = vlp.random_uniform %f, %f {stream = 3 : i64} : (tensor<i32>, tensor<i32>) -> tensor<2x3xf32>
  // CHECK: vlp.reduce_sum %{{.*}} {axes = array<i64: 0, 2>} : (tensor<2x3x4xf32>) -> tensor<3xf32>
  %17 = vlp.reduce_sum %x {axes = array<i64: 0, 2>} : (tensor<2x3x4xf32>) -> tensor<3xf32>
  // CHECK: vlp.reduce_sum %{{.*}} {axes = array<i64>} : (tensor<4xf32>) -> tensor<4xf32>
  %18 = vlp.reduce_sum %b {axes = array<i64>} : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: vlp.accumulate %{{.*}}, %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %19 = vlp.accumulate %3, %4, %5 : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: vlp.stop_gradient %{{.*}} : (tensor<4xf32>) -> tensor<4xf32>
  %20 = vlp.stop_gradient %b : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: @linear
func.func @linear(%x: tensor<2x5x8xf32>, %v: tensor<8xf32>, %w: tensor<3x8xf32>, %b: tensor<3xf32>, %image: tensor<1x3x4x6xf32>, %p: tensor<5x3x2x2xf32>, %pb: tensor<5xf32>) {
  // CHECK: vlp.linear %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x5x8xf32>, tensor<3x8xf32>, tensor<3xf32>) -> tensor<2x5x3xf32>
  %0 = vlp.linear %x, %w, %b : (tensor<2x5x8xf32>, tensor<3x8xf32>, tensor<3xf32>) -> tensor<2x5x3xf32>
  // CHECK: vlp.linear %{{.*}}, %{{.*}} : (tensor<8xf32>, tensor<3x8xf32>) -> tensor<3xf32>
  %1 = vlp.linear %v, %w : (tensor<8xf32>, tensor<3x8xf32>) -> tensor<3xf32>
  // CHECK: vlp.matmul %{{.*}}, %{{.*}} : (tensor<2x5x3xf32>, tensor<3x8xf32>) -> tensor<2x5x8xf32>
  %2 = vlp.matmul %0, %w : (tensor<2x5x3xf32>, tensor<3x8xf32>) -> tensor<2x5x8xf32>
  // CHECK: vlp.matmul %{{.*}}, %{{.*}} {transpose_rhs} : (tensor<3x8xf32>, tensor<3x8xf32>) -> tensor<3x3xf32>
  %3 = vlp.matmul %w, %w {transpose_rhs} : (tensor<3x8xf32>, tensor<3x8xf32>) -> tensor<3x3xf32>
  // CHECK: vlp.matmul %{{.*}}, %{{.*}} {transpose_lhs} : (tensor<3x8xf32>, tensor<3x8xf32>) -> tensor<8x8xf32>
  %4 = vlp.matmul %w, %w {transpose_lhs} : (tensor<3x8xf32>, tensor<3x8xf32>) -> tensor<8x8xf32>
  // CHECK: vlp.matmul %{{.*}}, %{{.*}} {transpose_lhs, transpose_rhs} : (tensor<3x8xf32>, tensor<3x3xf32>) -> tensor<8x3xf32>
  %5 = vlp.matmul %w, %3 {transpose_lhs, transpose_rhs} : (tensor<3x8xf32>, tensor<3x3xf32>) -> tensor<8x3xf32>
  // CHECK: vlp.patch_embed %{{.*}}, %{{.*}}, %{{.*}} : (tensor<1x3x4x6xf32>, tensor<5x3x2x2xf32>, tensor<5xf32>) -> tensor<1x6x5xf32>
  %6 = vlp.patch_embed %image, %p, %pb : (tensor<1x3x4x6xf32>, tensor<5x3x2x2xf32>, tensor<5xf32>) -> tensor<1x6x5xf32>
  // CHECK: vlp.patch_embed %{{.*}}, %{{.*}} : (tensor<1x3x4x6xf32>, tensor<5x3x2x2xf32>) -> tensor<1x6x5xf32>
  %7 = vlp.patch_embed %image, %p : (tensor<1x3x4x6xf32>, tensor<5x3x2x2xf32>) -> tensor<1x6x5xf32>
  // CHECK: vlp.patchify %{{.*}} {patch = 2 : i64} : (tensor<1x3x4x6xf32>) -> tensor<1x6x12xf32>
  %8 = vlp.patchify %image {patch = 2 : i64} : (tensor<1x3x4x6xf32>) -> tensor<1x6x12xf32>
  // CHECK: vlp.unpatchify %{{.*}} {patch = 2 : i64} : (tensor<1x6x12xf32>) -> tensor<1x3x4x6xf32>
  %9 = vlp.unpatchify %8 {patch = 2 : i64} : (tensor<1x6x12xf32>) -> tensor<1x3x4x6xf32>
  return
}

// Products of narrow operands may keep the precision of their accumulators.
// CHECK-LABEL: @narrow_linear
func.func @narrow_linear(%x: tensor<2x5x8xbf16>, %w: tensor<3x8xbf16>, %b: tensor<3xf32>, %c: tensor<3xbf16>, %image: tensor<1x3x4x6xbf16>, %p: tensor<5x3x2x2xbf16>, %pb: tensor<5xf32>) {
  // CHECK: vlp.linear %{{.*}} : (tensor<2x5x8xbf16>, tensor<3x8xbf16>, tensor<3xf32>) -> tensor<2x5x3xf32>
  %0 = vlp.linear %x, %w, %b : (tensor<2x5x8xbf16>, tensor<3x8xbf16>, tensor<3xf32>) -> tensor<2x5x3xf32>
  // CHECK: vlp.linear %{{.*}} : (tensor<2x5x8xbf16>, tensor<3x8xbf16>, tensor<3xbf16>) -> tensor<2x5x3xbf16>
  %1 = vlp.linear %x, %w, %c : (tensor<2x5x8xbf16>, tensor<3x8xbf16>, tensor<3xbf16>) -> tensor<2x5x3xbf16>
  // CHECK: vlp.matmul %{{.*}} : (tensor<3x8xbf16>, tensor<3x8xbf16>) -> tensor<8x8xf32>
  %2 = vlp.matmul %w, %w {transpose_lhs} : (tensor<3x8xbf16>, tensor<3x8xbf16>) -> tensor<8x8xf32>
  // CHECK: vlp.patch_embed %{{.*}} : (tensor<1x3x4x6xbf16>, tensor<5x3x2x2xbf16>, tensor<5xf32>) -> tensor<1x6x5xf32>
  %3 = vlp.patch_embed %image, %p, %pb : (tensor<1x3x4x6xbf16>, tensor<5x3x2x2xbf16>, tensor<5xf32>) -> tensor<1x6x5xf32>
  return
}

// CHECK-LABEL: @norm
func.func @norm(%x: tensor<2x5x8xf32>, %g: tensor<8xf32>, %h: tensor<2x8xbf16>) {
  // CHECK: vlp.layer_norm %{{.*}}, %{{.*}}, %{{.*}} {eps = 1.000000e-05 : f64} : (tensor<2x5x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5xf32>, tensor<2x5xf32>)
  %y, %mean, %rstd = vlp.layer_norm %x, %g, %g {eps = 1.0e-5 : f64} : (tensor<2x5x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5xf32>, tensor<2x5xf32>)
  // Statistics of a narrower type stay in f32.
  // CHECK: vlp.layer_norm %{{.*}} : (tensor<2x8xbf16>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x8xbf16>, tensor<2xf32>, tensor<2xf32>)
  %hy, %hm, %hr = vlp.layer_norm %h, %g, %g {eps = 1.0e-5 : f64} : (tensor<2x8xbf16>, tensor<8xf32>, tensor<8xf32>) -> (tensor<2x8xbf16>, tensor<2xf32>, tensor<2xf32>)
  // CHECK: vlp.layer_norm_grad %{{.*}} : (tensor<2x5x8xf32>, tensor<8xf32>, tensor<2x5xf32>, tensor<2x5xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<8xf32>, tensor<8xf32>)
  %dx, %dg, %db = vlp.layer_norm_grad %x, %g, %mean, %rstd, %y : (tensor<2x5x8xf32>, tensor<8xf32>, tensor<2x5xf32>, tensor<2x5xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<8xf32>, tensor<8xf32>)
  // A branch's gradient may arrive in a narrower type than the stream's input has.
  // CHECK: vlp.layer_norm_grad %{{.*}} : (tensor<2x8xf32>, tensor<8xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x8xbf16>) -> (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>)
  %wide = vlp.cast %h : (tensor<2x8xbf16>) -> tensor<2x8xf32>
  %nx, %ng, %nb = vlp.layer_norm_grad %wide, %g, %hm, %hr, %hy : (tensor<2x8xf32>, tensor<8xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2x8xbf16>) -> (tensor<2x8xf32>, tensor<8xf32>, tensor<8xf32>)
  // CHECK: vlp.l2_normalize %{{.*}} {eps = 0.000000e+00 : f64} : (tensor<8xf32>) -> (tensor<8xf32>, tensor<f32>)
  %n, %norm = vlp.l2_normalize %g {eps = 0.0 : f64} : (tensor<8xf32>) -> (tensor<8xf32>, tensor<f32>)
  // CHECK: vlp.l2_normalize_grad %{{.*}} {eps = 0.000000e+00 : f64} : (tensor<8xf32>, tensor<f32>, tensor<8xf32>) -> tensor<8xf32>
  %dn = vlp.l2_normalize_grad %n, %norm, %g {eps = 0.0 : f64} : (tensor<8xf32>, tensor<f32>, tensor<8xf32>) -> tensor<8xf32>
  // CHECK: vlp.softmax %{{.*}} : (tensor<8xf32>) -> tensor<8xf32>
  %p = vlp.softmax %g : (tensor<8xf32>) -> tensor<8xf32>
  // CHECK: vlp.softmax_grad %{{.*}}, %{{.*}} : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %dp = vlp.softmax_grad %p, %g : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return
}

// CHECK-LABEL: @attention
func.func @attention(%q: tensor<2x5x8xf32>, %k: tensor<2x3x8xf32>, %m: tensor<2x1x1x3xf32>) {
  // CHECK: vlp.attention %{{.*}}, %{{.*}}, %{{.*}} {causal, heads = 2 : i64, scale = 5.000000e-01 : f64} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x2x5xf32>)
  %y, %lse = vlp.attention %q, %q, %q {heads = 2 : i64, scale = 0.5 : f64, causal} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x2x5xf32>)
  // Cross attention.
  // CHECK: vlp.attention %{{.*}}, %{{.*}}, %{{.*}} {heads = 1 : i64, scale = 5.000000e-01 : f64} : (tensor<2x5x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x1x5xf32>)
  %yc, %lsec = vlp.attention %q, %k, %k {heads = 1 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x1x5xf32>)
  // Key padding.
  // CHECK: vlp.attention %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {heads = 1 : i64, scale = 5.000000e-01 : f64} : (tensor<2x5x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x1x1x3xf32>) -> (tensor<2x5x8xf32>, tensor<2x1x5xf32>)
  %ym, %lsem = vlp.attention %q, %k, %k, %m {heads = 1 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x1x1x3xf32>) -> (tensor<2x5x8xf32>, tensor<2x1x5xf32>)
  // CHECK: vlp.attention_grad %{{.*}} -> (tensor<2x5x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x1x5x3xf32>)
  %gq, %gk, %gv, %gs = vlp.attention_grad %q, %k, %k, %ym, %lsem, %ym, %m {heads = 1 : i64, scale = 0.5 : f64} : (tensor<2x5x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x5x8xf32>, tensor<2x1x5xf32>, tensor<2x5x8xf32>, tensor<2x1x1x3xf32>) -> (tensor<2x5x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x1x5x3xf32>)
  // CHECK: vlp.attention_grad %{{.*}} {causal, heads = 2 : i64, scale = 5.000000e-01 : f64}
  %dq, %dk, %dv = vlp.attention_grad %q, %q, %q, %y, %lse, %y {heads = 2 : i64, scale = 0.5 : f64, causal} : (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x2x5xf32>, tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5x8xf32>, tensor<2x5x8xf32>)
  return
}

// CHECK-LABEL: @embedding
func.func @embedding(%table: tensor<64x8xf32>, %ids: tensor<2x5xi32>, %id: tensor<i32>) {
  // CHECK: vlp.embedding %{{.*}}, %{{.*}} : (tensor<64x8xf32>, tensor<2x5xi32>) -> tensor<2x5x8xf32>
  %x = vlp.embedding %table, %ids : (tensor<64x8xf32>, tensor<2x5xi32>) -> tensor<2x5x8xf32>
  // CHECK: vlp.embedding %{{.*}}, %{{.*}} : (tensor<64x8xf32>, tensor<i32>) -> tensor<8xf32>
  %y = vlp.embedding %table, %id : (tensor<64x8xf32>, tensor<i32>) -> tensor<8xf32>
  // CHECK: vlp.embedding_grad %{{.*}}, %{{.*}} : (tensor<2x5x8xf32>, tensor<2x5xi32>) -> tensor<64x8xf32>
  %dt = vlp.embedding_grad %x, %ids : (tensor<2x5x8xf32>, tensor<2x5xi32>) -> tensor<64x8xf32>
  return
}

// CHECK-LABEL: @loss
func.func @loss(%x: tensor<4x8xf32>, %t: tensor<4x8xf32>, %labels: tensor<4xi32>, %ids: tensor<3xi32>) {
  // Defaults: no smoothing, -100 ignored.
  // CHECK: vlp.cross_entropy %{{[^ ]*}}, %{{[^ ]*}} : (tensor<4x8xf32>, tensor<4xi32>) -> (tensor<4xf32>, tensor<4xf32>)
  %l0, %lse0 = vlp.cross_entropy %x, %labels : (tensor<4x8xf32>, tensor<4xi32>) -> (tensor<4xf32>, tensor<4xf32>)
  // CHECK: vlp.cross_entropy %{{.*}}, %{{.*}} {ignore_index = -1 : i64, smoothing = 1.000000e-01 : f64} : (tensor<4x8xf32>, tensor<4xi32>) -> (tensor<4xf32>, tensor<4xf32>)
  %l1, %lse1 = vlp.cross_entropy %x, %labels {ignore_index = -1 : i64, smoothing = 0.1 : f64} : (tensor<4x8xf32>, tensor<4xi32>) -> (tensor<4xf32>, tensor<4xf32>)
  // CHECK: vlp.cross_entropy_grad %{{.*}} {ignore_index = -1 : i64, smoothing = 1.000000e-01 : f64} : (tensor<4x8xf32>, tensor<4xi32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x8xf32>
  %d1 = vlp.cross_entropy_grad %x, %labels, %lse1, %l1 {ignore_index = -1 : i64, smoothing = 0.1 : f64} : (tensor<4x8xf32>, tensor<4xi32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x8xf32>
  // CHECK: vlp.soft_cross_entropy %{{.*}} : (tensor<4x8xf32>, tensor<4x8xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %l2, %lse2 = vlp.soft_cross_entropy %x, %t : (tensor<4x8xf32>, tensor<4x8xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  // CHECK: vlp.soft_cross_entropy_grad %{{.*}} : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x8xf32>
  %d2 = vlp.soft_cross_entropy_grad %x, %t, %lse2, %l2 : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x8xf32>
  // CHECK: vlp.match_targets %{{.*}}, %{{.*}} : (tensor<4xi32>, tensor<3xi32>) -> tensor<4x3xf32>
  %m = vlp.match_targets %labels, %ids : (tensor<4xi32>, tensor<3xi32>) -> tensor<4x3xf32>
  return
}

// CHECK-LABEL: @optimizer
func.func @optimizer(%p: tensor<2x8xf32>, %b: tensor<8xf32>, %step: tensor<i32>, %s: tensor<f32>) {
  // CHECK: vlp.global_norm %{{.*}}, %{{.*}} : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<f32>
  %n = vlp.global_norm %p, %b : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<f32>
  // CHECK: vlp.clip_factor %{{.*}}, %{{.*}} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %c = vlp.clip_factor %n, %s : (tensor<f32>, tensor<f32>) -> tensor<f32>
  // CHECK: vlp.all_finite %{{.*}}, %{{.*}} : (tensor<f32>, tensor<f32>) -> tensor<i32>
  %ok = vlp.all_finite %n, %s : (tensor<f32>, tensor<f32>) -> tensor<i32>
  // CHECK: vlp.warmup_cosine %{{.*}} : (tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<f32>
  %lr = vlp.warmup_cosine %step, %s, %s, %s : (tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<f32>
  // CHECK: vlp.adamw %{{.*}} {decay} : (tensor<8xf32>,
  %p1, %m1, %v1 = vlp.adamw %b, %b, %b, %b, %step, %lr, %s, %s, %s, %s, %c, %ok {decay} : (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
  // CHECK: vlp.adamw %{{[^{]*}} : (tensor<2x8xf32>,
  %p2, %m2, %v2 = vlp.adamw %p, %p, %p, %p, %step, %lr, %s, %s, %s, %s, %c, %ok : (tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>, tensor<i32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>, tensor<i32>) -> (tensor<2x8xf32>, tensor<2x8xf32>, tensor<2x8xf32>)
  // CHECK: vlp.clamp %{{.*}}, %{{.*}}, %{{.*}} : (tensor<8xf32>, tensor<f32>, tensor<f32>) -> tensor<8xf32>
  %y = vlp.clamp %b, %s, %s : (tensor<8xf32>, tensor<f32>, tensor<f32>) -> tensor<8xf32>
  return
}

// CHECK-LABEL: @kernel
func.func @kernel(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<f32>) {
  // CHECK: vlp.kernel "reduce"(%{{.*}}) : (tensor<8xf32>) -> (tensor<8xf32>, tensor<f32>) {
  // CHECK: ^bb0(%[[A:.*]]: tensor<8xf32>):
  // CHECK: %[[B:.*]] = vlp.gelu %[[A]]
  // CHECK: vlp.yield %[[B]], %{{.*}} : tensor<8xf32>, tensor<f32>
  %y:2 = vlp.kernel "reduce" (%x) : (tensor<8xf32>) -> (tensor<8xf32>, tensor<f32>) {
  ^bb0(%a: tensor<8xf32>):
    %b = vlp.gelu %a : (tensor<8xf32>) -> tensor<8xf32>
    %s = vlp.reduce_sum %b {axes = array<i64: 0>} : (tensor<8xf32>) -> tensor<f32>
    vlp.yield %b, %s : tensor<8xf32>, tensor<f32>
  }
  return %y#0, %y#1 : tensor<8xf32>, tensor<f32>
}
