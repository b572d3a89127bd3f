// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Collects the matrix operations of a basic block.
#include "passes/Sim/MatrixBatches.h"
#include "passes/Sim/FragmentVectors.h"

#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/ValueHandle.h"

using namespace vlp::sim;
using llvm::StringRef;
using llvm::Value;

static StringRef intrinsicName(const llvm::Instruction &instruction) {
  auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction);
  llvm::Function *callee = call ? call->getCalledFunction() : nullptr;
  StringRef name = callee ? callee->getName() : "";
  return name.consume_front("llvm.nvvm.") ? name : "";
}

static constexpr StringRef kProductBF16 = "mma.m16n8k16.row.col.bf16", kProductTF32 = "mma.m16n8k8.row.col.tf32";

static bool isProduct(const llvm::Instruction &instruction) {
  StringRef name = intrinsicName(instruction);
  return name == kProductBF16 || name == kProductTF32;
}

static bool isLoad(const llvm::Instruction &instruction) {
  StringRef name = intrinsicName(instruction);
  if (!name.consume_front("ldmatrix.sync.aligned.m8n8.x") ||
      !(name.consume_front("1.") || name.consume_front("2.") || name.consume_front("4.")))
    return false;
  name.consume_front("trans.");
  return name == "b16.p3";
}

bool vlp::sim::isMatrixOperation(const llvm::Instruction &instruction) {
  return isProduct(instruction) || isLoad(instruction);
}

namespace {

/// Values that only a call at the batch's end will give: the instructions put off and what is taken out of their
/// results.
using Pending = llvm::SmallPtrSet<const Value *, 32>;

bool uses(const llvm::Instruction &instruction, const Pending &pending) {
  return llvm::any_of(instruction.operands(), [&](const llvm::Use &use) { return pending.contains(use.get()); });
}

/// One array a function serves all batches: they never overlap.
class SharedArray {
public:
  llvm::AllocaInst *get(EngineCalls &calls, llvm::Type *element, uint64_t count) {
    if (!array)
      array = calls.stackArray(element, count);
    size = std::max(size, count);
    array->setAllocatedType(llvm::ArrayType::get(element, size));
    return array;
  }

private:
  llvm::AllocaInst *array = nullptr;
  uint64_t size = 0;
};

class ProductBatch {
public:
  ProductBatch(EngineCalls &calls, FragmentVectors &fragments) : calls(calls), fragments(fragments) {}

  bool needs(const llvm::Instruction &instruction) const { return uses(instruction, pending); }
  void expect(const llvm::Instruction &taken) { pending.insert(&taken); }
  bool holds(const Value *value) const { return pending.contains(value); }

  /// Puts `product` off; false if it cannot join those collected so far.
  bool add(llvm::CallInst *product) {
    uint32_t ofKind = intrinsicName(*product) == kProductTF32 ? VLP_SIM_TF32_K8 : VLP_SIM_BF16_K16;
    Words a(product->arg_begin(), product->arg_begin() + 4), b(product->arg_begin() + 4, product->arg_begin() + 6),
        c(product->arg_begin() + 6, product->arg_end());
    std::optional<unsigned> chained = chain(product, c);
    bool early = llvm::any_of(a, [&](Value *v) { return holds(v); }) ||
                 llvm::any_of(b, [&](Value *v) { return holds(v); }) ||
                 (!chained && llvm::any_of(c, [&](Value *v) { return holds(v); }));
    if (!products.empty() && (early || ofKind != kind || words() >= kMostWords))
      return false;
    kind = ofKind;
    unsigned accumulator = chained ? *chained : cTiles.size();
    if (!chained)
      cTiles.push_back({c, product});
    last.resize(cTiles.size());
    last[accumulator] = product;
    steps.push_back({find(aTiles, a, product), find(bTiles, b, product), accumulator, unsigned(steps.size())});
    products.push_back(product);
    pending.insert(product);
    return true;
  }

