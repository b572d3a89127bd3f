// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The choice of tiles by a model of the chip.
#include "passes/CUDA/MatmulTile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace vlp;
using namespace vlp::cuda;
using llvm::divideCeil;

int64_t MatmulTile::blocks(const ProductShape &p) const {
  return divideCeil(p.m, rows) * divideCeil(p.n, columns) * splits;
}

int64_t MatmulTile::depthTiles(const ProductShape &p) const { return divideCeil(divideCeil(p.k, depth), splits); }

std::string MatmulTile::text() const {
  std::string text;
  llvm::raw_string_ostream(text) << rows << 'x' << columns << 'x' << depth << ',' << warpRows << 'x' << warpColumns
                                 << ',' << stages << ',' << splits;
  return text;
}

std::optional<MatmulTile> cuda::parseTile(llvm::StringRef text) {
  llvm::SmallVector<llvm::StringRef> fields;
  for (llvm::StringRef part : llvm::split(text, ','))
    llvm::append_range(fields, llvm::split(part, 'x'));
  MatmulTile tile;
  int64_t *numbers[] = {&tile.rows,        &tile.columns, &tile.depth, &tile.warpRows,
                        &tile.warpColumns, &tile.stages,  &tile.splits};
  if (fields.size() != std::size(numbers))
    return std::nullopt;
  for (auto [field, number] : llvm::zip_equal(fields, numbers))
    if (field.getAsInteger(10, *number) || *number < 1)
      return std::nullopt;
  if (tile.text() != text)
    return std::nullopt;
  return tile;
}

// A store instruction writes `run` columns (at most 16 bytes) of eight rows, four threads a row. Rows that are served
// together (four of pairs, two of quads) must start 32 or 64 bytes apart in the 128 bytes of all banks; of runs of
// eight, a thread's two halves are 32 bytes apart, and the rows' halves fit into one another 16 bytes apart.
int64_t cuda::stagingPitch(const MatmulTile &tile, int64_t run) {
  return tile.columns + (run == 2 ? 8 : run == 4 ? 16 : 4);
}

int64_t cuda::sharedBytes(const ProductShape &p, const MatmulTile &tile) {
  return std::max(tile.stages * tile.stageBytes(p), stagingBytes(tile, 4));
}

/// Registers of a thread, about: sums (for f32 those of one tile of k apart), fragments of two steps, copies,
/// addresses.
static int64_t estimateRegisters(const ProductShape &p, const MatmulTile &tile) {
  int64_t sums = tile.warpRows * tile.warpColumns / 32 + tile.rowSums(p);
  int64_t fragments = (tile.warpRows + tile.warpColumns) / 8 * 2;
  // An address for each copy, which advances with k; beside those the assembler finds no room either for values that go
  // through registers, half of them at a time.
  int64_t copies = 0;
  if (p.a.scattered || p.b.scattered)
    for (auto [form, size] : {std::pair{p.a, tile.rows}, {p.b, tile.columns}})
      copies += (form.scattered ? 2 : 0) * tile.copies(p, form, size) +
                (form.copyBytes == 2 ? tile.copies(p, form, size) / 2 : 0);
  return sums * (p.isF32() ? 2 : 1) + fragments * 2 + copies + 44;
}

