// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-insert-optimizer.
#include "passes/Train/Passes.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_INSERTOPTIMIZER
#include "passes/Train/Passes.h.inc"
} // namespace vlp

namespace {

struct ScalarInfo {
  const char *name;
  double value;
  const char *doc;
};

// torch.optim.AdamW's defaults, but for CLIP's second beta.
constexpr ScalarInfo scalars[] = {
    {"train.learning_rate", 1e-3, "peak learning rate, per step"},
    {"train.weight_decay", 0.1, "decoupled weight decay, as a multiple of the learning rate"},
    {"train.beta1", 0.9, "decay of the mean of gradients, per step"},
    {"train.beta2", 0.98, "decay of the mean of squared gradients, per step"},
    {"train.eps", 1e-8, "added to the root of the mean squared gradient"},
    {"train.clip_norm", 1, "largest global gradient norm; 0 turns clipping off"},
    {"train.warmup_steps", 0, "steps of linear warm-up"},
    {"train.total_steps", 1000, "steps after which the learning rate has reached 0"},
    {"train.logit_scale_max", 100, "largest multiplier of similarities"},
};

constexpr const char *kStep = "train.step";

struct Gradient {
  StringRef parameter;
  Value value;
};

/// Builds the update at the end of one function.
class StepBuilder {
public:
  StepBuilder(ModuleOp module, func::FuncOp function, const llvm::StringSet<> &clamped)
      : module(module), function(function), clamped(clamped), terminator(function.getBody().front().getTerminator()),
        b(NameLoc::get(StringAttr::get(module.getContext(), "optimizer")), terminator) {
    for (auto read : function.getOps<ReadOp>())
      reads[read.getState()] = read;
  }

  void build() {
    SmallVector<Gradient> gradients = takeGradients();
    Value loss = terminator->getOperand(0);
    Value norm = GlobalNormOp::create(b, llvm::map_to_vector(gradients, [](Gradient g) { return g.value; }));
    Value finite = AllFiniteOp::create(b, ValueRange{loss, norm});
    Value scale = ClipFactorOp::create(b, norm.getType(), norm, read("train.clip_norm"));
    Value step = read(kStep);
    Value rate = WarmupCosineOp::create(b, step, read("train.learning_rate"), read("train.warmup_steps"), read("train.total_steps"));
    SmallVector<std::pair<std::string, Value>> writes;
    for (Gradient g : gradients)
      update(g, {step, rate, scale, finite}, writes);
    writes.push_back({kStep, AddOp::create(b, step, finite)});
    for (auto &[name, value] : writes)
      WriteOp::create(b, name, value);
    addOutput("grad_norm", norm);
    addOutput("learning_rate", rate);
    addOutput("finite", finite);
    function->setAttr("vlp.finite_flag", b.getStringAttr("finite"));
  }

private:
  struct StepValues {
    Value step, rate, scale, finite;
  };

  Value read(StringRef name) {
    Value &value = reads[name];
    if (!value) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(&function.getBody().front());
      Operation *symbol = module.lookupSymbol(name);
      value = ReadOp::create(b, cast<RankedTensorType>(symbol->getAttrOfType<TypeAttr>("type").getValue()), name);
    }
    return value;
  }

  /// Removes the gradient results from the function.
  SmallVector<Gradient> takeGradients() {
    SmallVector<Gradient> gradients;
    llvm::BitVector erased(function.getNumResults());
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (auto name = function.getResultAttrOfType<FlatSymbolRefAttr>(i, "vlp.gradient")) {
        gradients.push_back({name.getValue(), terminator->getOperand(i)});
        erased.set(i);
      }
    terminator->eraseOperands(erased);
    (void)function.eraseResults(erased);
    return gradients;
  }

  void update(Gradient g, const StepValues &s, SmallVectorImpl<std::pair<std::string, Value>> &writes) {
    auto parameter = cast<ParameterOp>(module.lookupSymbol(g.parameter));
    std::string first = ("adam.m/" + g.parameter).str(), second = ("adam.v/" + g.parameter).str();
    auto adamw = AdamWOp::create(b, read(g.parameter), g.value, read(first), read(second), s.step, s.rate, read("train.beta1"),
                                 read("train.beta2"), read("train.eps"), read("train.weight_decay"), s.scale, s.finite,
                                 parameter.getDecay());
    Value value = adamw.getNewParameter();
    if (clamped.contains(g.parameter)) {
      Value zero = ConstantOp::create(b, DenseElementsAttr::get(RankedTensorType::get({}, b.getF32Type()), 0.0f));
      Value most = read("train.logit_scale_max");
      Value bounded = ClampOp::create(b, value, zero, LogOp::create(b, most.getType(), most));
      value = SelectOp::create(b, s.finite, bounded, value);
    }
    writes.append({{g.parameter.str(), value}, {first, adamw.getNewFirstMoment()}, {second, adamw.getNewSecondMoment()}});
  }

