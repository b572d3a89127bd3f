// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Strides of patches.
#include "passes/Kernels/PatchAccess.h"

using namespace mlir;
using namespace vlp;

PatchAccess vlp::getPatchAccess(Operation *op) {
  FailureOr<Access> access = getAccess(op->getOperand(0));
  const SmallVector<int64_t> &s = access->strides;
  auto image = cast<RankedTensorType>(isa<PatchifyOp>(op) ? op->getOperand(0).getType() : op->getResult(0).getType());
  int64_t patch = op->getAttrOfType<IntegerAttr>("patch").getInt();
  int64_t batch = image.getDimSize(0), channels = image.getDimSize(1);
  int64_t gridY = image.getDimSize(2) / patch, gridX = image.getDimSize(3) / patch;
  PatchAccess gather;
  gather.source = *access;
  if (isa<PatchifyOp>(op)) {
    gather.space = {batch, gridY, gridX, channels, patch, patch};
    gather.source.strides = {s[0], patch * s[2], patch * s[3], s[1], s[2], s[3]};
  } else {
    gather.space = {batch, channels, gridY, patch, gridX, patch};
    gather.source.strides = {s[0], patch * patch * s[2], gridX * s[1], patch * s[2], s[1], s[2]};
  }
  gather.source.shape = gather.space;
  return gather;
}
