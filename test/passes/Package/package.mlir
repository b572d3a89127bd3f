// A planned module becomes a file: the same bytes each time, readable by the runtime's tool.
// RUN: vlp-opt %s --vlp-form-kernels --vlp-plan --vlp-package=output=%t.a.vlp -o %t.mlir
// RUN: vlp-opt %s --vlp-form-kernels --vlp-plan --vlp-package=output=%t.b.vlp -o /dev/null
// RUN: cmp %t.a.vlp %t.b.vlp
// RUN: head -c 8 %t.a.vlp | FileCheck %s
// CHECK: VLPCFILE
// RUN: not vlp-opt %s --vlp-package=output=%t.c.vlp 2>&1 | FileCheck %s --check-prefix=UNPLANNED
// UNPLANNED: error: expected a module of plan ops, got 'vlp.parameter'; run vlp-plan first
// UNPLANNED: error: expected a module of plan ops, got 'func.func'; run vlp-plan first
// RUN: not vlp-opt %t.mlir --vlp-package="output=%t.d.vlp code=%t.missing" 2>&1 | FileCheck %s --check-prefix=NOCODE
// NOCODE: error: expected a shared object in '{{.*}}.missing'

module attributes {vlp.model = "toy", vlp.architecture = "clip", vlp.config = {width = 8 : i64}, vlp.preprocessing = {image_size = 32 : i64, mean = array<f32: 0.5, 0.5, 0.5>}} {
  vlp.parameter @w : tensor<8x8xf32> {init = #vlp.init<normal, 0.0 : f64, 0.1 : f64>, trainable, decay}
  func.func @encode(%x: tensor<4x8xf32> {vlp.name = "x"}) -> (tensor<4x8xf32> {vlp.name = "y"}) attributes {vlp.entry = "encode", vlp.options = {batch = 4 : i64}} {
    %w = vlp.read @w : tensor<8x8xf32>
    %table = vlp.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>
    %y = vlp.linear %x, %w, %table : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
    return %y : tensor<4x8xf32>
  }
}
