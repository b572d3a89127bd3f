// Each constraint of each tensor op, broken once, and more where it has several ways to break. A function is named after its
// label.
// RUN: vlp-opt %s -split-input-file -verify-diagnostics -o /dev/null

func.func @constant_c1() {
  // expected-error @+1 {{'vlp.constant' op expects result #0 to be 'tensor<2xf32>', got 'tensor<3xf32>'}}
  %r = "vlp.constant"() {value = dense<1.0> : tensor<2xf32>} : () -> tensor<3xf32>
  return
}

// -----

func.func @reshape_c1(%a0: tensor<2x6xf32>) {
  // expected-error @+1 {{'vlp.reshape' op expects the result to have the input's 12 elements, got 15}}
  %r = vlp.reshape %a0 : (tensor<2x6xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @reshape_c2(%a0: tensor<2x6xf32>) {
  // expected-error @+1 {{'vlp.reshape' op expects the input's element type 'f32', got 'i32'}}
  %r = vlp.reshape %a0 : (tensor<2x6xf32>) -> tensor<12xi32>
  return
}

// -----

func.func @transpose_c1(%a0: tensor<2x6xf32>) {
  // expected-error @+1 {{'vlp.transpose' op expects a permutation of the input's 2 dimensions, got [1, 1]}}
  %r = vlp.transpose %a0 {permutation = array<i64: 1, 1>} : (tensor<2x6xf32>) -> tensor<6x2xf32>
  return
}

// -----

func.func @transpose_c1_length(%a0: tensor<2x6xf32>) {
  // expected-error @+1 {{'vlp.transpose' op expects a permutation of the input's 2 dimensions, got [1, 0, 2]}}
  %r = vlp.transpose %a0 {permutation = array<i64: 1, 0, 2>} : (tensor<2x6xf32>) -> tensor<6x2xf32>
  return
}

// -----

func.func @transpose_c1_range(%a0: tensor<2x6xf32>) {
  // expected-error @+1 {{'vlp.transpose' op expects a permutation of the input's 2 dimensions, got [-1, 0]}}
  %r = vlp.transpose %a0 {permutation = array<i64: -1, 0>} : (tensor<2x6xf32>) -> tensor<6x2xf32>
  return
}

// -----

func.func @transpose_type(%a0: tensor<2x6xf32>) {
  // expected-error @+1 {{'vlp.transpose' op expects result #0 to be 'tensor<6x2xf32>', got 'tensor<2x6xf32>'}}
  %r = vlp.transpose %a0 {permutation = array<i64: 1, 0>} : (tensor<2x6xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @broadcast_c1(%a0: tensor<2x6xf32>) {
  // expected-error @+1 {{'vlp.broadcast' op expects the input's shape [2, 6] to broadcast to the result's, got [4, 6]}}
  %r = vlp.broadcast %a0 : (tensor<2x6xf32>) -> tensor<4x6xf32>
  return
}

// -----

func.func @broadcast_c1_shrinks(%a0: tensor<2x6xf32>) {
  // expected-error @+1 {{'vlp.broadcast' op expects the input's shape [2, 6] to broadcast to the result's, got [6]}}
  %r = vlp.broadcast %a0 : (tensor<2x6xf32>) -> tensor<6xf32>
  return
}

// -----

func.func @broadcast_c1_one(%a0: tensor<2x6xf32>) {
  // expected-error @+1 {{'vlp.broadcast' op expects the input's shape [2, 6] to broadcast to the result's, got [2, 1]}}
  %r = vlp.broadcast %a0 : (tensor<2x6xf32>) -> tensor<2x1xf32>
  return
}

// -----

func.func @broadcast_c2(%a0: tensor<6xf32>) {
  // expected-error @+1 {{'vlp.broadcast' op expects the input's element type 'f32', got 'f64'}}
  %r = vlp.broadcast %a0 : (tensor<6xf32>) -> tensor<4x6xf64>
  return
}

// -----

func.func @slice_c1(%a0: tensor<2x5xf32>) {
  // expected-error @+1 {{'vlp.slice' op expects one offset and one size for each of the 2 dimensions, got 1 and 2}}
  %r = vlp.slice %a0 {offsets = array<i64: 0>, sizes = array<i64: 2, 2>} : (tensor<2x5xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @slice_c2(%a0: tensor<2x5xf32>) {
  // expected-error @+1 {{'vlp.slice' op expects a box inside the input, got elements 3 to 6 of dimension 1, which has 5}}
  %r = vlp.slice %a0 {offsets = array<i64: 0, 3>, sizes = array<i64: 2, 3>} : (tensor<2x5xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @slice_c2_negative(%a0: tensor<2x5xf32>) {
  // expected-error @+1 {{'vlp.slice' op expects a box inside the input, got elements -1 to 2 of dimension 1, which has 5}}
  %r = vlp.slice %a0 {offsets = array<i64: 0, -1>, sizes = array<i64: 2, 3>} : (tensor<2x5xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @pad_c1(%a0: tensor<2x3xf32>) {
  // expected-error @+1 {{'vlp.pad' op expects one low and one high amount, none negative, for each of the 2 dimensions, got [0, -1] and [0, 2]}}
  %r = vlp.pad %a0 {low = array<i64: 0, -1>, high = array<i64: 0, 2>} : (tensor<2x3xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @pad_c1_length(%a0: tensor<2x3xf32>) {
  // expected-error @+1 {{'vlp.pad' op expects one low and one high amount, none negative, for each of the 2 dimensions, got [0, 1] and [2]}}
  %r = vlp.pad %a0 {low = array<i64: 0, 1>, high = array<i64: 2>} : (tensor<2x3xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @concat_c1() {
  // expected-error @+1 {{'vlp.concat' op expects at least one input, got none}}
  %r = "vlp.concat"() {axis = 0 : i64} : () -> tensor<2xf32>
  return
}

// -----

func.func @concat_c2(%a0: tensor<2x1xf32>, %a1: tensor<2x4xf32>) {
  // expected-error @+1 {{'vlp.concat' op expects axis to be one of the 2 dimensions, got 2}}
  %r = vlp.concat %a0, %a1 {axis = 2 : i64} : (tensor<2x1xf32>, tensor<2x4xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @concat_c2_scalar(%a0: tensor<f32>, %a1: tensor<f32>) {
  // expected-error @+1 {{'vlp.concat' op expects axis to be one of the 0 dimensions, got 0}}
  %r = vlp.concat %a0, %a1 {axis = 0 : i64} : (tensor<f32>, tensor<f32>) -> tensor<2xf32>
  return
}

// -----

func.func @concat_c3(%a0: tensor<2x1xf32>, %a1: tensor<3x4xf32>) {
  // expected-error @+1 {{'vlp.concat' op expects input #1 to agree with 'tensor<2x1xf32>' in all but dimension 1, got 'tensor<3x4xf32>'}}
  %r = vlp.concat %a0, %a1 {axis = 1 : i64} : (tensor<2x1xf32>, tensor<3x4xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @concat_c3_rank(%a0: tensor<2x1xf32>, %a1: tensor<2xf32>) {
  // expected-error @+1 {{'vlp.concat' op expects input #1 to agree with 'tensor<2x1xf32>' in all but dimension 1, got 'tensor<2xf32>'}}
  %r = vlp.concat %a0, %a1 {axis = 1 : i64} : (tensor<2x1xf32>, tensor<2xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @concat_c3_element(%a0: tensor<2x1xf32>, %a1: tensor<2x4xi32>) {
  // expected-error @+1 {{'vlp.concat' op expects input #1 to agree with 'tensor<2x1xf32>' in all but dimension 1, got 'tensor<2x4xi32>'}}
  %r = vlp.concat %a0, %a1 {axis = 1 : i64} : (tensor<2x1xf32>, tensor<2x4xi32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @gather_rows_c1(%a0: tensor<2x5xf32>, %a1: tensor<2xi32>) {
  // expected-error @+1 {{'vlp.gather_rows' op expects an input of rank 3, got [2, 5]}}
  %r = vlp.gather_rows %a0, %a1 : (tensor<2x5xf32>, tensor<2xi32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @gather_rows_c2(%a0: tensor<2x5x8xf32>, %a1: tensor<3xi32>) {
  // expected-error @+1 {{'vlp.gather_rows' op expects an index of shape [2], got [3]}}
  %r = vlp.gather_rows %a0, %a1 : (tensor<2x5x8xf32>, tensor<3xi32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @scatter_rows_c1(%a0: tensor<2x8xf32>, %a1: tensor<2xi32>) {
  // expected-error @+1 {{'vlp.scatter_rows' op expects an input [B, D] and a result [B, S, D] of one element type, got 'tensor<2x8xf32>' and 'tensor<2x5x7xf32>'}}
  %r = vlp.scatter_rows %a0, %a1 : (tensor<2x8xf32>, tensor<2xi32>) -> tensor<2x5x7xf32>
  return
}

// -----

func.func @scatter_rows_c2(%a0: tensor<2x8xf32>, %a1: tensor<2x1xi32>) {
  // expected-error @+1 {{'vlp.scatter_rows' op expects an index of shape [2], got [2, 1]}}
  %r = vlp.scatter_rows %a0, %a1 : (tensor<2x8xf32>, tensor<2x1xi32>) -> tensor<2x5x8xf32>
  return
}

// -----

func.func @argmax_c1(%a0: tensor<2x0xf32>) {
  // expected-error @+1 {{'vlp.argmax' op expects rank at least 1 and a last dimension that is not empty, got [2, 0]}}
  %r = vlp.argmax %a0 : (tensor<2x0xf32>) -> tensor<2xi32>
  return
}

// -----

func.func @argmax_c1_scalar(%a0: tensor<f32>) {
  // expected-error @+1 {{'vlp.argmax' op expects rank at least 1 and a last dimension that is not empty, got []}}
  %r = vlp.argmax %a0 : (tensor<f32>) -> tensor<i32>
  return
}

// -----

func.func @add_c1(%a0: tensor<2x5xf32>, %a1: tensor<4xf32>) {
  // expected-error @+1 {{'vlp.add' op expects shapes that broadcast together, got [2, 5] and [4]}}
  %r = vlp.add %a0, %a1 : (tensor<2x5xf32>, tensor<4xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @add_c2(%a0: tensor<2x5xf32>, %a1: tensor<5xi32>) {
  // expected-error @+1 {{'vlp.add' op expects equal element types, got f32, i32}}
  %r = vlp.add %a0, %a1 : (tensor<2x5xf32>, tensor<5xi32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @sub_c1(%a0: tensor<2x5xf32>, %a1: tensor<4xf32>) {
  // expected-error @+1 {{'vlp.sub' op expects shapes that broadcast together, got [2, 5] and [4]}}
  %r = vlp.sub %a0, %a1 : (tensor<2x5xf32>, tensor<4xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @sub_c2(%a0: tensor<2x5xf32>, %a1: tensor<5xi32>) {
  // expected-error @+1 {{'vlp.sub' op expects equal element types, got f32, i32}}
  %r = vlp.sub %a0, %a1 : (tensor<2x5xf32>, tensor<5xi32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @mul_c1(%a0: tensor<2x5xf32>, %a1: tensor<4xf32>) {
  // expected-error @+1 {{'vlp.mul' op expects shapes that broadcast together, got [2, 5] and [4]}}
  %r = vlp.mul %a0, %a1 : (tensor<2x5xf32>, tensor<4xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @mul_c2(%a0: tensor<2x5xf32>, %a1: tensor<5xi32>) {
  // expected-error @+1 {{'vlp.mul' op expects equal element types, got f32, i32}}
  %r = vlp.mul %a0, %a1 : (tensor<2x5xf32>, tensor<5xi32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @div_c1(%a0: tensor<2x5xf32>, %a1: tensor<4xf32>) {
  // expected-error @+1 {{'vlp.div' op expects shapes that broadcast together, got [2, 5] and [4]}}
  %r = vlp.div %a0, %a1 : (tensor<2x5xf32>, tensor<4xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @div_c2(%a0: tensor<2x5xf32>, %a1: tensor<5xi32>) {
  // expected-error @+1 {{'vlp.div' op expects equal element types, got f32, i32}}
  %r = vlp.div %a0, %a1 : (tensor<2x5xf32>, tensor<5xi32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @add_type(%a0: tensor<2x5xf32>, %a1: tensor<5xf32>) {
  // expected-error @+1 {{'vlp.add' op expects result #0 to be 'tensor<2x5xf32>', got 'tensor<5xf32>'}}
  %r = vlp.add %a0, %a1 : (tensor<2x5xf32>, tensor<5xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @neg_type(%a0: tensor<2x5xf32>) {
  // expected-error @+1 {{'vlp.neg' op requires the same type for all operands and results}}
  %r = vlp.neg %a0 : (tensor<2x5xf32>) -> tensor<5x2xf32>
  return
}

// -----

func.func @cast_c1(%a0: tensor<2x5xf32>) {
  // expected-error @+1 {{'vlp.cast' op expects a result of the input's shape [2, 5], got [5, 2]}}
  %r = vlp.cast %a0 : (tensor<2x5xf32>) -> tensor<5x2xbf16>
  return
}

// -----

func.func @cast_c2(%a0: tensor<2x5xf32>) {
  // expected-error @+1 {{'vlp.cast' op result #0 must be statically shaped float tensor, but got 'tensor<2x5xi32>'}}
  %r = vlp.cast %a0 : (tensor<2x5xf32>) -> tensor<2x5xi32>
  return
}

// -----

func.func @select_c1(%a0: tensor<i32>, %a1: tensor<2xf32>, %a2: tensor<3xf32>) {
  // expected-error @+1 {{'vlp.select' op expects both alternatives to have one type, got 'tensor<2xf32>' and 'tensor<3xf32>'}}
  %r = vlp.select %a0, %a1, %a2 : (tensor<i32>, tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @select_c2(%a0: tensor<2xi32>, %a1: tensor<2x3xf32>) {
  // expected-error @+1 {{'vlp.select' op expects a condition whose shape broadcasts to [2, 3], got [2]}}
  %r = vlp.select %a0, %a1, %a1 : (tensor<2xi32>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @equal_c1(%a0: tensor<2x3xf32>, %a1: tensor<2xf32>) {
  // expected-error @+1 {{'vlp.equal' op expects shapes that broadcast together, got [2, 3] and [2]}}
  %r = vlp.equal %a0, %a1 : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xi32>
  return
}

// -----

func.func @equal_c2(%a0: tensor<2xf32>, %a1: tensor<2xi32>) {
  // expected-error @+1 {{'vlp.equal' op expects equal element types, got f32, i32}}
  %r = vlp.equal %a0, %a1 : (tensor<2xf32>, tensor<2xi32>) -> tensor<2xi32>
  return
}

// -----

func.func @less_c1(%a0: tensor<2x3xf32>, %a1: tensor<2xf32>) {
  // expected-error @+1 {{'vlp.less' op expects shapes that broadcast together, got [2, 3] and [2]}}
  %r = vlp.less %a0, %a1 : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xi32>
  return
}

// -----

func.func @less_c2(%a0: tensor<2xf32>, %a1: tensor<2xi32>) {
  // expected-error @+1 {{'vlp.less' op expects equal element types, got f32, i32}}
  %r = vlp.less %a0, %a1 : (tensor<2xf32>, tensor<2xi32>) -> tensor<2xi32>
  return
}

// -----

func.func @reduce_sum_c1(%a0: tensor<2x5xf32>) {
  // expected-error @+1 {{'vlp.reduce_sum' op expects distinct dimensions of [2, 5] in increasing order, got [1, 0]}}
  %r = vlp.reduce_sum %a0 {axes = array<i64: 1, 0>} : (tensor<2x5xf32>) -> tensor<f32>
  return
}

// -----

func.func @reduce_sum_c1_repeated(%a0: tensor<2x5xf32>) {
  // expected-error @+1 {{'vlp.reduce_sum' op expects distinct dimensions of [2, 5] in increasing order, got [1, 1]}}
  %r = vlp.reduce_sum %a0 {axes = array<i64: 1, 1>} : (tensor<2x5xf32>) -> tensor<f32>
  return
}

// -----

func.func @reduce_sum_c1_range(%a0: tensor<2x5xf32>) {
  // expected-error @+1 {{'vlp.reduce_sum' op expects distinct dimensions of [2, 5] in increasing order, got [0, 2]}}
  %r = vlp.reduce_sum %a0 {axes = array<i64: 0, 2>} : (tensor<2x5xf32>) -> tensor<f32>
  return
}

// -----

func.func @reduce_sum_c1_negative(%a0: tensor<2x5xf32>) {
  // expected-error @+1 {{'vlp.reduce_sum' op expects distinct dimensions of [2, 5] in increasing order, got [-1, 0]}}
  %r = vlp.reduce_sum %a0 {axes = array<i64: -1, 0>} : (tensor<2x5xf32>) -> tensor<f32>
  return
}

// -----

func.func @accumulate_c1() {
  // expected-error @+1 {{'vlp.accumulate' op expects at least one input, got none}}
  %r = "vlp.accumulate"() : () -> tensor<2xf32>
  return
}

// -----

func.func @accumulate_c2(%a0: tensor<2xf32>, %a1: tensor<2xf32>, %a2: tensor<1xf32>) {
  // expected-error @+1 {{'vlp.accumulate' op expects all inputs to be 'tensor<2xf32>', got 'tensor<1xf32>' for input #2}}
  %r = vlp.accumulate %a0, %a1, %a2 : (tensor<2xf32>, tensor<2xf32>, tensor<1xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @dynamic_shape(%a0: tensor<?xf32>) {
  // expected-error @+1 {{'vlp.neg' op operand #0 must be statically shaped float tensor, but got 'tensor<?xf32>'}}
  %r = vlp.neg %a0 : (tensor<?xf32>) -> tensor<?xf32>
  return
}
