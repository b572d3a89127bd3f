// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Executable meaning of random ops.
#include "dialect/VLP/ReferenceSupport.h"
#include "runtime/format/Philox.h"

using namespace mlir;
using namespace vlp;

template <typename T>
static LogicalResult evaluate(RandomUniformOp op, Evaluation<T> &e) {
  auto seed = static_cast<uint32_t>(e.in(0).ints[0]), step = static_cast<uint32_t>(e.in(1).ints[0]);
  auto stream = static_cast<uint32_t>(op.getStream());
  for (int64_t i = 0; i < e.out().size(); ++i) {
    uint32_t word = philox4x32({static_cast<uint32_t>(i), step, stream, 0}, {seed, kStepKey})[0];
    e.out()[i] = static_cast<T>((word >> 9) + 0.5) * T(0x1p-23);
  }
  return success();
}

VLP_REFERENCE(RandomUniformOp)
