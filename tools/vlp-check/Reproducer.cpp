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
  auto element = cast<FloatType>(type.getElementType());
  std::vector<llvm::APFloat> values;
  for (double value : array.values) {
    values.emplace_back(value);
    bool inexact;
    values.back().convert(element.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &inexact);
  }
  return DenseElementsAttr::get(type, ArrayRef<llvm::APFloat>(values));
}

/// As an entry may return it: f32 or i32.
static Value makeResult(OpBuilder &builder, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (!type.getElementType().isBF16())
    return value;
  return CastOp::create(builder, value.getLoc(), type.clone(builder.getF32Type()), value).getResult();
}

OwningOpRef<ModuleOp> tools::makeReproducer(KernelOp kernel, ArrayRef<Array<double>> operands) {
  OpBuilder builder(kernel.getContext());
  OwningOpRef<ModuleOp> module = ModuleOp::create(kernel.getLoc());
  builder.setInsertionPointToEnd(module->getBody());
  SmallVector<Type> types;
  for (Type type : kernel.getResultTypes())
    types.push_back(cast<RankedTensorType>(type).getElementType().isBF16()
                        ? cast<RankedTensorType>(type).clone(builder.getF32Type())
                        : type);
  auto function = func::FuncOp::create(builder, kernel.getLoc(), "reproducer", builder.getFunctionType({}, types));
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
  SmallVector<Value> results;
  for (Value result : copy->getResults())
    results.push_back(makeResult(builder, result));
  func::ReturnOp::create(builder, kernel.getLoc(), results);
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
