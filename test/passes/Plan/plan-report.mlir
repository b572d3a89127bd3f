// The report says the arena's size beside the least that any placement needs.
// RUN: vlp-opt %s --vlp-form-kernels --vlp-plan=report --verify-diagnostics | FileCheck %s

// expected-remark @+4 {{'report' uses an arena of 4096 bytes (at least 4096), 3 launches, 0 copies}}
// CHECK-LABEL: module
// CHECK: plan.entry @report
module {
  func.func @report(%x: tensor<32x16xf32>, %w: tensor<16x16xf32>) -> tensor<32x16xf32> attributes {vlp.entry} {
    %a = vlp.linear %x, %w : (tensor<32x16xf32>, tensor<16x16xf32>) -> tensor<32x16xf32>
    %b = vlp.linear %a, %w : (tensor<32x16xf32>, tensor<16x16xf32>) -> tensor<32x16xf32>
    %c = vlp.linear %b, %w : (tensor<32x16xf32>, tensor<16x16xf32>) -> tensor<32x16xf32>
    return %c : tensor<32x16xf32>
  }
}