  void close(llvm::Instruction *where) {
    if (products.empty())
      return;
    llvm::Type *i32 = calls.b.getInt32Ty();
    llvm::AllocaInst *array = registers.get(calls, i32, words());
    unsigned offset = 0;
    for (const auto *tiles : {&aTiles, &bTiles, &cTiles})
      for (const auto &[tile, user] : *tiles) {
        fragments.store(user, tile, array, offset);
        offset += tile.size();
      }
    calls.b.SetInsertPoint(where);
    calls.call(Call::Multiply, calls.b.getVoidTy(), {siteOf(*products.front()), descriptor(), array});
    unsigned accumulators = offset - 4 * cTiles.size();
    for (auto [i, product] : llvm::enumerate(last))
      fragments.replaceResult(product, array, accumulators + 4 * i);
    for (llvm::CallInst *product : llvm::reverse(products)) {
      for (llvm::User *user : llvm::make_early_inc_range(product->users()))
        llvm::cast<llvm::Instruction>(user)
            ->eraseFromParent(); // taken out for the next product of the chain, which is gone
      product->eraseFromParent();
    }
    reset();
  }

private:
  struct Tile {
    Words words;
    llvm::CallInst *user; // the first one
  };
  struct Step {
    unsigned a, b, c, position;
  };
  /// A lane's registers of one call; with more, those of a warp would not stay in the cache.
  static constexpr unsigned kMostWords = 1024;

  unsigned words() const { return 4 * aTiles.size() + 2 * bTiles.size() + 4 * cTiles.size(); }

  static unsigned find(llvm::SmallVectorImpl<Tile> &tiles, const Words &words, llvm::CallInst *user) {
    for (auto [i, tile] : llvm::enumerate(tiles))
      if (tile.words == words)
        return i;
    tiles.push_back({words, user});
    return tiles.size() - 1;
  }

  /// The accumulator whose present value is `c` and which nobody else wants.
  std::optional<unsigned> chain(llvm::CallInst *product, const Words &c) const {
    auto *first = llvm::dyn_cast<llvm::ExtractValueInst>(c[0]);
    if (!first)
      return std::nullopt;
    auto found = llvm::find(last, first->getAggregateOperand());
    if (found == last.end())
      return std::nullopt;
    for (auto [i, value] : llvm::enumerate(c)) {
      auto *taken = llvm::dyn_cast<llvm::ExtractValueInst>(value);
      if (!taken || taken->getAggregateOperand() != *found || taken->getIndices() != llvm::ArrayRef<unsigned>(i) ||
          !taken->hasOneUse())
        return std::nullopt;
    }
    if ((*found)->getNumUses() != 4)
      return std::nullopt;
    return found - last.begin();
  }

  llvm::Constant *descriptor() {
    // The steps of an accumulator together, so that the engine keeps it in registers.
    llvm::sort(steps,
               [](const Step &x, const Step &y) { return std::pair(x.c, x.position) < std::pair(y.c, y.position); });
    llvm::IRBuilder<> &b = calls.b;
    auto *stepType = llvm::StructType::get(b.getInt16Ty(), b.getInt16Ty(), b.getInt16Ty());
    llvm::SmallVector<llvm::Constant *> all;
    for (const Step &step : steps)
      all.push_back(llvm::ConstantStruct::get(stepType, {b.getInt16(step.a), b.getInt16(step.b), b.getInt16(step.c)}));
    llvm::Constant *list = calls.constant(llvm::ConstantArray::get(llvm::ArrayType::get(stepType, all.size()), all));
    auto number = [&](uint32_t value) { return b.getInt32(value); };
    return calls.constant(llvm::ConstantStruct::getAnon({number(kind), number(aTiles.size()), number(bTiles.size()),
                                                         number(cTiles.size()), number(steps.size()), list}));
  }

  void reset() {
    products.clear();
    aTiles.clear();
    bTiles.clear();
    cTiles.clear();
    last.clear();
    steps.clear();
    pending.clear();
  }

  EngineCalls &calls;
  FragmentVectors &fragments;
  SharedArray registers;
  uint32_t kind = 0;
  llvm::SmallVector<llvm::CallInst *> products;
  llvm::SmallVector<Tile> aTiles, bTiles, cTiles;
  llvm::SmallVector<llvm::CallInst *> last; // of each accumulator: the product that gives its value
  llvm::SmallVector<Step> steps;
  Pending pending;
};

class LoadBatch {
public:
  LoadBatch(EngineCalls &calls, FragmentVectors &fragments) : calls(calls), fragments(fragments) {}

