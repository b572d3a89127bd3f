// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-name-gradients.
#include "passes/Train/Passes.h"

namespace vlp {
#define GEN_PASS_DEF_NAMEGRADIENTS
#include "passes/Train/Passes.h.inc"
} // namespace vlp

using namespace mlir;

namespace {
struct NameGradients : vlp::impl::NameGradientsBase<NameGradients> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      auto parameter = function.getResultAttrOfType<FlatSymbolRefAttr>(i, "vlp.gradient");
      if (parameter && !function.getResultAttr(i, "vlp.name"))
        function.setResultAttr(i, "vlp.name", StringAttr::get(&getContext(), "grad/" + parameter.getValue()));
    }
  }
};
} // namespace
