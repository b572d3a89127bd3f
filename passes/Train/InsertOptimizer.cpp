// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-insert-optimizer.
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Train/Passes.h"
#include "llvm/ADT/StringSet.h"

namespace vlp {
#define GEN_PASS_DEF_INSERTOPTIMIZER
#include "passes/Train/Passes.h.inc"
} // namespace vlp

using namespace mlir;
using namespace vlp;

namespace {
struct ScalarInfo {
  StringRef name;
  /// open_clip's default.
  double value;
  StringRef doc;
};
} // namespace

static constexpr ScalarInfo scalars[] = {
    {"train.learning_rate", 5e-4, "peak learning rate"},
    {"train.weight_decay", 0.2, "decoupled weight decay, per unit of learning rate"},
    {"train.beta1", 0.9, "decay of the first moment"},
    {"train.beta2", 0.98, "decay of the second moment"},
    {"train.eps", 1e-6, "added to the root of the second moment"},
    {"train.clip_norm", 0.0, "bound of the global gradient norm; 0: off"},
    {"train.warmup_steps", 10000, "steps of linear warm-up"},
    {"train.total_steps", 100000, "steps until the learning rate is zero"},
};

namespace {
/// State symbols of one module, declared on demand.
class StateDeclarer {
public:
  explicit StateDeclarer(ModuleOp module) : module(module), symbols(module) {}

  /// Declares `name`, or checks that what is there has this kind and type.
  bool declare(StateKind kind, StringRef name, RankedTensorType type, double value, StringRef doc, StringRef of,
               Location loc) {
    if (Operation *existing = symbols.lookup(name)) {
      auto variable = dyn_cast<VariableOp>(existing);
      if (variable && variable.getKind() == kind && variable.getType() == type)
        return true;
      existing->emitError() << "state '" << name << "' exists, expected a " << stringifyStateKind(kind) << " of type "
                            << type;
      return false;
    }
    OpBuilder builder(module.getContext());
    if (lastVariable)
      builder.setInsertionPointAfter(lastVariable);
    else
      builder.setInsertionPoint(*module.getOps<func::FuncOp>().begin());
    auto init = InitializerAttr::get(module.getContext(), InitializerKind::Constant, value, 0.0);
    auto optional = [&](StringRef text) { return text.empty() ? StringAttr() : builder.getStringAttr(text); };
    lastVariable = VariableOp::create(builder, loc, kind, name, type, init, optional(doc), optional(of));
    symbols.insert(lastVariable);
    return true;
  }

  ParameterOp lookupParameter(StringRef name) { return symbols.lookup<ParameterOp>(name); }

  bool declareScalar(const ScalarInfo &info, Location loc) {
    double value = info.value;
    if (auto recipe = module->getAttrOfType<DictionaryAttr>("vlp.recipe"))
      if (auto given = recipe.getAs<FloatAttr>(info.name))
        value = given.getValueAsDouble();
    auto type = RankedTensorType::get({}, Float32Type::get(module.getContext()));
    return declare(StateKind::Scalar, info.name, type, value, info.doc, "", loc);
  }

private:
  ModuleOp module;
  SymbolTable symbols;
  Operation *lastVariable = nullptr;
};

/// A parameter with its gradient.
struct Update {
  ParameterOp parameter;
  Value gradient;
};

/// Builds the update at the end of one training function.
class OptimizerBuilder {
public:
  OptimizerBuilder(func::FuncOp function, StateDeclarer &state)
      : function(function), state(state),
        builder(NameLoc::get(StringAttr::get(function.getContext(), "optimizer")), function.getContext()) {}

