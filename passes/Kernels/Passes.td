// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Passes that turn graph-level vlp ops into kernel regions.
#ifndef VLP_PASSES_KERNELS_PASSES_TD
#define VLP_PASSES_KERNELS_PASSES_TD

include "mlir/Pass/PassBase.td"

def DecomposePatchEmbed : Pass<"vlp-decompose-patch-embed", "::mlir::func::FuncOp"> {
  let summary = "Turn patch embeddings into patchify and linear";
  let description = [{
    `patch_embed(image, weight, bias)` becomes `linear(patchify(image), reshape(weight), bias)`, so that the matmul emitter serves it and
    the forward and the backward share one patchify (after `cse`). Exact: the products are summed in the same order.
  }];
}

def FormKernels : Pass<"vlp-form-kernels", "::mlir::func::FuncOp"> {
  let summary = "Wrap every compute op, with its prologue and epilogue, in a vlp.kernel region";
  let description = [{
    After the pass a function holds reads, constants that are no splats, kernels in execution order, reshapes of whole tensors, writes and
    the return; nothing else computes. Guarantees:

    * Kernel operands and results are whole dense tensors. Views are cloned into the kernels that read through them; a view chain that is
      no strided access (a reshape of a transposed tensor, say) is materialised by an elementwise kernel that copies;
      so are a mask of attention whose rows are no neighbours in memory, and a gradient that is part of another tensor.
    * Splat constants are cloned into kernels.
    * Results that nobody uses are not yielded; a value before its epilogue is yielded only where it has other users.
    * Bodies list their ops in program order and kernels their operands in order of first use, so that equal kernels have equal text.

    Fusions, each applied only where the merged kernels stay acyclic:

    * `fuse-epilogues`: an elementwise op joins the kernel that produces one of its operands if its shape is that of the kernel's main
      result (matmul, concat, embedding, layer_norm, row, reduce, elementwise). Of several producers the latest anchored one is
      taken; further elementwise producers follow where all their users are inside. Declines where the value before the epilogue
      has other users and the op stands more than `epilogue-distance` ops later, or in the backward part (`vlp.backward`) behind a
      forward kernel: both would occupy memory in between.
    * `fuse-prologues`: an elementwise kernel whose only result is summed by one reduce_sum joins the latter.
    * A cast to a wider type never joins the kernel that makes its operand; each of its readers gets one of its own, so that memory holds
      and kernels read the narrower values.
    * `fuse-attention-concat`: a concat of exactly the three gradients of an attention along the last dimension joins the
      attention_grad kernel.

    With `remarks`, every fusion that was applicable and was declined is reported at the op that stayed outside.
  }];
  let options = [
    Option<"fuseEpilogues", "fuse-epilogues", "bool", "true", "Fuse elementwise consumers into anchors">,
    Option<"fusePrologues", "fuse-prologues", "bool", "true", "Fuse elementwise producers into reductions">,
    Option<"fuseAttentionConcat", "fuse-attention-concat", "bool", "true", "Let attention_grad write its gradients side by side">,
    Option<"epilogueDistance", "epilogue-distance", "int64_t", "32", "How many ops later an epilogue may stand if it keeps two values alive">,
    Option<"remarks", "remarks", "bool", "false", "Report fusions that were declined">,
  ];
  let dependentDialects = ["::vlp::VLPDialect"];
}

def MergeBiasGradients : Pass<"vlp-merge-bias-gradients", "::mlir::func::FuncOp"> {
  let summary = "Let the product that makes a weight's gradient sum the bias's, too";
  let description = [{
    The gradients of a linear layer are `dW = dY^T X` and, of its bias, the sum of dY's rows: two kernels that read dY. Where the `matmul` kernel has dY, or a
    reshape of all of it, as its transposed left operand, the `reduce` kernel that sums dY (or its widening cast) over all dimensions but the last joins it, with
    its epilogue. The merged body holds both ops, the product first; the sum of narrower elements is of what the product multiplies. Saves a launch or two a layer and
    one reading of dY. For targets whose emitter of products sums its left operand on the way (cuda).

    Declines, with a remark if `remarks`, where another kernel between the two needs one's result and makes the other's operands.
  }];
  let options = [
    Option<"remarks", "remarks", "bool", "false", "Report sums that stay kernels of their own">,
  ];
  let dependentDialects = ["::vlp::VLPDialect"];
}

def BatchUpdates : Pass<"vlp-batch-updates", "::mlir::func::FuncOp"> {
  let summary = "Update many parameters in one kernel";
  let description = [{
    `adamw` kernels that share their scalars (step, rates, clip factor, finite flag), their element type and their decay become one kernel with several
    `vlp.adamw` ops, at most `most` of them, in front of the last. A batch ends where one of its results is used. For targets where a launch is dear: the
    training step of CLIP ViT-L/14 has 444 parameters.
  }];
  let options = [
    Option<"most", "most", "int64_t", "64", "Updates a kernel at most: seven pointers each, and a launch takes 4 KiB of arguments">,
  ];
  let dependentDialects = ["::vlp::VLPDialect"];
}

def DeduplicateKernels : Pass<"vlp-deduplicate-kernels", "::mlir::ModuleOp"> {
  let summary = "Name kernels by their structure, so that equal ones share code";
  let description = [{
    Gives every `vlp.kernel` the attribute `vlp.symbol = "anchor_shape_hash"`, where the hash is of types, attributes and body, not of
    locations. Kernels of equal symbol are equal; the planner emits code once for each. Fails on a collision of hashes.
  }];
}

#endif
