// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Enumeration and planting of faults.
#include "Mutations.h"
#include "dialect/VLP/GradientUtils.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::test;

using Created = ArrayRef<Operation *>;
using Gradients = MutableArrayRef<Value>;

static bool isSubject(Operation *op) {
  auto name = dyn_cast<NameLoc>(op->getLoc());
  return name && name.getName() == "subject";
}

static bool isZero(Value value) {
  DenseElementsAttr elements;
  return matchPattern(value, m_Constant(&elements)) && elements.isSplat() &&
         isa<FloatType>(elements.getElementType()) && elements.getSplatValue<APFloat>().isZero();
}

static bool isFloat(Value value) { return isa<FloatType>(getElementTypeOrSelf(value.getType())); }

static Value zerosLike(Value value, OpBuilder &builder) {
  ImplicitLocOpBuilder here(value.getLoc(), builder);
  return makeSplat(here, tensorType(value), 0);
}

static Value scaled(Value value, double factor, OpBuilder &builder) {
  ImplicitLocOpBuilder here(value.getLoc(), builder);
  return MulOp::create(here, value, makeScalar(here, value, factor));
}

/// Zero at the even positions.
static Value halved(Value value, OpBuilder &builder) {
  auto type = tensorType(value);
  SmallVector<APFloat> mask;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    mask.push_back(cast<FloatAttr>(FloatAttr::get(type.getElementType(), i % 2)).getValue());
  Value constant = ConstantOp::create(builder, value.getLoc(), DenseElementsAttr::get(type, mask));
  return MulOp::create(builder, value.getLoc(), value, constant);
}

/// Sets `name` of `op` to `value` (null: removes it); false, and no change, if `op` no longer verifies.
static bool alterAttribute(Operation *op, StringAttr name, Attribute value) {
  Attribute before = op->getAttr(name);
  auto set = [&](Attribute attribute) { attribute ? op->setAttr(name, attribute) : (void)op->removeAttr(name); };
  set(value);
  ScopedDiagnosticHandler quiet(op->getContext(), [](Diagnostic &) { return success(); });
  if (succeeded(verify(op, /*verifyRecursively=*/false)))
    return true;
  set(before);
  return false;
}

/// Wrong values for an attribute that is `attribute` now (null: absent, so a flag).
static SmallVector<std::pair<std::string, Attribute>> wrongValues(Attribute attribute, MLIRContext *context) {
  SmallVector<std::pair<std::string, Attribute>> values;
  if (!attribute)
    values.push_back({"set", UnitAttr::get(context)});
  else if (isa<UnitAttr>(attribute))
    values.push_back({"removed", Attribute()});
  else if (auto number = dyn_cast<FloatAttr>(attribute))
    values.push_back({"altered", FloatAttr::get(number.getType(), 2 * number.getValueAsDouble() + 0.125)});
  else if (auto integer = dyn_cast<IntegerAttr>(attribute))
    values.push_back({"altered", IntegerAttr::get(integer.getType(), integer.getInt() + 1)});
  else if (auto array = dyn_cast<DenseI64ArrayAttr>(attribute)) {
    for (size_t i = 0; i < static_cast<size_t>(array.size()); ++i)
      for (int64_t step : {-1, 1}) {
        SmallVector<int64_t> moved(array.asArrayRef());
        moved[i] += step;
        values.push_back({(step < 0 ? "[-" : "[+") + std::to_string(i) + "]", DenseI64ArrayAttr::get(context, moved)});
      }
  } else if (auto elements = dyn_cast<DenseElementsAttr>(attribute);
             elements && isa<FloatType>(elements.getElementType())) {
    auto alter = [](const APFloat &value) { return value + value + APFloat(value.getSemantics(), "0.125"); };
    values.push_back({"altered", DenseElementsAttr::get(elements.getType(), alter(elements.getSplatValue<APFloat>()))});
  }
  return values;
}

namespace {
class Enumeration {
public:
  explicit Enumeration(std::vector<Mutation> &mutations) : mutations(mutations) {}

