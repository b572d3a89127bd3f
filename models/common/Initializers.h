// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Initial distributions of parameters, as the official code draws them.
#pragma once

#include "dialect/VLP/VLP.h"

namespace vlp::models {

InitializerAttr constantInit(mlir::MLIRContext *context, double value);
/// Mean 0.
InitializerAttr normalInit(mlir::MLIRContext *context, double deviation);
/// From -bound to bound.
InitializerAttr uniformInit(mlir::MLIRContext *context, double bound);
/// What torch gives weights and biases of nn.Linear and nn.Conv2d: kaiming_uniform(a = sqrt 5), that is
/// +-1/sqrt(fan_in).
InitializerAttr torchDefaultInit(mlir::MLIRContext *context, int64_t fanIn);
/// xavier_uniform of a [fanOut, fanIn] matrix, as torch.nn.MultiheadAttention draws its in_proj.
InitializerAttr xavierInit(mlir::MLIRContext *context, int64_t fanIn, int64_t fanOut);

} // namespace vlp::models
