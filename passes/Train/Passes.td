// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes that turn gradients into training steps.
#ifndef VLP_PASSES_TRAIN_PASSES_TD
#define VLP_PASSES_TRAIN_PASSES_TD

include "mlir/Pass/PassBase.td"

def InsertOptimizer : Pass<"vlp-insert-optimizer", "::mlir::ModuleOp"> {
  let summary = "Turn an entry that returns gradients into a training step that updates state";
  let description = [{
    Serves each function whose `vlp.entry` is one of `entries` and whose results carry `vlp.gradient`. Those results vanish; in their place the
    entry computes and writes, for every parameter, one AdamW update of

    * gradients clipped by their global norm (`train.clip_norm`, 0 for off), with the learning rate of a linear warm-up and half a cosine
      (`train.learning_rate`, `train.warmup_steps`, `train.total_steps`), decayed where the parameter says `decay`;
    * parameters named in `clamp` are bounded to [0, ln `train.logit_scale_max`] after the update, as open_clip bounds CLIP's temperature;
    * the counter `train.step` advances.

    All of it happens only where the loss and the gradient norm are finite; else every state symbol keeps its value and the output
    `finite` is 0. New outputs: `grad_norm`, `learning_rate` (f32) and `finite` (i32). Moments, counter and scalars are declared as
    `vlp.variable`; the module's dictionary `vlp.recipe` overrides the defaults of scalars.

    In functions that are not in `entries`, results with `vlp.gradient` become outputs named `grad/<parameter>`.

    Fails where `vlp.recipe` names an unknown scalar; all such names are reported.
  }];
  let options = [
    ListOption<"entries", "entries", "std::string", "Entries that become training steps; train if none is given">,
    ListOption<"clamp", "clamp", "std::string", "Parameters bounded after the update; logit_scale if none is given">,
  ];
  let dependentDialects = ["::vlp::VLPDialect"];
}

def VerifyState : Pass<"vlp-verify-state", "::mlir::ModuleOp"> {
  let summary = "Check that entries read and write each state symbol at most once, writes last";
  let description = [{
    Reports, in every function: a second `vlp.read` or `vlp.write` of a symbol, and any op other than a write or the return that follows a
    write. In-place updates of the planner rest on this form. Changes nothing.
  }];
}

#endif