  void visit(Operation *forward, Created created, Gradients gradients) {
    if (!isSubject(forward))
      return;
    op = forward->getName().getStringRef().str();
    for (auto [i, gradient] : llvm::enumerate(gradients))
      if (gradient)
        addReturned(i);
    llvm::StringMap<unsigned> ordinals;
    for (auto [j, builtOp] : llvm::enumerate(created)) {
      StringRef name = builtOp->getName().getStringRef();
      addBuilt(j, builtOp, name.str() + " #" + std::to_string(ordinals[name]++), gradients);
    }
    ++application;
  }

private:
  void add(std::string change, decltype(Mutation::plant) plant) {
    mutations.push_back({op, std::move(change), application, std::move(plant)});
  }

  void addReturned(unsigned i) {
    std::string which = "gradient of operand " + std::to_string(i);
    add(which + " negated", [=](Created, Gradients gradients, OpBuilder &builder) {
      gradients[i] = NegOp::create(builder, gradients[i].getLoc(), gradients[i]);
      return true;
    });
    add(which + " doubled", [=](Created, Gradients gradients, OpBuilder &builder) {
      gradients[i] = scaled(gradients[i], 2, builder);
      return true;
    });
    add(which + " zeroed", [=](Created, Gradients gradients, OpBuilder &builder) {
      gradients[i] = zerosLike(gradients[i], builder);
      return true;
    });
    add(which + " zeroed at even positions", [=](Created, Gradients gradients, OpBuilder &builder) {
      gradients[i] = halved(gradients[i], builder);
      return true;
    });
  }

  void addBuilt(size_t j, Operation *built, std::string which, Gradients gradients) {
    for (unsigned k = 0; k < built->getNumOperands(); ++k)
      if (isFloat(built->getOperand(k)) && !isZero(built->getOperand(k)))
        add("operand " + std::to_string(k) + " of " + which + " zeroed", [=](Created created, Gradients, OpBuilder &) {
          OpBuilder before(created[j]);
          created[j]->setOperand(k, zerosLike(created[j]->getOperand(k), before));
          return true;
        });
    for (unsigned k = 0; k < built->getNumResults(); ++k)
      if (!built->getResult(k).use_empty() && !isZero(built->getResult(k)))
        add("result " + std::to_string(k) + " of " + which + " zeroed",
            [=](Created created, Gradients, OpBuilder &builder) {
              OpBuilder::InsertionGuard guard(builder);
              builder.setInsertionPointAfter(created[j]);
              created[j]->getResult(k).replaceAllUsesWith(zerosLike(created[j]->getResult(k), builder));
              return true;
            });
    // With one element, a transposition or another axis of extent 1 may make no difference.
    auto hasOneElement = [](Value value) { return tensorType(value).getNumElements() == 1; };
    if (llvm::any_of(built->getOperands(), hasOneElement) ||
        (!isa<ConstantOp>(built) && hasOneElement(built->getResult(0))))
      return;
    for (StringAttr name : built->getName().getAttributeNames())
      for (auto &[how, value] : wrongValues(built->getAttr(name), built->getContext()))
        add(name.str() + " of " + which + " " + how,
            [=](Created created, Gradients, OpBuilder &) { return alterAttribute(created[j], name, value); });
  }

  std::vector<Mutation> &mutations;
  std::string op;
  unsigned application = 0;
};
} // namespace

std::vector<Mutation> vlp::test::enumerateMutations(const GradientCase &gradientCase, MLIRContext &context) {
  std::vector<Mutation> mutations;
  OwningOpRef<ModuleOp> module = parseModule(getModuleText(gradientCase), context);
  Enumeration enumeration(mutations);
  DifferentiateOptions options;
  options.hook = [&](Operation *forward, Created created, Gradients gradients, OpBuilder &) {
    enumeration.visit(forward, created, gradients);
  };
  if (module && failed(differentiate(module->lookupSymbol<func::FuncOp>("function"), options)))
    mutations.clear();
  return mutations;
}

DifferentiateOptions vlp::test::plant(const Mutation &mutation, bool &planted) {
  DifferentiateOptions options;
  options.hook = [&mutation, &planted, seen = 0u](Operation *forward, Created created, Gradients gradients,
                                                  OpBuilder &builder) mutable {
    if (isSubject(forward) && seen++ == mutation.application)
      planted = mutation.plant(created, gradients, builder);
  };
  return options;
}
