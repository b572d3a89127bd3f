// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The choice of blocks by a model of the chip, and the counts that follow.
#include "passes/CUDA/AttentionGradConfig.h"
#include "passes/CUDA/AttentionInstructions.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

int64_t cuda::columnsAtOnce(const AttentionShape &s) { return s.element.isBF16() && s.sliceColumns <= 64 ? 32 : 16; }

int64_t cuda::streamedColumns(const AttentionShape &s, GradientPass pass) {
  return pass == GradientPass::Queries ? s.keys : s.queries;
}

int64_t cuda::wholeColumns(const AttentionShape &s, GradientPass pass) {
  int64_t step = columnsAtOnce(s), columns = streamedColumns(s, pass);
  return step == 16 ? roundUp(columns, 16) : columns / step * step;
}

/// Registers of a thread, about: sums, probabilities and their gradients, and what the rest takes.
static int64_t registersOf(const AttentionShape &s, GradientPass pass, int64_t tiles) {
  int64_t sums = (pass == GradientPass::Queries ? 1 : 2) * tiles * s.sliceColumns / 2;
  return sums + tiles * columnsAtOnce(s) + (s.element.isBF16() ? 48 : 72) + 8 * tiles;
}

static PassConfig configurePass(const AttentionShape &s, GradientPass pass, const Chip &chip) {
  int64_t rows = pass == GradientPass::Queries ? s.queries : s.keys, columns = streamedColumns(s, pass);
  // Two tiles of rows share each operand that a warp reads; two sums of their size leave no room for that.
  int64_t tiles = pass == GradientPass::Queries && s.sliceColumns <= 64 && rows > 128 ? 2 : 1, step = columnsAtOnce(s);
  PassConfig best;
  double least = 0;
  for (int64_t warps = std::min<int64_t>(8, ceilDiv(rows, 16 * tiles)); warps >= 1; --warps)
    for (int64_t stream = std::min<int64_t>(64, roundUp(columns, step)); stream >= step; stream -= step)
      for (int64_t stages : {2, 1}) {
        PassConfig c{{warps, tiles, 1}, stream, stages, ceilDiv(rows, warps * tiles * 16)};
        bool single = stream >= columns; // one tile: nothing to overlap
        if (c.sharedBytes(s, pass) > chip.sharedPerBlock || (single && stages == 2))
          continue;
        double cost = blockCost(chip, c.block, c.rowBlocks, registersOf(s, pass, tiles), c.sharedBytes(s, pass), stream,
                                single ? 2 : stages);
        if (!best.stages || cost < least) {
          best = c;
          least = cost;
        }
      }
  return best;
}

GradientConfig cuda::configureGradient(const AttentionShape &s, const TargetInfo &target) {
  const Chip &chip = getChip(target.chip);
  GradientConfig c;
  int64_t longest = std::max(s.queries, s.keys), warps = ceilDiv(longest, 16),
          most = std::min<int64_t>(chip.sharedPerBlock, 99 << 10);
  // Both passes in one function: with two sums of more columns its addresses spill.
  c.resident = longest <= 128 && s.columns() <= 96 && GradientConfig::groupBytes(s) <= most;
  if (c.resident) {
    c.whole = {warps, 1, pairsPerBlock(warps, s.pairs())};
    while (c.whole.pairs * GradientConfig::groupBytes(s) > most)
      --c.whole.pairs;
    return c;
  }
  c.queries = configurePass(s, GradientPass::Queries, chip);
  c.keys = configurePass(s, GradientPass::Keys, chip);
  c.fits = c.queries.stages && c.keys.stages;
  return c;
}

static void countCopies(AttentionInstructions &counts, AttentionGradOp op, GradientPass side, int64_t rows) {
  for (Value operand : side == GradientPass::Keys ? std::array<Value, 2>{op.getKey(), op.getValue()}
                                                  : std::array<Value, 2>{op.getQuery(), op.getGradient()})
    counts.copyRows(operand, rows);
}

/// What all columns add to the sums of a pass.
static void countSums(AttentionInstructions &counts, const KernelBody &body, const AttentionShape &s,
                      GradientPass pass) {
  bool queries = pass == GradientPass::Queries, hasMask = bool(cast<AttentionGradOp>(body.anchor).getMask());
  auto wants = [&](unsigned gradient) { return !body.yieldsOf(gradient).empty(); };
  bool first = wants(queries ? 0 : 1), second = !queries && wants(2), scores = queries && hasMask && wants(3);
  int64_t whole = wholeColumns(s, pass), rest = std::max<int64_t>(0, streamedColumns(s, pass) - whole);
  bool hides = (queries || hasMask) && !s.causal; // columns past the last, whatever the row
  for (int64_t count : {whole ? columnsAtOnce(s) : 0, rest}) {
    if (!count || !(first || second || scores))
      continue;
    int64_t columns = roundUp(count, 16);
    counts.multiplyRows(columns, hides ? std::min(count, streamedColumns(s, pass)) : columns);
    if (second)
      counts.accumulate(columns);
    if (first || scores)
      counts.multiplyRows(columns, columns);
    if (first)
      counts.accumulate(columns);
  }
}

TileInstructions cuda::residentInstructions(const KernelBody &body, const AttentionShape &s, const GradientConfig &c) {
  AttentionInstructions counts(s, c.whole);
  for (GradientPass side : {GradientPass::Queries, GradientPass::Keys}) {
    countCopies(counts, cast<AttentionGradOp>(body.anchor), side, roundUp(streamedColumns(s, other(side)), 16));
    countSums(counts, body, s, side);
  }
  TileInstructions total = counts.total();
  if (wholeColumns(s, GradientPass::Queries) < s.keys || wholeColumns(s, GradientPass::Keys) < s.queries)
    total.ldmatrix.reset(); // the loop's rows may serve the columns behind it as well
  return total;
}

TileInstructions cuda::passInstructions(const KernelBody &body, const AttentionShape &s, const PassConfig &c,
                                        GradientPass pass) {
  AttentionInstructions counts(s, c.block);
  auto op = cast<AttentionGradOp>(body.anchor);
  if (pass == GradientPass::Queries && body.yieldsOf(0).empty() && !(op.getMask() && !body.yieldsOf(3).empty()))
    return counts.total(); // delta alone
  countCopies(counts, op, pass, c.block.rows());
  for (int64_t i = 0; i < c.stages; ++i) { // before the loop, and in it
    countCopies(counts, op, other(pass), c.stream);
    if (pass == GradientPass::Keys) // lse and delta
      counts.copyElements(2 * ceilDiv(c.stream, c.block.threads()));
  }
  countSums(counts, body, s, pass);
  return counts.total();
}
