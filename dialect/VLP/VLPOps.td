// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All ops of the dialect, by family.
#ifndef VLP_VLPOPS_TD
#define VLP_VLPOPS_TD

include "dialect/VLP/AttentionOps.td"
include "dialect/VLP/EmbeddingOps.td"
include "dialect/VLP/KernelOps.td"
include "dialect/VLP/LinearOps.td"
include "dialect/VLP/LossOps.td"
include "dialect/VLP/NormOps.td"
include "dialect/VLP/OptimizerOps.td"
include "dialect/VLP/RandomOps.td"
include "dialect/VLP/StateOps.td"
include "dialect/VLP/TensorOps.td"

#endif
