// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Registration of the vlp dialect and its generated definitions.
#include "dialect/VLP/VLP.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vlp;

#include "dialect/VLP/VLPDialect.cpp.inc"
#include "dialect/VLP/VLPEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/VLP/VLPAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "dialect/VLP/VLPOps.cpp.inc"

void VLPDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/VLP/VLPAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialect/VLP/VLPOps.cpp.inc"
      >();
}

Operation *VLPDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location location) {
  auto elements = dyn_cast<ElementsAttr>(value);
  return elements && elements.getShapedType() == type ? ConstantOp::create(builder, location, elements) : nullptr;
}
