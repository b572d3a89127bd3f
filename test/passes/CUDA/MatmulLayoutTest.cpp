// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// No access of a product to shared memory has bank conflicts: the addresses of all threads, folded to constants, are
// held against the banks.
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/CUDA/CompileCUDA.h"
#include "passes/CUDA/MatmulOperand.h"

#include <gtest/gtest.h>
#include <map>
#include <set>

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

namespace {

constexpr int64_t kBankBytes = 4, kLineBytes = 128; // 32 banks

/// One thread's part of an access to shared memory.
struct SharedAccess {
  int64_t address, bytes;
};

/// Bytes of `pointer` behind the start of shared memory.
int64_t offsetOf(Value pointer) {
  auto gep = pointer.getDefiningOp<LLVM::GEPOp>();
  if (!gep)
    return 0;
  int64_t index = gep.getRawConstantIndices()[0];
  if (index == LLVM::GEPOp::kDynamicIndex) {
    APInt value;
    EXPECT_TRUE(matchPattern(gep.getDynamicIndices()[0], m_ConstantInt(&value))) << "an address that is not folded";
    index = value.getSExtValue();
  }
  return offsetOf(gep.getBase()) + index * bytesOf(gep.getElemType());
}

/// The accesses to shared memory in the order of the code: of copies if `copies`, else of fragment loads.
std::vector<SharedAccess> accessesIn(ModuleOp module, bool copies) {
  std::vector<SharedAccess> found;
  module.walk([&](Operation *op) {
    if (auto call = dyn_cast<LLVM::CallIntrinsicOp>(op)) {
      StringRef name = call.getIntrin();
      if (copies && name.contains("cp.async") && name.contains("shared")) {
        auto [prefix, bytes] = name.split("global.");
        found.push_back({offsetOf(call.getArgs()[0]), bytes.starts_with("16") ? 16 : bytes.starts_with("8") ? 8 : 4});
      } else if (!copies && name.contains("ldmatrix")) {
        found.push_back({offsetOf(call.getArgs()[0]), 16});
      }
    } else if (auto load = dyn_cast<LLVM::LoadOp>(op); load && !copies) {
      auto type = dyn_cast<VectorType>(load.getType());
      found.push_back({offsetOf(load.getAddr()), type ? type.getNumElements() * 4 : 4});
    }
  });
  return found;
}

class MatmulLayout : public testing::Test {
protected:
  MatmulLayout() {
    DialectRegistry registry;
    cuda::registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  /// What thread `thread` does for one operand: copies of a tile, or the fragments of a warp.
  std::vector<SharedAccess> accessesOf(int64_t thread, const MatmulOperand &operand, const ProductShape &product,
                                       const MatmulTile &tile, OperandTile::Side side, StripMap map, bool copies) {
    OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
    KernelBuilder k(*module, "kernel", module->getLoc(), 1, tile.threads());
    k.thread = k.index(thread);
    OperandTile part(k, operand, product, tile, side, map, 0);
    if (copies) {
      part.locate(k.pointers[0], k.index(0), k.index(0));
      part.copy(part.start(), k.index(0), k.index(0), k.index(product.k), 0, 1);
    } else {
      int64_t warp = thread / kWarp, rowWarps = tile.rows / tile.warpRows;
      part.locateFragments(k.index(side == OperandTile::Side::Rows ? warp % rowWarps : warp / rowWarps));
      for (int64_t step = 0; step < tile.depth / product.stepK(); ++step)
        (void)part.fragments(k.index(0), step);
    }
    k.finish();
    return accessesIn(*module, copies);
  }

  /// The threads of a warp that are served together, 128 bytes at a time, must touch every bank at most once.
  void expectNoConflicts(const MatmulOperand &operand, const ProductShape &product, const MatmulTile &tile,
                         OperandTile::Side side, StripMap map, bool copies) {
    std::vector<std::vector<SharedAccess>> all;
    for (int64_t thread = 0; thread < tile.threads(); ++thread)
      all.push_back(accessesOf(thread, operand, product, tile, side, map, copies));
    ASSERT_FALSE(all[0].empty());
    for (size_t number = 0; number < all[0].size(); ++number)
      for (size_t first = 0; first < all.size();) {
        int64_t bytes = all[first][number].bytes;
        std::set<int64_t> banks;
        for (int64_t i = 0; i < kLineBytes / bytes; ++i, ++first) {
          ASSERT_EQ(all[first][number].address % bytes, 0);
          for (int64_t byte = 0; byte < bytes; byte += kBankBytes)
            banks.insert((all[first][number].address + byte) % kLineBytes / kBankBytes);
        }
        ASSERT_EQ(static_cast<int64_t>(banks.size()), kLineBytes / kBankBytes)
            << (copies ? "copy " : "fragment load ") << number << " of threads before " << first << ", " << tile.text();
      }
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
};

// Both types, both orientations, both sides, every interleaving of strips that the emitter uses for them, copies of
// every asynchronous width.
TEST_F(MatmulLayout, NoBankConflicts) {
  for (const char *text : {"128x128x64,64x32,1,1", "128x128x32,64x64,1,1", "64x256x32,64x32,1,1", "64x32x64,32x16,1,1",
                           "32x64x32,16x32,1,1", "16x16x32,16x16,1,1"})
    for (bool isF32 : {false, true})
      for (bool alongK : {true, false})
        for (auto side : {OperandTile::Side::Rows, OperandTile::Side::Columns})
          for (int64_t slant : {0, 4, 2}) { // a pitch that allows copies of 16, 8 or 4 bytes
            MatmulTile tile = *parseTile(text);
            bool rows = side == OperandTile::Side::Rows;
            int64_t size = rows ? tile.rows : tile.columns, warpSize = rows ? tile.warpRows : tile.warpColumns;
            Type element = isF32 ? Type(Float32Type::get(&context)) : BFloat16Type::get(&context);
            Access access = alongK ? Access{{}, 0, {size, tile.depth}, {tile.depth + slant, 1}}
                                   : Access{{}, 0, {size, tile.depth}, {1, size + slant}};
            MatmulOperand operand(access, /*transposed=*/false, element);
            ProductShape product{tile.rows, tile.columns, tile.depth, isF32 ? 4 : 2, operand.form, operand.form};
            ASSERT_EQ(operand.form.alongK, alongK);
            ASSERT_EQ(operand.form.copyBytes, slant == 0 ? 16 : slant * product.elementBytes);
            bool byPlainLoads = isF32 && !alongK, interleaved = rows ? byPlainLoads : isF32 || alongK;
            StripMap map{interleaved ? std::min<int64_t>(4, warpSize / 8) : 1, false};
            for (bool split : {false, true}) {
              if (split && (rows || map.group != 4))
                continue;
              map.split = split;
              expectNoConflicts(operand, product, tile, side, map, /*copies=*/false);
              expectNoConflicts(operand, product, tile, side, map, /*copies=*/true);
              if (testing::Test::HasFatalFailure())
                return;
            }
          }
}

// Sums are laid out for the epilogue in vectors of up to four: 16 bytes of eight threads, or 8 of sixteen, at a time.
TEST_F(MatmulLayout, SumsAreLaidOutWithoutConflicts) {
  for (auto map : {StripMap{1, false}, {2, false}, {4, false}, {4, true}})
    for (int64_t columns : {32, 128}) {
      MatmulTile tile{64, columns, 32, 32, 32};
      int64_t pitch = stagingPitch(tile, map.run()), width = std::min<int64_t>(map.run(), 4);
      EXPECT_EQ(pitch % 4, 0);
      for (int64_t part = 0; part < map.run(); part += width)
        for (int64_t first = 0; first < kWarp;) {
          std::set<int64_t> banks;
          for (int64_t i = 0; i < kLineBytes / (4 * width); ++i, ++first)
            for (int64_t j = 0; j < width; ++j)
              banks.insert((first / 4 * pitch + map.at(first % 4 * 2) + part + j) % 32);
          EXPECT_EQ(banks.size(), 32u) << "runs of " << map.run() << ", part " << part;
        }
    }
}

// at() is what the emitter's comments say: a permutation under which a thread's columns are neighbours.
TEST_F(MatmulLayout, StripsAreAPermutation) {
  for (auto map : {StripMap{1, false}, {2, false}, {4, false}, {4, true}}) {
    std::set<int64_t> places;
    for (int64_t slot = 0; slot < 64; ++slot) {
      places.insert(map.at(slot));
      EXPECT_EQ(map.at(slot), map.at(slot & 0x2a) + map.at(slot & ~0x2a));
    }
    EXPECT_EQ(places.size(), 64u);
    EXPECT_EQ(*places.rbegin(), 63);
    for (int64_t thread = 0; thread < 4; ++thread) {
      std::set<int64_t> own; // of the first strips that make up a run
      for (int64_t strip = 0; strip < map.group; ++strip)
        for (int64_t h = 0; h < (map.split ? 1 : 2); ++h)
          own.insert(map.at(8 * strip + 2 * thread + h));
      EXPECT_EQ(static_cast<int64_t>(own.size()), map.run());
      EXPECT_EQ(*own.rbegin() - *own.begin() + 1, map.run());
      EXPECT_EQ(*own.begin() % map.run(), 0);
    }
  }
}

} // namespace
