// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Generation by trial: an op is added if some values of the pool fit it.
#include "test/passes/Kernels/RandomGraph.h"
#include "mlir/IR/Verifier.h"
#include <cstring>

using namespace mlir;
using namespace vlp;

namespace {
class Generator {
public:
  Generator(MLIRContext &context, unsigned seed, bool withProducts)
      : random(seed), withProducts(withProducts), builder(&context), module(ModuleOp::create(builder.getUnknownLoc())) {
  }

  OwningOpRef<ModuleOp> run(int ops) {
    SmallVector<Type> arguments;
    for (int i = 0, n = draw(1, 3); i < n; ++i)
      arguments.push_back(f32(drawShape()));
    builder.setInsertionPointToEnd(module->getBody());
    entry = func::FuncOp::create(builder, loc(), "main", builder.getFunctionType(arguments, {}));
    entry->setAttr("vlp.entry", builder.getUnitAttr());
    builder.setInsertionPointToStart(entry.addEntryBlock());
    pool.append(entry.args_begin(), entry.args_end());
    addState();
    for (int i = 0; i < ops; ++i)
      addOp();
    finish();
    return std::move(module);
  }

private:
  int draw(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); }
  bool chance(int percent) { return draw(1, 100) <= percent; }
  Location loc() { return NameLoc::get(builder.getStringAttr("layer" + std::to_string(draw(0, 9)))); }
  RankedTensorType f32(ArrayRef<int64_t> shape) { return RankedTensorType::get(shape, builder.getF32Type()); }
  static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

  SmallVector<int64_t> drawShape() {
    static constexpr int64_t sizes[] = {1, 2, 3, 4, 6};
    SmallVector<int64_t> shape;
    for (int d = 0, rank = draw(0, 3); d < rank; ++d)
      shape.push_back(sizes[draw(0, 4)]);
    return shape;
  }

  Value pick() {
    // Recent values first, so that chains form.
    int size = static_cast<int>(pool.size());
    return chance(60) ? pool[draw(std::max(0, size - 4), size - 1)] : pool[draw(0, size - 1)];
  }

  void addState() {
    OpBuilder top = OpBuilder::atBlockBegin(module->getBody());
    auto normal = InitializerAttr::get(builder.getContext(), InitializerKind::Normal, 0.0, 1.0);
    for (int i = 0, n = draw(1, 4); i < n; ++i) {
      std::string name = "p" + std::to_string(i);
      auto type = f32(chance(50) ? drawShape() : SmallVector<int64_t>(shapeOf(pool[0])));
      ParameterOp::create(top, loc(), name, type, normal, true, chance(50), FlatSymbolRefAttr());
      states.push_back(name);
      pool.push_back(ReadOp::create(builder, loc(), type, name));
    }
  }

  void addOp() {
    Value x = pick();
    if (withProducts && chance(35))
      return addProduct(x);
    ArrayRef<int64_t> shape = shapeOf(x);
    switch (draw(0, 13)) {
    case 0: return push(GeluOp::create(builder, loc(), x));
    case 1: return push(TanhOp::create(builder, loc(), x));
    case 2:
    case 3:
    case 4: return addBinary(x);
    case 5: return addConstant(shape);
    case 6: return addTranspose(x);
    case 7: return addReshape(x);
    case 8: return addSlice(x);
    case 9: return addBroadcast(x);
    case 10: return addMatmul(x);
    case 11: return addRows(x);
    case 12: return addReduce(x);
    default: return addConcat(x);
    }
  }

  void push(Operation *op) {
    for (Value result : op->getResults())
      if (isa<FloatType>(cast<RankedTensorType>(result.getType()).getElementType()))
        pool.push_back(result);
  }

  void addBinary(Value x) {
    Value y = pick();
    for (int trial = 0; trial < 4 && shapeOf(y) != shapeOf(x) && !shapeOf(y).empty(); ++trial)
      y = pick();
    if (shapeOf(y) != shapeOf(x) && !shapeOf(y).empty())
      return;
    switch (draw(0, 2)) {
    case 0: return push(AddOp::create(builder, loc(), x, y));
    case 1: return push(MulOp::create(builder, loc(), x, y));
    default: return push(SubOp::create(builder, loc(), y, x));
    }
  }

