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
  writes.clear();
  for (auto [index, port] : llvm::enumerate(ports)) {
    entry.setArgAttr(index, "vlp.name", builder.getStringAttr(port.name));
    inputs[port.name] = entry.getArgument(index);
  }
}

func::FuncOp ModelBuilder::endEntry(ArrayRef<Output> outputs) {
  SmallVector<Value> values;
  for (const Output &output : outputs)
    values.push_back(output.value);
  for (const Output &each : takeWrites())
    WriteOp::create(builder, NameLoc::get(builder.getStringAttr(each.name)), each.name, each.value);
  func::ReturnOp::create(builder, getLoc(), values);
  entry.setType(builder.getFunctionType(entry.getArgumentTypes(), ValueRange(values).getTypes()));
  for (auto [index, output] : llvm::enumerate(outputs))
    entry.setResultAttr(index, "vlp.name", builder.getStringAttr(output.name));
  return entry;
}

Value ModelBuilder::readState(StringRef symbol, RankedTensorType type) {
  Value &read = reads[symbol];
  if (!read)
    read = make<ReadOp>(type, symbol);
  return read;
}

Value ModelBuilder::readParameter(StringRef symbol, RankedTensorType type, InitializerAttr init) {
  if (!module.lookupSymbol(symbol)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(*module.getOps<func::FuncOp>().begin());
    ParameterOp::create(builder, NameLoc::get(builder.getStringAttr(symbol)), symbol, type, init, /*trainable=*/true,
                        decays(symbol, type.getShape()), FlatSymbolRefAttr());
  }
  return readState(symbol, type);
}

/// "encoder.x" of "encoder_m.x".
static std::string getOriginal(StringRef twin) {
  auto [first, rest] = twin.split('.');
  bool isTwin = first.consume_back("_m");
  assert(isTwin && "expected a layer of the momentum model");
  (void)isTwin;
  return (first + "." + rest).str();
}

Value ModelBuilder::readTwin(StringRef symbol, RankedTensorType type, InitializerAttr init) {
  std::string original = getOriginal(symbol);
  Value online = readParameter(original, type, init);
  if (!module.lookupSymbol(symbol)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(*module.getOps<func::FuncOp>().begin());
    ParameterOp::create(builder, NameLoc::get(builder.getStringAttr(symbol)), symbol, type, init, /*trainable=*/false,
                        /*decay=*/false, FlatSymbolRefAttr::get(getContext(), original));
  }
  twinned[StringRef(original).split('.').first.str()] = *momentum;
  Value old = make<ReadOp>(type, symbol);
  Value share = make<MulOp>(make<StopGradientOp>(online), constant(1.0 - *momentum));
  Value average = make<AddOp>(make<MulOp>(old, constant(*momentum)), share);
  write(symbol, average);
  return reads[symbol] = average;
}

Value ModelBuilder::parameter(StringRef name, ArrayRef<int64_t> shape, InitializerAttr init) {
  std::string symbol = getPath(name);
  if (Value known = reads.lookup(symbol))
    return known;
  RankedTensorType type = floatType(shape);
  return momentum ? readTwin(symbol, type, init) : readParameter(symbol, type, init);
}

void ModelBuilder::averageOtherTwins() {
  for (ParameterOp original : llvm::to_vector(module.getOps<ParameterOp>())) {
    auto [first, rest] = original.getSymName().split('.');
    auto found = twinned.find(first.str());
    std::string symbol = (first + "_m." + rest).str();
    if (found == twinned.end() || reads.count(symbol))
      continue;
    TwinScope scope(*this, found->second);
    std::string outer = std::exchange(path, StringRef(symbol).rsplit('.').first.str());
    readTwin(symbol, cast<RankedTensorType>(original.getType()), original.getInit());
    path = outer;
  }
}

Value ModelBuilder::variable(StateKind kind, StringRef name, RankedTensorType type, InitializerAttr init,
                             StringRef doc) {
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(*module.getOps<func::FuncOp>().begin());
    VariableOp::create(builder, NameLoc::get(builder.getStringAttr(name)), kind, name, type, init,
                       doc.empty() ? StringAttr() : builder.getStringAttr(doc), StringAttr());
  }
  return readState(name, type);
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

Value ModelBuilder::constant(int32_t value) { return make<ConstantOp>(DenseElementsAttr::get(intType({}), value)); }
