// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Generated interface bodies and the default cost.
#include "dialect/Interfaces/Interfaces.h"

using namespace mlir;

double vlp::getCompulsoryBytes(Operation *op) {
  double bytes = 0;
  auto add = [&](Type type) {
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      bytes += static_cast<double>(tensor.getNumElements()) * tensor.getElementTypeBitWidth() / 8;
  };
  for (Type type : op->getOperandTypes())
    add(type);
  for (Type type : op->getResultTypes())
    add(type);
  return bytes;
}

std::string vlp::getLayerName(Location location) {
  if (auto named = dyn_cast<NameLoc>(location))
    return named.getName().str();
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (std::string name = getLayerName(part); !name.empty())
        return name;
  if (auto call = dyn_cast<CallSiteLoc>(location))
    return getLayerName(call.getCallee());
  return "";
}

#include "dialect/Interfaces/CostOpInterface.cpp.inc"
#include "dialect/Interfaces/DifferentiableOpInterface.cpp.inc"
#include "dialect/Interfaces/ReferenceOpInterface.cpp.inc"
