// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes that turn a loss into gradients.
#ifndef VLP_PASSES_AUTODIFF_PASSES_TD
#define VLP_PASSES_AUTODIFF_PASSES_TD

include "mlir/Pass/PassBase.td"

def MarkTrainable : Pass<"vlp-mark-trainable", "::mlir::ModuleOp"> {
  let summary = "Freeze the parameters whose names match a glob";
  let description = [{
    Removes `trainable` from every `vlp.parameter` whose name matches one of the `freeze` globs (`visual.*`, `*.bias`,
    `{visual,text}.proj`). What is frozen costs nothing later: no gradient, no moments, and no backward op that would only
    serve it. Without globs nothing changes.

    Fails if a glob is malformed or matches no parameter; all such globs are reported at once, with the nearest names.
  }];
  let options = [
    ListOption<"freeze", "freeze", "std::string", "Globs of names of parameters that do not learn">,
  ];
}

def AnalyzeActivity : Pass<"vlp-analyze-activity", "::mlir::ModuleOp"> {
  let summary = "Report which parameters and ops a gradient passes through";
  let description = [{
    Prints remarks for each function with the attribute `vlp.differentiate`: one with the number of active ops and parameters, one for
    every parameter read that is not active and why (frozen, or the loss does not depend on it), and one at every active op. A value
    is active if it depends on a trainable parameter and the loss depends on it; integer operands, `vlp.stop_gradient` and ops whose gradient
    is zero by definition end the dependence. Changes nothing.
  }];
}

def Autodiff : Pass<"vlp-autodiff", "::mlir::ModuleOp"> {
  let summary = "Add the gradients of all trainable parameters to a function that returns a loss";
  let description = [{
    Serves each function with the unit attribute `vlp.differentiate`, which it removes. Result #0 is the loss, a `tensor<f32>`; other results
    are left alone. For each trainable parameter that the function reads, in order of the parameters in the module, a result is appended whose
    attribute `vlp.gradient` names it. Guarantees:

    * The backward ops follow all forward ops, in reverse order of these, at the locations of these; each op that depends on a cotangent
      has the unit attribute `vlp.backward`.
    * Only active values (see `vlp-analyze-activity`) are differentiated. A frozen parameter gets no gradient op of its own, and gradients flow
      through its users only where something trainable stands upstream.
    * Contributions to one value (several uses of a weight, residual branches) are summed by one `vlp.accumulate`, the last use first:
      equal inputs give equal bits.
    * A parameter that the loss does not depend on gets a zero gradient and a warning.

    Fails, and reports all reasons at once, each with the parameters concerned, where an op without a gradient rule stands between
    a trainable parameter and the loss, where a rule declines (a loss that depends on a log-sum-exp, say), where the loss is no
    `tensor<f32>`, and where the function has control flow, or callers, which would not know of the new results.
  }];
  let dependentDialects = ["::vlp::VLPDialect"];
}

def ChainAccumulate : Pass<"vlp-chain-accumulate", "::mlir::func::FuncOp"> {
  let summary = "Sum many gradient contributions as they come";
  let description = [{
    A `vlp.accumulate` of more than `most` operands becomes a chain of sums of two, in the same order: the same bits. Each stands where its
    operands are there, so that it joins the kernel of the newer one, in place of the older: one running sum is alive, not all terms. A picture's rows that
    six layers of three passes look at (ALBEF) have 27 contributions of 50 MB; summed in one kernel they also need more registers than a thread has.
  }];
  let options = [
    Option<"most", "most", "int64_t", "4", "Operands that stay in one sum">,
  ];
  let dependentDialects = ["::vlp::VLPDialect"];
}

def SimplifyGradients : Pass<"vlp-simplify-gradients", "::mlir::func::FuncOp"> {
  let summary = "Remove what the gradient rules left: zeros, ones, transposes, padded slices";
  let description = [{
    Every rewrite is exact up to the sign of a zero (but for the place of padded slices in a longer sum), and keeps locations and `vlp.backward`:

    * zeros are dropped from sums, and what is linear in a zero is a zero;
    * products and quotients with the constant 1 are their other operand; constants are broadcast, scaled and negated at
      compile time, rounded to their type as at run time (so the f64 interpreter sees f32 roundings); a double negation vanishes;
    * a sum of one term, a reshape of a reshape and a transpose of a transpose fold;
    * a transposed operand or result of `vlp.matmul` becomes a flag of it;
    * a broadcast in front of an elementwise op that broadcasts by itself vanishes;
    * padded gradients of slices of one tensor (the query, key and value of a fused projection) whose boxes lie side by side along
      one dimension become one `vlp.concat`; if they do not fill the tensor, one `vlp.pad` remains around it. Declines where boxes
      overlap or a padded value has another user.

    Dead ops vanish. The pass serves forward and backward ops alike.
  }];
  let dependentDialects = ["::vlp::VLPDialect"];
}

#endif
