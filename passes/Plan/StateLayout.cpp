// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The layout of the state region.
#include "mlir/IR/Builders.h"
#include "mlir/IR/Location.h"
#include "passes/Plan/PlanContext.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vlp;

namespace {
struct StateSymbol {
  Operation *op;
  plan::StateKind kind;
  RankedTensorType type;
  /// Primary order, then the position among symbols of that order.
  std::tuple<int, std::string, unsigned> rank;
};
} // namespace

/// "adam.m" of "adam.m/visual.proj": moments of one kind lie together.
static std::string getMomentKind(StringRef symbol) { return symbol.split('/').first.str(); }

static SmallVector<StateSymbol> collectState(ModuleOp module) {
  SmallVector<StateSymbol> symbols;
  llvm::StringMap<unsigned> parameterRank; // position in the order of parameters
  for (bool decay : {true, false})
    for (ParameterOp op : module.getOps<ParameterOp>())
      if (op.getDecay() == decay) {
        unsigned rank = parameterRank.size();
        parameterRank[op.getSymName()] = rank;
        symbols.push_back({op, plan::StateKind::Parameter, cast<RankedTensorType>(op.getType()), {0, "", rank}});
      }
  unsigned position = 0;
  for (VariableOp op : module.getOps<VariableOp>()) {
    auto kind = static_cast<plan::StateKind>(op.getKind());
    bool isMoment = op.getKind() == vlp::StateKind::Moment;
    auto owner = parameterRank.find(op.getOf().value_or(""));
    unsigned rank = isMoment && owner != parameterRank.end() ? owner->second : position;
    std::string group = isMoment ? getMomentKind(op.getSymName()) : "";
    symbols.push_back({op, kind, cast<RankedTensorType>(op.getType()), {static_cast<int>(kind), group, rank}});
    ++position;
  }
  llvm::sort(symbols, [](const StateSymbol &a, const StateSymbol &b) { return a.rank < b.rank; });
  return symbols;
}

static void buildState(OpBuilder &builder, const StateSymbol &symbol, plan::SlotAttr slot) {
  auto parameter = dyn_cast<ParameterOp>(symbol.op);
  auto variable = dyn_cast<VariableOp>(symbol.op);
  StringAttr name = SymbolTable::getSymbolName(symbol.op);
  InitializerAttr init = parameter ? parameter.getInit() : variable.getInit();
  auto flag = [&](bool value) { return value ? builder.getUnitAttr() : UnitAttr(); };
  plan::StateOp::create(builder, symbol.op->getLoc(), plan::StateKindAttr::get(builder.getContext(), symbol.kind), name,
                        TypeAttr::get(symbol.type), slot, init, flag(parameter && parameter.getTrainable()),
                        flag(parameter && parameter.getDecay()), variable ? variable.getDocAttr() : StringAttr(),
                        parameter ? parameter.getTwinOfAttr() : FlatSymbolRefAttr());
}

void vlp::planState(ModuleOp module, PlanContext &context) {
  SmallVector<StateSymbol> symbols = collectState(module);
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  int64_t offset = 0;
  for (const StateSymbol &symbol : symbols) {
    int64_t bytes = plan::getTensorBytes(symbol.type);
    auto slot = plan::SlotAttr::get(module.getContext(), plan::Memory::State, offset, bytes, -1);
    context.state[SymbolTable::getSymbolName(symbol.op).getValue()] = slot;
    buildState(builder, symbol, slot);
    offset = llvm::alignTo(offset + bytes, plan::kSlotAlignment);
  }
  for (const StateSymbol &symbol : symbols)
    symbol.op->erase();
}