bool cuda::isValidTile(const ProductShape &p, const MatmulTile &tile, const Chip &chip, std::string &why) {
  auto check = [&](bool holds, const char *rule) {
    if (!holds)
      why = "tile " + tile.text() + ": expected " + rule;
    return holds;
  };
  auto isPower = [](int64_t value, int64_t least, int64_t most) {
    return llvm::isPowerOf2_64(value) && value >= least && value <= most;
  };
  if (!check(isPower(tile.rows, 16, 128) && isPower(tile.columns, 16, 256),
             "16 to 128 rows and 16 to 256 columns, powers of two") ||
      !check(tile.depth == 32 || tile.depth == 64, "a depth of 32 or 64") ||
      !check(isPower(tile.warpRows, 16, std::min<int64_t>(tile.rows, 64)) &&
                 isPower(tile.warpColumns, 16, std::min<int64_t>(tile.columns, 64)),
             "16 to 64 rows and columns a warp, no more than a block's") ||
      !check(tile.threads() <= 512, "at most 512 threads"))
    return false;
  for (auto [form, size] : {std::pair{p.a, tile.rows}, {p.b, tile.columns}})
    if (!check(size * tile.depth * p.elementBytes >= form.copyBytes * tile.threads(), "a copy for every thread"))
      return false;
  int64_t parts = divideCeil(divideCeil(p.k, tile.depth), tile.depthTiles(p));
  return check(tile.splits == parts, "no part of the sum without a tile of k") &&
         check(tile.stages >= 1 && tile.stages <= 6 && (tile.stages > 1 || tile.depthTiles(p) == 1),
               "one to six stages, one only where k is one tile deep") &&
         check(sharedBytes(p, tile) <= chip.sharedPerBlock, "no more shared memory than a block may have") &&
         check(estimateRegisters(p, tile) <= kRegistersPerThread &&
                   estimateRegisters(p, tile) * tile.threads() <= kRegistersPerMultiprocessor,
               "sums and fragments that fit the registers");
}

/// Clocks that a multiprocessor is busy with one tile of k of `resident` blocks: the unit that has most to do, and a
/// part of what the others have to do, since they overlap but not perfectly.
static double busyClocks(const ProductShape &p, const MatmulTile &tile, const Chip &chip, int64_t resident) {
  constexpr double kSharedBytes = 128, kL2Bytes = 40, kLanes = 64; // a clock
  constexpr double kExposed = 0.2;
  double bytes = tile.stageBytes(p),
         warpBytes = tile.warps() * (tile.warpRows + tile.warpColumns) * tile.depth * p.elementBytes;
  double tensor = static_cast<double>(tile.rows * tile.columns * tile.depth) * (p.isF32() ? 6 : 1) / chip.products;
  // f32: three integer operations split an element; a copy is an instruction for 32 lanes at least.
  double lanes = p.isF32() ? 3 * warpBytes / p.elementBytes : 0;
  for (auto [form, size] : {std::pair{p.a, tile.rows}, {p.b, tile.columns}})
    lanes += (form.copyBytes == 2 ? 6 : 2) * tile.copies(p, form, size) * tile.threads();
  double units[] = {tensor, (warpBytes + bytes) / kSharedBytes, bytes / kL2Bytes, lanes / kLanes}, most = 0, sum = 0;
  for (double clocks : units) {
    most = std::max(most, clocks);
    sum += clocks;
  }
  // Each warp works in one quarter of the multiprocessor: blocks of fewer than four leave some to others, or idle.
  int64_t quarters = std::min<int64_t>(tile.warps(), 4);
  double inTurn = divideCeil(resident * quarters, 4) * 4 * tensor / quarters;
  return std::max(resident * most, inTurn) + kExposed * resident * (sum - most);
}

/// Clocks of a block where `resident` of them share a multiprocessor.
static double clocksOfWave(const ProductShape &p, const MatmulTile &tile, const Chip &chip, int64_t resident) {
  constexpr double kLatency = 800;    // of global memory
  constexpr double kInstruction = 40; // of ldmatrix or mma, each of which waits for the one before
  constexpr double kStoredBytes = 40; // a clock
  constexpr double kLate = 0.1;       // copies that take longer than that
  constexpr double kBarrier = 30;
  double waiting = tile.stages == 1 ? 0 : kLatency / (tile.stages - 1); // a single tile: the latency below is all
  double chain = (static_cast<double>(tile.depth) / p.stepK() + 1) * kInstruction;
  double clocks = std::max({busyClocks(p, tile, chip, resident), waiting, chain}) + kLate * waiting + kBarrier;
  double epilogue = 300 + resident * tile.rows * tile.columns * 4.0 / kStoredBytes;
  return kLatency + tile.depthTiles(p) * clocks + epilogue;
}

