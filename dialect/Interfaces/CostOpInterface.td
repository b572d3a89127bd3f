// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What one op costs.
#ifndef VLP_INTERFACES_COSTOPINTERFACE_TD
#define VLP_INTERFACES_COSTOPINTERFACE_TD

include "mlir/IR/OpBase.td"

def CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::vlp";
  let description = [{
    Floating-point work and compulsory memory traffic of an op, for reports, rematerialisation and the tests against published
    figures. One multiply-add counts as two flops. Matmul, convolution and attention count their products only, as the
    literature does; attention counts the dense rectangle, masked or not.
  }];
  let methods = [
    InterfaceMethod<"Flops of products (matmul, convolution, attention); 0 for everything else.", "double", "getFlops", (ins),
      [{}], [{ return 0; }]>,
    InterfaceMethod<"Bytes: every operand read once, every result written once.", "double", "getBytes", (ins), [{}],
      [{ return ::vlp::getCompulsoryBytes($_op); }]>,
  ];
}

#endif