  LogicalResult run() {
    if (failed(collectUpdates()) || failed(declareState()))
      return failure();
    auto terminator = cast<func::ReturnOp>(function.front().getTerminator());
    builder.setInsertionPoint(terminator);
    Value loss = terminator.getOperand(0);
    SmallVector<Value> gradients;
    for (Update &update : updates)
      gradients.push_back(update.gradient);
    Value norm = make<GlobalNormOp>(gradients);
    finite = make<AllFiniteOp>(ValueRange{loss, norm});
    step = read("train.step");
    rate =
        make<WarmupCosineOp>(step, read("train.learning_rate"), read("train.warmup_steps"), read("train.total_steps"));
    gradientScale = make<ClipFactorOp>(norm, read("train.clip_norm"));
    // Adding the flag counts the step only where it is applied. Updates use the new count, so that the counter is
    // advanced in place.
    step = make<AddOp>(step, finite);
    takeWrites();
    for (Update &update : updates)
      apply(update);
    writes.emplace_back("train.step", step);
    for (auto &[name, value] : writes)
      WriteOp::create(builder, value.getLoc(), name, value);
    replaceResults(terminator, {{"grad_norm", norm}, {"learning_rate", rate}, {"finite", finite}});
    function->setAttr("vlp.finite_flag", builder.getStringAttr("finite"));
    function->removeAttr("vlp.optimizer");
    return success();
  }

private:
  template <typename OpTy, typename... Args>
  Value make(Args &&...args) {
    return OpTy::create(builder, std::forward<Args>(args)...)->getResult(0);
  }

  LogicalResult collectUpdates() {
    auto terminator = cast<func::ReturnOp>(function.front().getTerminator());
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      auto name = function.getResultAttrOfType<FlatSymbolRefAttr>(i, "vlp.gradient");
      if (!name)
        continue;
      ParameterOp parameter = state.lookupParameter(name.getValue());
      if (!parameter)
        return function.emitError() << "result #" << i << " is the gradient of '" << name.getValue()
                                    << "', expected a parameter of this name";
      updates.push_back({parameter, terminator.getOperand(i)});
    }
    if (updates.empty())
      return function.emitError()
             << "training function '" << function.getSymName()
             << "' returns no gradients, expected results with vlp.gradient (does vlp-autodiff run before?)";
    return success();
  }

  LogicalResult declareState() {
    bool ok = true;
    Location loc = builder.getLoc();
    for (StringRef moment : {"adam.m/", "adam.v/"})
      for (Update &update : updates) {
        StringRef parameter = update.parameter.getSymName();
        ok &= state.declare(StateKind::Moment, (moment + parameter).str(),
                            cast<RankedTensorType>(update.parameter.getType()), 0.0, "", parameter,
                            update.parameter.getLoc());
      }
    ok &= state.declare(StateKind::Counter, "train.step", RankedTensorType::get({}, builder.getI32Type()), 0.0,
                        "optimizer steps applied so far", "", loc);
    for (const ScalarInfo &info : scalars)
      ok &= state.declareScalar(info, loc);
    for (Update &update : updates)
      if (auto most = update.parameter->getAttrOfType<FlatSymbolRefAttr>("vlp.max_multiplier"))
        ok &= state.declareScalar({most.getValue(), 100.0, "largest multiplier, the exponential of a parameter"}, loc);
    return success(ok);
  }

  /// The value of a state symbol at the start of the entry; made on the first call.
  Value read(StringRef name) {
    Value &value = reads[name];
    if (value)
      return value;
    for (auto existing : function.getOps<ReadOp>())
      if (existing.getState() == name)
        return value = existing.getResult();
    OpBuilder::InsertionGuard guard(builder);
    auto *symbol = SymbolTable::lookupNearestSymbolFrom(function, builder.getStringAttr(name));
    auto type = cast<TypeAttr>(symbol->getAttr("type")).getValue();
    return value = make<ReadOp>(type, name);
  }

  /// What the model itself writes (averages, queues) comes to the end, with the old value where the step is not
  /// applied.
  void takeWrites() {
    for (WriteOp write : llvm::make_early_inc_range(function.getOps<WriteOp>())) {
      OpBuilder::InsertionGuard guard(builder);
      Location outer = builder.getLoc();
      builder.setLoc(write.getLoc());
      writes.emplace_back(write.getState().str(), make<SelectOp>(finite, write.getValue(), read(write.getState())));
      builder.setLoc(outer);
      write.erase();
    }
  }

  void apply(Update &update) {
    OpBuilder::InsertionGuard guard(builder);
    Location outer = builder.getLoc();
    builder.setLoc(update.parameter.getLoc());
    StringRef name = update.parameter.getSymName();
    Value old = read(name);
    auto adamw =
        AdamWOp::create(builder, old, update.gradient, read(("adam.m/" + name).str()), read(("adam.v/" + name).str()),
                        step, rate, read("train.beta1"), read("train.beta2"), read("train.eps"),
                        read("train.weight_decay"), gradientScale, finite, update.parameter.getDecay());
    writes.emplace_back(name.str(), bound(update.parameter, adamw.getNewParameter()));
    writes.emplace_back(("adam.m/" + name).str(), adamw.getNewFirstMoment());
    writes.emplace_back(("adam.v/" + name).str(), adamw.getNewSecondMoment());
    builder.setLoc(outer);
  }

