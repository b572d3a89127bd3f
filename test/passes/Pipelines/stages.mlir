// The three stages turn a loss into launches; optional passes can be left out of each.
// RUN: vlp-opt %s --vlp-graph-pipeline | FileCheck %s --check-prefix=GRAPH
// RUN: vlp-opt %s --vlp-graph-pipeline="precision=bf16" | FileCheck %s --check-prefix=BF16
// RUN: vlp-opt %s --vlp-graph-pipeline --vlp-kernels-pipeline | FileCheck %s --check-prefix=KERNELS
// RUN: vlp-opt %s --vlp-graph-pipeline --vlp-kernels-pipeline --vlp-plan-pipeline | FileCheck %s --check-prefix=PLAN
// RUN: vlp-opt %s --vlp-graph-pipeline="disable=vlp-verify-state,cse freeze=w" | FileCheck %s --check-prefix=FROZEN
// RUN: not vlp-opt %s --vlp-graph-pipeline="disable=nonsense" 2>&1 | FileCheck %s --check-prefix=UNKNOWN

vlp.parameter @w : tensor<3x8xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>, trainable, decay}
vlp.parameter @b : tensor<3xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>, trainable}

// GRAPH: vlp.variable moment @"adam.m/w"
// GRAPH: func.func @train
// GRAPH-SAME: {vlp.name = "grad_norm"}
// GRAPH-SAME: vlp.finite_flag = "finite"
// GRAPH: vlp.adamw
// GRAPH: vlp.write @train.step
// BF16: vlp.linear {{.*}} : (tensor<4x8xbf16>, tensor<3x8xbf16>, tensor<3xf32>) -> tensor<4x3xf32>
// BF16: vlp.matmul {{.*}} {transpose_lhs, vlp.backward} : (tensor<4x3xbf16>, tensor<4x8xbf16>) -> tensor<3x8xf32>
// KERNELS: vlp.kernel "adamw"
// KERNELS-SAME: vlp.symbol
// PLAN: plan.entry @train inputs [#plan.tensor<"x"
// PLAN: plan.launch @
// FROZEN-NOT: adam.m/w
// FROZEN: vlp.write @b
// UNKNOWN: unknown pass 'nonsense'; passes that can be disabled: cse, vlp-simplify-gradients
func.func @train(%x: tensor<4x8xf32> {vlp.name = "x"}, %labels: tensor<4xi32> {vlp.name = "labels"})
    -> (tensor<f32> {vlp.name = "loss"}) attributes {vlp.entry = "train", vlp.differentiate, vlp.optimizer = "adamw"} {
  %w = vlp.read @w : tensor<3x8xf32>
  %b = vlp.read @b : tensor<3xf32>
  %y = vlp.linear %x, %w, %b : (tensor<4x8xf32>, tensor<3x8xf32>, tensor<3xf32>) -> tensor<4x3xf32>
  %losses, %lse = vlp.cross_entropy %y, %labels : (tensor<4x3xf32>, tensor<4xi32>) -> (tensor<4xf32>, tensor<4xf32>)
  %loss = vlp.reduce_sum %losses {axes = array<i64: 0>} : (tensor<4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