  void addConstant(ArrayRef<int64_t> shape) {
    auto type = f32(shape);
    SmallVector<float> values(type.getNumElements(), 0.5f);
    if (chance(50))
      for (float &value : values)
        value = static_cast<float>(draw(-4, 4)) / 4;
    push(ConstantOp::create(builder, loc(), DenseElementsAttr::get(type, ArrayRef(values))));
  }

  void addTranspose(Value x) {
    SmallVector<int64_t> permutation(shapeOf(x).size());
    std::iota(permutation.begin(), permutation.end(), 0);
    std::shuffle(permutation.begin(), permutation.end(), random);
    push(TransposeOp::create(builder, loc(), x, permutation));
  }

  void addReshape(Value x) {
    SmallVector<int64_t> factors, shape;
    for (int64_t size : shapeOf(x))
      for (int64_t p : {2, 2, 3})
        if (size % p == 0) {
          factors.push_back(p);
          size /= p;
        }
    int64_t total = cast<RankedTensorType>(x.getType()).getNumElements();
    for (int64_t factor : factors)
      if (shape.empty() || (shape.size() < 4 && chance(50)))
        shape.push_back(factor);
      else
        shape.back() *= factor;
    int64_t covered = 1;
    for (int64_t size : shape)
      covered *= size;
    if (covered != total)
      shape.push_back(total / covered);
    push(ReshapeOp::create(builder, loc(), f32(shape), x));
  }

  void addSlice(Value x) {
    SmallVector<int64_t> offsets, sizes;
    for (int64_t size : shapeOf(x)) {
      offsets.push_back(draw(0, static_cast<int>(size) - 1));
      sizes.push_back(draw(1, static_cast<int>(size - offsets.back())));
    }
    push(SliceOp::create(builder, loc(), x, offsets, sizes));
  }

  void addBroadcast(Value x) {
    SmallVector<int64_t> shape(shapeOf(x));
    if (shape.size() > 3)
      return;
    for (int64_t &size : shape)
      if (size == 1)
        size = draw(1, 3);
    shape.insert(shape.begin(), draw(1, 3));
    push(BroadcastOp::create(builder, loc(), f32(shape), x));
  }

  void addMatmul(Value x) {
    if (shapeOf(x).size() < 2)
      return;
    for (int trial = 0; trial < 6; ++trial) {
      Value w = pick();
      if (shapeOf(w).size() != 2)
        continue;
      if (shapeOf(w)[1] == shapeOf(x).back())
        return push(LinearOp::create(builder, loc(), x, w, Value()));
      if (shapeOf(w)[0] == shapeOf(x).back())
        return push(MatmulOp::create(builder, loc(), x, w, false, false));
    }
  }

  /// A product with a weight of its own, or attention, or a gradient of the backward part that reads an older value.
  void addProduct(Value x) {
    ArrayRef<int64_t> shape = shapeOf(x);
    if (shape.empty())
      return;
    if (shape.size() == 3 && chance(40)) {
      Value mask = chance(40) ? readWeight({1, 1, shape[1], shape[1]}) : Value();
      return push(AttentionOp::create(builder, loc(), x, x, x, mask, 1, llvm::APFloat(0.5), chance(50)));
    }
    if (chance(30)) {
      Value y = pick();
      if (shapeOf(y) != shape)
        return;
      Operation *grad = GeluGradOp::create(builder, loc(), x, y);
      grad->setAttr("vlp.backward", builder.getUnitAttr());
      return push(grad);
    }
    push(LinearOp::create(builder, loc(), x, readWeight({draw(1, 6), shape.back()}), Value()));
  }

  Value readWeight(ArrayRef<int64_t> shape) {
    OpBuilder top = OpBuilder::atBlockBegin(module->getBody());
    std::string name = "w" + std::to_string(weights++);
    auto normal = InitializerAttr::get(builder.getContext(), InitializerKind::Normal, 0.0, 1.0);
    ParameterOp::create(top, loc(), name, f32(shape), normal, true, true, FlatSymbolRefAttr());
    pool.push_back(ReadOp::create(builder, loc(), f32(shape), name));
    return pool.back();
  }

