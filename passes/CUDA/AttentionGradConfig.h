// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the gradients of attention are divided among blocks and warps, and what code that makes.
#pragma once

#include "passes/CUDA/AttentionTiles.h"

namespace vlp::cuda {

/// Which side the rows of a warp's tiles are.
enum class GradientPass { Queries, Keys };
inline GradientPass other(GradientPass pass) {
  return pass == GradientPass::Queries ? GradientPass::Keys : GradientPass::Queries;
}

struct PassConfig {
  BlockShape block;
  int64_t stream = 0; // columns of a tile that streams past
  int64_t stages = 0;
  int64_t rowBlocks = 1;

  int64_t rowBytes(const AttentionShape &s) const { return 2 * block.rows() * s.pitch(); }
  /// With keys as rows, two statistics come with each query.
  int64_t stageBytes(const AttentionShape &s, GradientPass pass) const {
    return stream * (2 * s.pitch() + (pass == GradientPass::Keys ? 8 : 0));
  }
  int64_t sharedBytes(const AttentionShape &s, GradientPass pass) const {
    return rowBytes(s) + stages * stageBytes(s, pass);
  }
};

struct GradientConfig {
  bool resident; // a block holds whole heads
  BlockShape whole;
  PassConfig queries, keys;
  bool fits = true;

  const PassConfig &of(GradientPass pass) const { return pass == GradientPass::Queries ? queries : keys; }
  static int64_t groupBytes(const AttentionShape &s) {
    int64_t queries = roundUp(s.queries, 16), keys = roundUp(s.keys, 16);
    return 2 * (queries + keys) * s.pitch() + 8 * queries;
  }
};

/// Columns that a warp has in registers at a time. f32 takes three times the code.
int64_t columnsAtOnce(const AttentionShape &s);
int64_t streamedColumns(const AttentionShape &s, GradientPass pass);
/// Columns that are added in whole steps: those behind them need fewer tiles, if a step has more than the least number
/// of them.
int64_t wholeColumns(const AttentionShape &s, GradientPass pass);

GradientConfig configureGradient(const AttentionShape &s, const TargetInfo &target);

/// The instructions of both passes in one function.
TileInstructions residentInstructions(const KernelBody &body, const AttentionShape &s, const GradientConfig &c);
/// Of one pass.
TileInstructions passInstructions(const KernelBody &body, const AttentionShape &s, const PassConfig &c,
                                  GradientPass pass);

} // namespace vlp::cuda
