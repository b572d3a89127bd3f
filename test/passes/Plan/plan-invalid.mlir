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