  void addRows(Value x) {
    if (shapeOf(x).empty())
      return;
    if (chance(40))
      return push(SoftmaxOp::create(builder, loc(), x));
    if (chance(50))
      return push(L2NormalizeOp::create(builder, loc(), x, llvm::APFloat(1e-6)));
    auto type = f32({shapeOf(x).back()});
    Value gamma = ConstantOp::create(builder, loc(), DenseElementsAttr::get(type, 1.5f));
    push(LayerNormOp::create(builder, loc(), x, gamma, gamma, llvm::APFloat(1e-5)));
  }

  void addReduce(Value x) {
    SmallVector<int64_t> axes;
    for (int64_t d = 0; d < static_cast<int64_t>(shapeOf(x).size()); ++d)
      if (chance(60))
        axes.push_back(d);
    push(ReduceSumOp::create(builder, loc(), x, axes));
  }

  void addConcat(Value x) {
    if (shapeOf(x).empty())
      return;
    push(ConcatOp::create(builder, loc(), ValueRange{x, x}, draw(0, static_cast<int>(shapeOf(x).size()) - 1)));
  }

  void finish() {
    SmallVector<Value> results;
    for (int i = 0, n = draw(1, 4); i < n; ++i)
      results.push_back(pick());
    if (chance(30))
      results.push_back(pool[draw(0, static_cast<int>(pool.size()) - 1)]);
    for (Operation &op : llvm::make_early_inc_range(entry.getBody().front()))
      if (auto read = dyn_cast<ReadOp>(op); read && chance(70))
        addWrite(read);
    func::ReturnOp::create(builder, loc(), results);
    entry.setType(builder.getFunctionType(entry.getArgumentTypes(), ValueRange(results).getTypes()));
  }

  void addWrite(ReadOp read) {
    SmallVector<Value> fitting;
    for (Value value : pool)
      if (value.getType() == read.getType())
        fitting.push_back(value);
    Value value =
        fitting[draw(std::max(0, static_cast<int>(fitting.size()) - 3), static_cast<int>(fitting.size()) - 1)];
    WriteOp::create(builder, loc(), read.getState(), value);
  }

  std::mt19937 random;
  const bool withProducts;
  int weights = 0;
  OpBuilder builder;
  OwningOpRef<ModuleOp> module;
  func::FuncOp entry;
  SmallVector<Value> pool;
  std::vector<std::string> states;
};
} // namespace

OwningOpRef<ModuleOp> vlp::test::makeRandomModule(MLIRContext &context, unsigned seed, int ops, bool withProducts) {
  context.loadDialect<VLPDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> module = Generator(context, seed, withProducts).run(ops);
  return succeeded(verify(*module)) ? std::move(module) : OwningOpRef<ModuleOp>();
}

static Array<float> drawArray(RankedTensorType type, std::mt19937 &random) {
  Array<float> array(type);
  for (float &value : array.values)
    value = std::uniform_real_distribution<float>(-1, 1)(random);
  return array;
}

std::vector<Array<float>> vlp::test::drawInputs(func::FuncOp entry, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Array<float>> inputs;
  for (Type type : entry.getArgumentTypes())
    inputs.push_back(drawArray(cast<RankedTensorType>(type), random));
  return inputs;
}

State<float> vlp::test::drawState(ModuleOp module, unsigned seed) {
  std::mt19937 random(seed);
  State<float> state;
  addConstantState(module, state);
  for (auto &[name, type] : getStateTypes(module))
    if (!state.count(name))
      state[name] = drawArray(type, random);
  return state;
}

bool vlp::test::haveEqualBits(const Array<float> &a, const Array<float> &b) {
  return a.shape == b.shape && a.ints == b.ints && a.values.size() == b.values.size() &&
         (a.values.empty() || std::memcmp(a.values.data(), b.values.data(), a.values.size() * sizeof(float)) == 0);
}
