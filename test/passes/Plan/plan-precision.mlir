// bf16 tensors take two bytes an element in slots of 64-byte alignment, and a target without code for them says so once.
// RUN: vlp-opt %s --vlp-kernels-pipeline --vlp-plan --vlp-verify-plan | FileCheck %s
// RUN: not vlp-opt %s --vlp-kernels-pipeline --vlp-plan=target=cpu 2>&1 | FileCheck %s --check-prefix=CPU
// CPU: error: target 'cpu' has no code for bf16, which 'vlp.cast' needs here; expected --precision=f32, or --target=cuda:sm_80 or sim
// CPU-NOT: error:

// CHECK-DAG: plan.launch @elementwise_3x5_{{.*}} [#plan.slot<input, 0, 60, {{.*}}>, #plan.slot<arena, {{[0-9]+}}, 30, {{.*}}>]
// CHECK-DAG: plan.launch @elementwise_7x5_{{.*}} [#plan.slot<input, 64, 140, {{.*}}>, #plan.slot<arena, {{[0-9]+}}, 70, {{.*}}>]
// CHECK: plan.launch @matmul_3x7x5_{{.*}} [#plan.slot<arena, {{0|64|128}}, 30, {{.*}}>, #plan.slot<arena, {{0|64|128}}, 70, {{.*}}>, #plan.slot<output, 0, 84, {{.*}}>] {bytes = 1.840000e+02 : f64
func.func @main(%x: tensor<3x5xf32>, %w: tensor<7x5xf32>) -> tensor<3x7xf32> attributes {vlp.entry} {
  %xb = vlp.cast %x : (tensor<3x5xf32>) -> tensor<3x5xbf16>
  %wb = vlp.cast %w : (tensor<7x5xf32>) -> tensor<7x5xbf16>
  %y = vlp.linear %xb, %wb : (tensor<3x5xbf16>, tensor<7x5xbf16>) -> tensor<3x7xf32>
  return %y : tensor<3x7xf32>
}
