// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One kernel with its inputs as a model of its own.
#include "tools/vlp-check/Reproducer.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;

static DenseElementsAttr toAttribute(RankedTensorType type, const Array<double> &array) {
  if (type.getElementType().isInteger())
    return DenseElementsAttr::get(type, ArrayRef<int32_t>(array.ints));
  std::vector<float> values(array.values.begin(), array.values.end());
  return DenseElementsAttr::get(type, ArrayRef<float>(values));
}

OwningOpRef<ModuleOp> tools::makeReproducer(KernelOp kernel, ArrayRef<Array<double>> operands) {
  OpBuilder builder(kernel.getContext());
  OwningOpRef<ModuleOp> module = ModuleOp::create(kernel.getLoc());
  builder.setInsertionPointToEnd(module->getBody());
  auto function = func::FuncOp::create(builder, kernel.getLoc(), "reproducer",
                                       builder.getFunctionType({}, kernel.getResultTypes()));
  function->setAttr("vlp.entry", builder.getStringAttr("reproducer"));
  for (unsigned i = 0; i < kernel.getNumResults(); ++i)
    function.setResultAttr(i, "vlp.name", builder.getStringAttr("result" + llvm::Twine(i)));
  builder.setInsertionPointToStart(function.addEntryBlock());
  IRMapping mapping;
  for (auto [operand, array] : llvm::zip_equal(kernel.getOperands(), operands)) {
    if (mapping.contains(operand))
      continue;
    auto value = toAttribute(cast<RankedTensorType>(operand.getType()), array);
    mapping.map(operand, ConstantOp::create(builder, kernel.getLoc(), value).getResult());
  }
  Operation *copy = builder.clone(*kernel, mapping);
  func::ReturnOp::create(builder, kernel.getLoc(), copy->getResults());
  return module;
}

llvm::Error tools::writeReproducer(ModuleOp reproducer, const std::string &path) {
  return llvm::writeToOutput(path, [&](llvm::raw_ostream &out) {
    out << "// vlp-check compare FILE --device=cpu\n";
    reproducer.print(out, OpPrintingFlags().enableDebugInfo());
    out << "\n";
    return llvm::Error::success();
  });
}
