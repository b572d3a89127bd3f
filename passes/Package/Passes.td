// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Writing compiled files from textual plans.
#ifndef VLP_PASSES_PACKAGE_PASSES_TD
#define VLP_PASSES_PACKAGE_PASSES_TD

include "mlir/Pass/PassBase.td"

def Package : Pass<"vlp-package", "::mlir::ModuleOp"> {
  let summary = "Write a plan and its machine code as a compiled file";
  let description = [{
    Writes the container of runtime/format to `output`: the manifest of the plan, a section of constants, and, if `code` names a shared object, a
    section with that for `target` and `chip`. Without code the file can be inspected but not run. The same plan and code give the
    same bytes. Changes nothing in the module.
  }];
  let options = [
    Option<"output", "output", "std::string", "", "File to write">,
    Option<"code", "code", "std::string", "", "Shared object with the functions of the plan's kernels">,
    Option<"target", "target", "std::string", "\"cpu\"", "Target of the code">,
    Option<"chip", "chip", "std::string", "\"x86-64-v4\"", "Chip of the code">,
    ListOption<"features", "features", "std::string", "CPU features that the code needs">,
  ];
}

#endif