  void addOutput(StringRef name, Value value) {
    unsigned index = function.getNumResults();
    terminator->insertOperands(index, value);
    (void)function.insertResult(index, value.getType(),
                                DictionaryAttr::get(module.getContext(), b.getNamedAttr("vlp.name", b.getStringAttr(name))));
  }

  ModuleOp module;
  func::FuncOp function;
  const llvm::StringSet<> &clamped;
  Operation *terminator;
  ImplicitLocOpBuilder b;
  llvm::StringMap<Value> reads;
};

struct InsertOptimizerPass : vlp::impl::InsertOptimizerBase<InsertOptimizerPass> {
  using InsertOptimizerBase::InsertOptimizerBase;

  void runOnOperation() override {
    llvm::StringSet<> training, clamped;
    for (const std::string &name : entries)
      training.insert(name);
    if (training.empty())
      training.insert("train");
    for (const std::string &name : clamp)
      clamped.insert(name);
    if (clamped.empty())
      clamped.insert("logit_scale");
    if (failed(readRecipe()))
      return signalPassFailure();
    SmallVector<func::FuncOp> steps;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      auto entry = function->getAttrOfType<StringAttr>("vlp.entry");
      if (entry && training.contains(entry.getValue()) && !gradientNames(function).empty())
        steps.push_back(function);
      else
        nameGradients(function);
    }
    if (steps.empty())
      return;
    declare(steps);
    for (func::FuncOp function : steps)
      StepBuilder(getOperation(), function, clamped).build();
  }

private:
  static SmallVector<StringRef> gradientNames(func::FuncOp function) {
    SmallVector<StringRef> names;
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (auto name = function.getResultAttrOfType<FlatSymbolRefAttr>(i, "vlp.gradient"))
        names.push_back(name.getValue());
    return names;
  }

  static void nameGradients(func::FuncOp function) {
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (auto name = function.getResultAttrOfType<FlatSymbolRefAttr>(i, "vlp.gradient")) {
        function.setResultAttr(i, "vlp.name", StringAttr::get(function.getContext(), "grad/" + name.getValue()));
        function.removeResultAttr(i, StringAttr::get(function.getContext(), "vlp.gradient"));
      }
  }

  LogicalResult readRecipe() {
    for (const ScalarInfo &scalar : scalars)
      values[scalar.name] = scalar.value;
    auto recipe = getOperation()->getAttrOfType<DictionaryAttr>("vlp.recipe");
    bool known = true;
    for (NamedAttribute item : recipe ? recipe.getValue() : ArrayRef<NamedAttribute>()) {
      auto value = dyn_cast<FloatAttr>(item.getValue());
      if (!value || !values.count(item.getName().getValue())) {
        getOperation().emitError() << "expected vlp.recipe to give f64 values for named scalars (train.learning_rate, ...), got '"
                                   << item.getName().getValue() << "'";
        known = false;
        continue;
      }
      values[item.getName().getValue()] = value.getValueAsDouble();
    }
    return success(known);
  }

  void declare(ArrayRef<func::FuncOp> steps) {
    ModuleOp module = getOperation();
    auto context = module.getContext();
    ImplicitLocOpBuilder b(NameLoc::get(StringAttr::get(context, "optimizer")), context);
    b.setInsertionPoint(*module.getOps<func::FuncOp>().begin());
    auto constant = [&](double value) { return InitializerAttr::get(context, InitializerKind::Constant, value, 0); };
    auto declareOnce = [&](StateKind kind, StringRef name, Type type, double value, StringAttr doc, StringAttr of) {
      if (!module.lookupSymbol(name))
        VariableOp::create(b, StateKindAttr::get(context, kind), b.getStringAttr(name), TypeAttr::get(type), constant(value), doc, of);
    };
    for (func::FuncOp function : steps)
      for (StringRef parameter : gradientNames(function)) {
        Type type = cast<ParameterOp>(module.lookupSymbol(parameter)).getType();
        for (const char *prefix : {"adam.m/", "adam.v/"})
          declareOnce(StateKind::Moment, (prefix + parameter).str(), type, 0, {}, b.getStringAttr(parameter));
      }
    declareOnce(StateKind::Counter, kStep, RankedTensorType::get({}, b.getI32Type()), 0, b.getStringAttr("steps applied so far"), {});
    for (const ScalarInfo &scalar : scalars)
      declareOnce(StateKind::Scalar, scalar.name, RankedTensorType::get({}, b.getF32Type()), values[scalar.name],
                  b.getStringAttr(scalar.doc), {});
  }

  llvm::StringMap<double> values;
};

} // namespace