  /// `updated` within the parameter's bounds: given ones, or where it is the logarithm of a multiplier, so that this is
  /// at least 1 and at most a scalar; where the step is not applied, as it is.
  Value bound(ParameterOp parameter, Value updated) {
    auto most = parameter->getAttrOfType<FlatSymbolRefAttr>("vlp.max_multiplier");
    auto bounds = parameter->getAttrOfType<ArrayAttr>("vlp.bounds");
    if (!most && !bounds)
      return updated;
    Value lower = makeConstant(bounds ? cast<FloatAttr>(bounds[0]).getValueAsDouble() : 0.0);
    Value upper =
        bounds ? makeConstant(cast<FloatAttr>(bounds[1]).getValueAsDouble()) : make<LogOp>(read(most.getValue()));
    return make<SelectOp>(finite, make<ClampOp>(updated, lower, upper), updated);
  }

  Value makeConstant(double value) {
    auto type = RankedTensorType::get({}, builder.getF32Type());
    return make<ConstantOp>(DenseElementsAttr::get(type, static_cast<float>(value)));
  }

  /// Drops the gradients from the results and appends `added`.
  void replaceResults(func::ReturnOp terminator, ArrayRef<std::pair<StringRef, Value>> added) {
    SmallVector<Value> values;
    SmallVector<DictionaryAttr> attributes;
    for (auto [index, value] : llvm::enumerate(terminator.getOperands()))
      if (!function.getResultAttr(index, "vlp.gradient")) {
        values.push_back(value);
        attributes.push_back(function.getResultAttrDict(index));
      }
    for (auto &[name, value] : added) {
      values.push_back(value);
      attributes.push_back(builder.getDictionaryAttr(builder.getNamedAttr("vlp.name", builder.getStringAttr(name))));
    }
    terminator.getOperandsMutable().assign(values);
    function.removeResAttrsAttr();
    function.setType(builder.getFunctionType(function.getArgumentTypes(), ValueRange(values).getTypes()));
    for (auto [index, attribute] : llvm::enumerate(attributes))
      function.setResultAttrs(index, attribute);
  }

  func::FuncOp function;
  StateDeclarer &state;
  ImplicitLocOpBuilder builder;
  SmallVector<Update> updates;
  llvm::StringMap<Value> reads;
  SmallVector<std::pair<std::string, Value>> writes;
  Value finite, step, rate, gradientScale;
};

/// Reports what in the module's recipe is no f64 value of a scalar that this pass declares.
bool checkRecipe(ModuleOp module) {
  auto recipe = module->getAttrOfType<DictionaryAttr>("vlp.recipe");
  llvm::StringSet<> known;
  for (const ScalarInfo &info : scalars)
    known.insert(info.name);
  for (auto parameter : module.getOps<ParameterOp>())
    if (auto most = parameter->getAttrOfType<FlatSymbolRefAttr>("vlp.max_multiplier"))
      known.insert(most.getValue());
  bool ok = true;
  for (NamedAttribute item : recipe ? recipe.getValue() : ArrayRef<NamedAttribute>()) {
    if (isa<FloatAttr>(item.getValue()) && known.contains(item.getName().getValue()))
      continue;
    module.emitError() << "expected vlp.recipe to give f64 values for named scalars (train.learning_rate, ...), got '"
                       << item.getName().getValue() << "'";
    ok = false;
  }
  return ok;
}

struct InsertOptimizer : vlp::impl::InsertOptimizerBase<InsertOptimizer> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    StateDeclarer state(module);
    bool ok = checkRecipe(module);
    for (auto function : module.getOps<func::FuncOp>()) {
      auto optimizer = function->getAttrOfType<StringAttr>("vlp.optimizer");
      if (!optimizer)
        continue;
      if (optimizer.getValue() != "adamw") {
        function.emitError() << "unknown optimizer '" << optimizer.getValue() << "', expected adamw";
        ok = false;
      } else {
        ok &= succeeded(OptimizerBuilder(function, state).run());
      }
    }
    if (!ok)
      signalPassFailure();
  }
};
} // namespace
