// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The executable meaning of one op.
#ifndef VLP_INTERFACES_REFERENCEOPINTERFACE_TD
#define VLP_INTERFACES_REFERENCEOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def ReferenceOpInterface : OpInterface<"ReferenceOpInterface"> {
  let cppNamespace = "::vlp";
  let description = [{
    An op that the reference interpreter can execute, in f32 and in f64. Written for clarity, from the op's formula; every
    kernel of every target is checked against it.
  }];
  let methods = [
    InterfaceMethod<"Computes the results in f32: elementwise steps round to f32, long sums run in f64 and round once.", "::llvm::LogicalResult", "evaluateF32",
      (ins "::vlp::Evaluation<float> &":$evaluation)>,
    InterfaceMethod<"Computes the results in f64.", "::llvm::LogicalResult", "evaluateF64",
      (ins "::vlp::Evaluation<double> &":$evaluation)>,
  ];
}

#endif
