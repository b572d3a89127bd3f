// Each constraint of each kernel op, broken once, and more where it has several ways to break. A function is named after its
// label.
// RUN: vlp-opt %s -split-input-file -verify-diagnostics -o /dev/null

func.func @kernel_c1(%x: tensor<8xf32>) {
  // expected-error @+1 {{'vlp.kernel' op expects block arguments of the operands' types 'tensor<8xf32>', got 'tensor<4xf32>'}}
  %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    vlp.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @kernel_c2(%x: tensor<8xf32>) {
  // expected-error @+1 {{'vlp.kernel' op expects vlp.yield to give the results' types 'tensor<8xf32>', got 'tensor<8xf32>', 'tensor<8xf32>'}}
  %y = vlp.kernel "elementwise" (%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    vlp.yield %a, %a : tensor<8xf32>, tensor<8xf32>
  }
  return
}

// -----

func.func @kernel_isolated(%x: tensor<8xf32>) {
  // expected-note @+1 {{required by region isolation constraints}}
  %y = vlp.kernel "elementwise" () : () -> tensor<8xf32> {
    // expected-error @+1 {{'vlp.yield' op using value defined outside the region}}
    vlp.yield %x : tensor<8xf32>
  }
  return
}

// -----

func.func @yield_outside(%x: tensor<8xf32>) {
  // expected-error @+1 {{'vlp.yield' op expects parent op 'vlp.kernel'}}
  vlp.yield %x : tensor<8xf32>
}
