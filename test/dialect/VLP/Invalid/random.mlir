// Broken constraints of random ops.
// RUN: vlp-opt %s --split-input-file --verify-diagnostics

func.func @random_uniform_c1(%s: tensor<i32>) {
  // expected-error @+1 {{'vlp.random_uniform' op expects an f32 result of at most 2147483647 elements, got 'tensor<2xbf16>'}}
  %r = vlp.random_uniform %s, %s {stream = 0 : i64} : (tensor<i32>, tensor<i32>) -> tensor<2xbf16>
  return
}

// -----

func.func @random_uniform_c1_size(%s: tensor<i32>) {
  // expected-error @+1 {{'vlp.random_uniform' op expects an f32 result of at most 2147483647 elements, got 'tensor<65536x32768xf32>'}}
  %r = vlp.random_uniform %s, %s {stream = 0 : i64} : (tensor<i32>, tensor<i32>) -> tensor<65536x32768xf32>
  return
}

// -----

func.func @random_uniform_c2(%s: tensor<i32>) {
  // expected-error @+1 {{'vlp.random_uniform' op expects a stream from 0 to 4294967295, got -1}}
  %r = vlp.random_uniform %s, %s {stream = -1 : i64} : (tensor<i32>, tensor<i32>) -> tensor<2xf32>
  return
}
