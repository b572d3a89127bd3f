// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Planning, and the independent check of plans.
#ifndef VLP_PASSES_PLAN_PASSES_TD
#define VLP_PASSES_PLAN_PASSES_TD

include "mlir/Pass/PassBase.td"

def Plan : Pass<"vlp-plan", "::mlir::ModuleOp"> {
  let summary = "Turn entries of kernels into launches over placed buffers";
  let description = [{
    Replaces state symbols by `plan.state`, functions with `vlp.entry` (a string that names the entry, or a unit: the function's name) by
    `plan.entry`, and their kernels by one `plan.kernel` each of distinct structure. Expects the form that `vlp-form-kernels` leaves. Emitters of `target` say which launches and partial buffers a kernel
    needs and which results may overwrite which inputs.

    * Launches keep the order of the kernels. Returned values are produced in their output slots, inputs are read where they are.
    * A result takes the buffer of an input that dies in its kernel where the emitter allows it.
    * A written state symbol is updated in place where the kernel that makes the new value is the last to read the old one
      (and the emitter allows it), or follows its last reader. Otherwise the entry ends with a copy, and a remark names the symbol.
    * All other values share one arena, best fit by size and lifetime, 64-byte aligned; partial buffers live during their kernel only. The
      arena's size is the peak memory of the entry. With `report`, a remark at each entry says it beside its lower bound.
    * In the state region, parameters come first, those with weight decay before the others, then each kind of moment in the same
      order, then counters and scalars: a parameter and its moments are a constant distance apart.

    What the target asks for and a kernel cannot have (a tile that does not fit a product) is a warning at the kernel, which gets what the emitter chooses.

    Fails, with all reasons at once, where a kernel has no emitter, an op stands outside of kernels, or an entry's input or output or a state symbol
    is neither f32 nor i32, which is all that the runtime sees; and with one error where an op needs bf16 and the target has no code for it.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"generic\"", "Whose emitters to ask; generic is for tests: one launch a kernel">,
    Option<"chip", "chip", "std::string", "\"x86-64-v4\"", "Chip of the target">,
    Option<"matmulTile", "matmul-tile", "std::string", "\"\"", "cuda: how to cut up matrix products; empty: as their shapes ask">,
    Option<"report", "report", "bool", "false", "Report arena size, launches and copies of each entry">,
  ];
  let dependentDialects = ["::vlp::VLPDialect", "::vlp::plan::PlanDialect"];
}

def VerifyPlan : Pass<"vlp-verify-plan", "::mlir::ModuleOp"> {
  let summary = "Prove that every launch of a plan reads the values it was meant to read";
  let description = [{
    Executes each entry on an abstract memory that knows for every byte which value it holds. Reports every launch or copy that reads a byte
    that holds another value or none, writes over its own operand without permission, writes state that the entry does not declare, and
    every output or state slot that does not end with its value. Uses nothing of what the planner knows: only slots and value
    numbers. Changes nothing.
  }];
}

#endif
