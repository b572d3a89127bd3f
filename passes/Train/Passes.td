// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes that turn gradients into training steps.
#ifndef VLP_PASSES_TRAIN_PASSES_TD
#define VLP_PASSES_TRAIN_PASSES_TD

include "mlir/Pass/PassBase.td"

def InsertOptimizer : Pass<"vlp-insert-optimizer", "::mlir::ModuleOp"> {
  let summary = "Turn the gradients of training entries into updates of their parameters";
  let description = [{
    Serves each function with the attribute `vlp.optimizer = "adamw"`, which it removes. Its results with `vlp.gradient` (see `vlp-autodiff`)
    are consumed: they vanish from the function's type. In their place:

    * the global norm of all gradients, and the factor that bounds it by `train.clip_norm`;
    * the learning rate of the step: linear warm-up, then half a cosine (`vlp.warmup_cosine`);
    * one `vlp.adamw` a parameter, with moments `adam.m/<parameter>` and `adam.v/<parameter>`, in the order of the results;
    * the counter `train.step` plus one, which the updates count with;
    * a clamp, after its update, of each parameter with `vlp.max_multiplier = @scalar`: it is the logarithm of a multiplier, which stays between
      1 and the scalar (CLIP's `logit_scale`); and of each parameter with `vlp.bounds = [lower, upper]` (ALBEF's temperature).

    Writes that the function has already (averages, queues) move to its end.

    All writes are predicated on a flag on the device: the loss (result #0) and the gradient norm are finite. Where it is 0, every state tensor keeps its
    value exactly, the counter included. The function gets the results `grad_norm`, `learning_rate` and `finite` (attribute `vlp.name`), and the
    attribute `vlp.finite_flag = "finite"`.

    Moments, the counter and the scalars are declared where the module lacks them, so that several training entries share one state. The initial
    values of scalars come from the module's dictionary `vlp.recipe` (f64 by name), else from open_clip's defaults.

    Fails, with all reasons at once, where a training function returns no gradients or names another optimizer, where the recipe names no known scalar, or where a state symbol that the
    pass needs exists with another type.
  }];
  let dependentDialects = ["::vlp::VLPDialect"];
}

def NameGradients : Pass<"vlp-name-gradients", "::mlir::func::FuncOp"> {
  let summary = "Name results that are gradients after their parameters";
  let description = [{
    Results with `vlp.gradient = @p` and without `vlp.name` get `vlp.name = "grad/p"`, so that entries that return gradients say which is which in
    compiled files. Training entries have none left after `vlp-insert-optimizer`.
  }];
}

def VerifyState : Pass<"vlp-verify-state", "::mlir::ModuleOp"> {
  let summary = "Check that entries read state once, before they write it once, at their end";
  let description = [{
    In each function, a state symbol is read at most once and written at most once, and nothing but writes and the return follows the first write.
    All violations are reported. Changes nothing.
  }];
}

#endif
