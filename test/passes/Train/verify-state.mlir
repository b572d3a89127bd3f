// Second reads, second writes and ops after a write are reported, all at once.
// RUN: vlp-opt %s --vlp-verify-state --split-input-file --verify-diagnostics

vlp.parameter @w : tensor<f32> {init = #vlp.init<constant, 1.0 : f64, 0.0 : f64>}
func.func @valid() {
  %w = vlp.read @w : tensor<f32>
  vlp.write @w, %w : tensor<f32>
  return
}

// -----

vlp.parameter @w : tensor<f32> {init = #vlp.init<constant, 1.0 : f64, 0.0 : f64>}
func.func @twice() {
  %w = vlp.read @w : tensor<f32>
  // expected-error @+1 {{expected one read of 'w' in the entry, got another}}
  %v = vlp.read @w : tensor<f32>
  vlp.write @w, %w : tensor<f32>
  // expected-error @+1 {{expected one write of 'w' in the entry, got another}}
  vlp.write @w, %v : tensor<f32>
  // expected-error @+1 {{expected writes of state at the end of the entry, got 'vlp.exp' after a write}}
  %e = vlp.exp %v : (tensor<f32>) -> tensor<f32>
  return
}
