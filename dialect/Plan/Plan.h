// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The plan dialect: ops and attributes.
#pragma once

#include "dialect/VLP/VLP.h"

#include "dialect/Plan/PlanDialect.h.inc"
#include "dialect/Plan/PlanEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/Plan/PlanAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialect/Plan/PlanOps.h.inc"

namespace vlp::plan {
/// Every slot starts at a multiple of this many bytes within its region (VLP_SLOT_ALIGNMENT).
inline constexpr int64_t kSlotAlignment = 64;
/// Bytes of a dense tensor of `type`.
int64_t getTensorBytes(mlir::Type type);
} // namespace vlp::plan