  bool needs(const llvm::Instruction &instruction) const { return uses(instruction, pending); }
  void expect(const llvm::Instruction &taken) { pending.insert(&taken); }
  bool holds(const Value *value) const { return pending.contains(value); }

  void add(llvm::CallInst *load) {
    loads.push_back(load);
    pending.insert(load);
  }

  void close(llvm::Instruction *where) {
    if (loads.empty())
      return;
    llvm::IRBuilder<> &b = calls.b;
    auto *entryType = llvm::StructType::get(b.getInt32Ty(), b.getInt16Ty(), b.getInt16Ty());
    llvm::SmallVector<llvm::Constant *> entries;
    llvm::SmallVector<unsigned> offsets;
    unsigned words = 0;
    for (llvm::CallInst *load : loads) {
      StringRef name = intrinsicName(*load);
      unsigned matrices = name.contains(".x4.") ? 4 : name.contains(".x2.") ? 2 : 1;
      entries.push_back(llvm::ConstantStruct::get(
          entryType, {siteOf(*load), b.getInt16(matrices), b.getInt16(name.contains(".trans."))}));
      offsets.push_back(words);
      words += matrices;
    }
    llvm::AllocaInst *addresses = rows.get(calls, b.getPtrTy(), loads.size());
    llvm::AllocaInst *results = out.get(calls, b.getInt32Ty(), words);
    for (auto [i, load] : llvm::enumerate(loads)) {
      b.SetInsertPoint(load);
      b.CreateStore(calls.flat(load->getArgOperand(0)), b.CreateConstInBoundsGEP1_32(b.getPtrTy(), addresses, i));
    }
    llvm::Constant *list =
        calls.constant(llvm::ConstantArray::get(llvm::ArrayType::get(entryType, entries.size()), entries));
    llvm::Constant *all = calls.constant(llvm::ConstantStruct::getAnon({b.getInt32(entries.size()), list}));
    b.SetInsertPoint(where);
    calls.call(Call::LoadMatrices, b.getVoidTy(), {siteOf(*loads.front()), all, addresses, results});
    for (auto [load, offset] : llvm::zip(loads, offsets)) {
      fragments.replaceResult(load, results, offset);
      load->eraseFromParent();
    }
    loads.clear();
    pending.clear();
  }

private:
  EngineCalls &calls;
  FragmentVectors &fragments;
  SharedArray rows, out;
  llvm::SmallVector<llvm::CallInst *> loads;
  Pending pending;
};

} // namespace

void vlp::sim::batchMatrixOperations(EngineCalls &calls) {
  FragmentVectors fragments(calls.b);
  ProductBatch products(calls, fragments);
  LoadBatch loads(calls, fragments);
  for (llvm::BasicBlock &block : calls.function) {
    llvm::SmallVector<llvm::WeakVH>
        work; // a batch that closes may take what was taken out of its results away, also further down
    for (llvm::Instruction &instruction : block)
      work.push_back(&instruction);
    for (llvm::WeakVH &handle : work) {
      auto *instruction = llvm::cast_or_null<llvm::Instruction>(static_cast<Value *>(handle));
      if (!instruction)
        continue;
      if (auto *taken = llvm::dyn_cast<llvm::ExtractValueInst>(instruction)) {
        if (products.holds(taken->getAggregateOperand())) {
          products.expect(*taken);
          continue;
        }
        if (loads.holds(taken->getAggregateOperand())) {
          loads.expect(*taken);
          continue;
        }
      }
      bool load = isLoad(*instruction), product = isProduct(*instruction);
      if (loads.needs(*instruction) || (instruction->mayWriteToMemory() && !load) || instruction->isTerminator())
        loads.close(instruction);
      if (product) {
        auto *call = llvm::cast<llvm::CallInst>(instruction);
        if (!products.add(call)) {
          products.close(call);
          products.add(call);
        }
        continue;
      }
      if (products.needs(*instruction) || instruction->isTerminator())
        products.close(instruction);
      if (load)
        loads.add(llvm::cast<llvm::CallInst>(instruction));
    }
  }
  fragments.mergePhis();
}