double cuda::estimateClocks(const ProductShape &p, const MatmulTile &tile, const Chip &chip) {
  int64_t resident = residentBlocks(chip, tile.threads(), estimateRegisters(p, tile), sharedBytes(p, tile));
  int64_t blocks = tile.blocks(p), wave = chip.multiprocessors * resident;
  double clocks = 0;
  if (blocks >= wave)
    clocks += (blocks / wave) * clocksOfWave(p, tile, chip, resident);
  if (blocks % wave)
    clocks += clocksOfWave(p, tile, chip, divideCeil(blocks % wave, chip.multiprocessors));
  if (tile.splits > 1) { // a launch, and the parts are written and read
    constexpr double kLaunch = 4000, kMemoryBytes = 12;
    clocks += kLaunch + 8.0 * tile.splits * p.m * p.n / (kMemoryBytes * chip.multiprocessors);
  }
  return clocks;
}

namespace {
struct Shape {
  int64_t rows, columns, warpRows, warpColumns;
};
} // namespace

// From large to small: of equal estimates the first wins.
static constexpr Shape kShapes[] = {
    {128, 256, 64, 64}, {128, 128, 64, 64}, {128, 128, 64, 32}, {64, 256, 64, 32}, {128, 64, 64, 32}, {64, 128, 32, 64},
    {64, 128, 64, 32},  {128, 64, 32, 32},  {64, 64, 32, 32},   {128, 32, 32, 32}, {32, 128, 32, 32}, {64, 32, 32, 16},
    {32, 64, 16, 32},   {32, 32, 16, 16},   {16, 128, 16, 32},  {128, 16, 32, 16}, {16, 64, 16, 16},  {64, 16, 16, 16},
    {16, 32, 16, 16},   {32, 16, 16, 16},   {16, 16, 16, 16},
};
static constexpr int64_t kSplits[] = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32};
/// A part of the sum is worth blocks of its own from here on.
static constexpr int64_t kLeastTilesOfPart = 4;
/// Bytes of all parts.
static constexpr int64_t kMostPartBytes = int64_t(256) << 20;

MatmulTile cuda::chooseTile(const ProductShape &p, const Chip &chip) {
  // f32: tensor cores truncate the sums of one tile of k, so it is kept short.
  llvm::SmallVector<int64_t> depths = p.isF32() ? llvm::SmallVector<int64_t>{32} : llvm::SmallVector<int64_t>{64, 32};
  std::optional<MatmulTile> best;
  double least = 0;
  std::string why;
  for (const Shape &shape : kShapes)
    for (int64_t depth : depths)
      for (int64_t stages : {6, 4, 3, 2, 1})
        for (int64_t splits : kSplits) {
          MatmulTile tile{shape.rows, shape.columns, depth, shape.warpRows, shape.warpColumns, stages, splits};
          if (splits > 1 && (tile.depthTiles(p) < kLeastTilesOfPart || splits * p.m * p.n * 4 > kMostPartBytes))
            break;
          if (!isValidTile(p, tile, chip, why))
            continue;
          double clocks = estimateClocks(p, tile, chip);
          if (best && clocks >= least)
            continue;
          best = tile;
          least = clocks;
        }
  assert(best && "the smallest tile is always valid");
  return *best;
}

TileInstructions cuda::countInstructions(const ProductShape &p, const MatmulTile &tile) {
  int64_t steps = tile.depth / p.stepK(), ldmatrix = 0, asyncCopies = 0, wideAsyncCopies = 0, wideShared = 0;
  for (auto [form, size, warpSize] :
       {std::tuple{p.a, tile.rows, tile.warpRows}, {p.b, tile.columns, tile.warpColumns}}) {
    int64_t strips = warpSize / 8;
    if (form.alongK || !p.isF32())
      ldmatrix += strips / 2 * steps;
    else if (strips >= 4) // f32 across k by plain loads, of four strips: ldmatrix transposes 16-bit elements only
      wideShared += strips / 4 * 2 * steps;
    int64_t copies = tile.stages * tile.copies(p, form, size); // the first tiles before the loop, one in it
    if (form.copyBytes >= 4)
      asyncCopies += copies;
    if (form.copyBytes == 16)
      wideAsyncCopies += copies;
  }
  int64_t mma = tile.warpRows / 16 * (tile.warpColumns / 8) * steps * (p.isF32() ? 3 : 1);
  if (p.sumsRows)
    mma += tile.warpRows / 16 * steps * (p.isF32() ? 2 : 1);
  return {mma, ldmatrix, asyncCopies, wideAsyncCopies, /*wideGlobal=*/{}, wideShared};
}
