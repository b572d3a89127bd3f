// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Initial distributions of parameters.
#include "models/common/Initializers.h"
#include <cmath>

using namespace vlp;

InitializerAttr models::constantInit(mlir::MLIRContext *context, double value) {
  return InitializerAttr::get(context, InitializerKind::Constant, value, 0.0);
}

InitializerAttr models::normalInit(mlir::MLIRContext *context, double deviation) {
  return InitializerAttr::get(context, InitializerKind::Normal, 0.0, deviation);
}

InitializerAttr models::uniformInit(mlir::MLIRContext *context, double bound) {
  return InitializerAttr::get(context, InitializerKind::Uniform, -bound, bound);
}

InitializerAttr models::torchDefaultInit(mlir::MLIRContext *context, int64_t fanIn) {
  return uniformInit(context, 1.0 / std::sqrt(double(fanIn)));
}

InitializerAttr models::xavierInit(mlir::MLIRContext *context, int64_t fanIn, int64_t fanOut) {
  return uniformInit(context, std::sqrt(6.0 / double(fanIn + fanOut)));
}
