// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every pass and pipeline of the compiler on .mlir text.
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "passes/Pipelines/Registration.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  vlp::registerDialects(registry);
  vlp::registerPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "Passes of VLPC, the vision-language pretraining compiler", registry));
}
