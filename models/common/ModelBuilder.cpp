// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Entries, parameters and layer names.
#include "models/common/ModelBuilder.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

ModelBuilder::ModelBuilder(ModuleOp module) : b(module.getLoc(), module.getContext()), module(module) {}

std::string ModelBuilder::qualified(StringRef name) const {
  return layer.empty() ? name.str() : name.empty() ? layer : layer + "." + name.str();
}

void ModelBuilder::updateLocation() { b.setLoc(NameLoc::get(b.getStringAttr(layer.empty() ? "model" : layer))); }

ModelBuilder::Layer::Layer(ModelBuilder &builder, StringRef name) : builder(builder), outer(builder.layer) {
  builder.layer = builder.qualified(name);
  builder.updateLocation();
}

ModelBuilder::Layer::~Layer() {
  builder.layer = outer;
  builder.updateLocation();
}

SmallVector<Value> ModelBuilder::beginEntry(StringRef name, ArrayRef<Port> inputs, int64_t batch) {
  b.setInsertionPointToEnd(module.getBody());
  updateLocation();
  reads.clear();
  SmallVector<Type> types;
  for (const Port &input : inputs)
    types.push_back(input.type);
  entry = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
  entry->setAttr("vlp.entry", b.getStringAttr(name));
  entry->setAttr("vlp.options", b.getDictionaryAttr({b.getNamedAttr("batch", b.getI64IntegerAttr(batch))}));
  Block *block = entry.addEntryBlock();
  for (auto [i, input] : llvm::enumerate(inputs))
    entry.setArgAttr(i, "vlp.name", b.getStringAttr(input.name));
  b.setInsertionPointToEnd(block);
  return SmallVector<Value>(block->getArguments());
}

void ModelBuilder::endEntry(ArrayRef<std::pair<std::string, Value>> outputs, bool differentiate) {
  SmallVector<Value> values;
  SmallVector<Type> types;
  for (const auto &[name, value] : outputs) {
    values.push_back(value);
    types.push_back(value.getType());
  }
  func::ReturnOp::create(b, values);
  entry.setFunctionType(b.getFunctionType(entry.getArgumentTypes(), types));
  for (auto [i, output] : llvm::enumerate(outputs))
    entry.setResultAttr(i, "vlp.name", b.getStringAttr(output.first));
  if (differentiate)
    entry->setAttr("vlp.differentiate", b.getUnitAttr());
}

static bool isDecayed(StringRef name, size_t rank) {
  if (rank < 2)
    return false;
  return !name.contains("ln") && !name.contains("norm") && !name.contains("bias") && !name.contains("logit_scale");
}

Value ModelBuilder::parameter(StringRef name, ArrayRef<int64_t> shape, Init init) {
  std::string symbol = qualified(name);
  if (Value known = reads.lookup(symbol))
    return known;
  RankedTensorType type = f32(shape);
  if (!module.lookupSymbol(symbol)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(entry);
    // All parameters stand before the first entry, in order of first use.
    for (Operation &op : *module.getBody())
      if (isa<func::FuncOp>(op)) {
        b.setInsertionPoint(&op);
        break;
      }
    auto attribute = InitializerAttr::get(b.getContext(), init.kind, init.a, init.b);
    ParameterOp::create(b, symbol, type, attribute, /*trainable=*/true, isDecayed(symbol, shape.size()));
  }
  Value value = ReadOp::create(b, type, symbol);
  reads[symbol] = value;
  return value;
}

Value ModelBuilder::scalar(double value) {
  return ConstantOp::create(b, DenseElementsAttr::get(f32({}), static_cast<float>(value)));
}
