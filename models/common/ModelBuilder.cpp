// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Entries, layers and parameters.
#include "models/common/ModelBuilder.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

llvm::ArrayRef<int64_t> vlp::models::shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

RankedTensorType ModelBuilder::floatType(ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, builder.getF32Type());
}

RankedTensorType ModelBuilder::intType(ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, builder.getI32Type());
}

Location ModelBuilder::getLoc() {
  StringRef name = path.empty() ? entry.getSymName() : StringRef(path);
  return NameLoc::get(builder.getStringAttr(name));
}

void ModelBuilder::beginEntry(StringRef name, ArrayRef<Port> ports, const std::map<std::string, int64_t> &options) {
  SmallVector<Type> types;
  for (const Port &port : ports)
    types.push_back(port.type);
  builder.setInsertionPointToEnd(module.getBody());
  entry = func::FuncOp::create(builder, NameLoc::get(builder.getStringAttr(name)), name,
                               builder.getFunctionType(types, {}));
  entry->setAttr("vlp.entry", builder.getStringAttr(name));
  NamedAttrList sizes;
  for (auto &[option, value] : options)
    sizes.append(option, builder.getI64IntegerAttr(value));
  entry->setAttr("vlp.options", sizes.getDictionary(getContext()));
  builder.setInsertionPointToStart(entry.addEntryBlock());
  inputs.clear();
  reads.clear();
  for (auto [index, port] : llvm::enumerate(ports)) {
    entry.setArgAttr(index, "vlp.name", builder.getStringAttr(port.name));
    inputs[port.name] = entry.getArgument(index);
  }
}

func::FuncOp ModelBuilder::endEntry(ArrayRef<Output> outputs) {
  SmallVector<Value> values;
  for (const Output &output : outputs)
    values.push_back(output.value);
  func::ReturnOp::create(builder, getLoc(), values);
  entry.setType(builder.getFunctionType(entry.getArgumentTypes(), ValueRange(values).getTypes()));
  for (auto [index, output] : llvm::enumerate(outputs))
    entry.setResultAttr(index, "vlp.name", builder.getStringAttr(output.name));
  return entry;
}

/// The rule of open_clip's training code.
static bool decays(StringRef name, ArrayRef<int64_t> shape) {
  return shape.size() >= 2 && !name.contains("bn") && !name.contains("ln") && !name.contains("bias") &&
         !name.contains("logit_scale");
}

Value ModelBuilder::parameter(StringRef name, ArrayRef<int64_t> shape, InitializerAttr init) {
  std::string symbol = getPath(name);
  Value &read = reads[symbol];
  if (read)
    return read;
  RankedTensorType type = floatType(shape);
  if (!module.lookupSymbol(symbol)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(*module.getOps<func::FuncOp>().begin());
    ParameterOp::create(builder, NameLoc::get(builder.getStringAttr(symbol)), symbol, type, init, /*trainable=*/true,
                        decays(symbol, shape));
  }
  return read = make<ReadOp>(type, symbol);
}

Value ModelBuilder::reshape(Value value, ArrayRef<int64_t> shape) {
  return make<ReshapeOp>(cast<RankedTensorType>(value.getType()).clone(shape), value);
}

Value ModelBuilder::broadcast(Value value, ArrayRef<int64_t> shape) {
  return make<BroadcastOp>(cast<RankedTensorType>(value.getType()).clone(shape), value);
}

Value ModelBuilder::slice(Value value, int64_t axis, int64_t offset, int64_t size) {
  SmallVector<int64_t> sizes(shapeOf(value)), offsets(sizes.size(), 0);
  offsets[axis] = offset;
  sizes[axis] = size;
  return make<SliceOp>(value, offsets, sizes);
}

Value ModelBuilder::constant(double value) {
  return make<ConstantOp>(DenseElementsAttr::get(floatType({}), APFloat(static_cast<float>(value))));
}
