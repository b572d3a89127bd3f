// Each constraint of each state op, broken once, and more where it has several ways to break. A function is named after its
// label.
// RUN: vlp-opt %s -split-input-file -verify-diagnostics -o /dev/null

// expected-error @+1 {{'vlp.parameter' op attribute 'type' failed to satisfy constraint: type attribute of statically shaped float tensor}}
vlp.parameter @parameter_c1 : tensor<2xi32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}

// -----

// expected-error @+1 {{'vlp.variable' op expects a counter to be a tensor<i32>, got 'tensor<f32>'}}
vlp.variable counter @variable_c1_counter : tensor<f32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}

// -----

// expected-error @+1 {{'vlp.variable' op expects a scalar to be a tensor<f32>, got 'tensor<1xf32>'}}
vlp.variable scalar @variable_c1_scalar : tensor<1xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}

// -----

// expected-error @+1 {{'vlp.variable' op expects a moment to name its parameter in 'of', got none}}
vlp.variable moment @variable_c2 : tensor<2xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}

// -----

func.func @read_c1() {
  // expected-error @+1 {{'vlp.read' op expects @missing to be a parameter or variable of the module, got no such symbol}}
  %r = vlp.read @missing : tensor<2xf32>
  return
}

// -----

vlp.parameter @p : tensor<2xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}
func.func @read_c1_type() {
  // expected-error @+1 {{'vlp.read' op expects the type of @p, 'tensor<2xf32>', got 'tensor<3xf32>'}}
  %r = vlp.read @p : tensor<3xf32>
  return
}

// -----

func.func @write_c1(%x: tensor<2xf32>) {
  // expected-error @+1 {{'vlp.write' op expects @write_c1 to be a parameter or variable of the module, got func.func}}
  vlp.write @write_c1, %x : tensor<2xf32>
  return
}

// -----

vlp.variable counter @n : tensor<i32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}
func.func @write_c1_type(%x: tensor<f32>) {
  // expected-error @+1 {{'vlp.write' op expects the type of @n, 'tensor<i32>', got 'tensor<f32>'}}
  vlp.write @n, %x : tensor<f32>
  return
}

// -----

vlp.parameter @p : tensor<2xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}
// expected-error @+1 {{'vlp.parameter' op expects a twin not to be trainable, and @p to be a parameter of its type that is no twin}}
vlp.parameter @parameter_c2 : tensor<3xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>, twin_of = @p}

// -----

vlp.parameter @p : tensor<2xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}
// expected-error @+1 {{'vlp.parameter' op expects a twin not to be trainable}}
vlp.parameter @parameter_c2_trainable : tensor<2xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>, trainable, twin_of = @p}
