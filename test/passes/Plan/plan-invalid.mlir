// What planning refuses.
// RUN: vlp-opt %s --vlp-plan --split-input-file --verify-diagnostics
// RUN: not vlp-opt %s --vlp-plan=target=abacus 2>&1 | FileCheck %s
// CHECK: error: expected a target with registered emitters, got 'abacus'

func.func @not_formed(%x: tensor<8xf32>) -> tensor<8xf32> attributes {vlp.entry} {
  // expected-error @+1 {{expected kernels, reads, writes, constants and reshapes, got 'vlp.gelu'; run vlp-form-kernels first}}
  %y = vlp.gelu %x : (tensor<8xf32>) -> tensor<8xf32>
  // expected-error @+1 {{got 'vlp.exp'}}
  %z = vlp.exp %y : (tensor<8xf32>) -> tensor<8xf32>
  return %z : tensor<8xf32>
}

// -----

// What the runtime sees is f32 or i32.
// expected-error @+1 {{expected a parameter to be f32 or i32, got 'tensor<8xbf16>'}}
vlp.parameter @w : tensor<8xbf16> {init = #vlp.init<constant, 1.0 : f64, 0.0 : f64>}
// expected-error @+2 {{expected input #0 to be f32 or i32, got 'tensor<8xbf16>'; a vlp.cast inside the entry makes it another}}
// expected-error @+1 {{expected output #1 to be f32 or i32, got 'tensor<8xbf16>'}}
func.func @narrow_interface(%x: tensor<8xbf16>, %n: tensor<8xi32>) -> (tensor<8xi32>, tensor<8xbf16>) attributes {vlp.entry} {
  return %n, %x : tensor<8xi32>, tensor<8xbf16>
}
