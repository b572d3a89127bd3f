// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Emitters that move rows and boxes against the interpreter: copies, embeddings and their gradient, match targets.
#include "test/passes/CUDA/KernelHarness.h"

#include <cmath>
#include <gtest/gtest.h>

using vlp::cuda::PtxCounts;
using vlp::test::checkKernel;
using vlp::test::KernelCase;
using vlp::test::with;

namespace {

using Sizes = std::vector<std::pair<std::string, int>>;

TEST(Copy, ConcatWithEpilogueOnEveryAxis) {
  for (const char *type : {"f32", "bf16"})
    for (int columns : {5, 6, 16}) {
      auto text = [&](const char *t) { return with(with(t, {{"D", columns}}), "T", type); };
      KernelCase c = {
          "concat",
          {text("1x1xDxT"), text("3x4xDxT"), text("5xDxT")},
          text("%b = vlp.broadcast %a0 : (tensor<1x1xDxT>) -> tensor<3x1xDxT>\n"
               "%c = vlp.concat %b, %a1 {axis = 1 : i64} : (tensor<3x1xDxT>, tensor<3x4xDxT>) -> tensor<3x5xDxT>\n"
               "%y = vlp.add %c, %a2 : (tensor<3x5xDxT>, tensor<5xDxT>) -> tensor<3x5xDxT>"),
          {"%y"},
          {text("3x5xDxT")}};
      checkKernel(c);
    }
  checkKernel({"concat",
               {"2x3xf32", "2x20xf32"},
               "%y = vlp.concat %a0, %a1 {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x20xf32>) -> tensor<2x23xf32>",
               {"%y"},
               {"2x23xf32"}});
  checkKernel({"concat",
               {"2x8xbf16", "2x4xbf16", "2x12xbf16"},
               "%y = vlp.concat %a0, %a1, %a2 {axis = 1 : i64} : (tensor<2x8xbf16>, tensor<2x4xbf16>, "
               "tensor<2x12xbf16>) -> tensor<2x24xbf16>",
               {"%y"},
               {"2x24xbf16"}});
  checkKernel({"concat",
               {"3xf32", "20xf32"},
               "%y = vlp.concat %a0, %a1 {axis = 0 : i64} : (tensor<3xf32>, tensor<20xf32>) -> tensor<23xf32>",
               {"%y"},
               {"23xf32"}});
  checkKernel({"concat",
               {"3x4xi32", "300x4xi32"},
               "%y = vlp.concat %a0, %a1 {axis = 0 : i64} : (tensor<3x4xi32>, tensor<300x4xi32>) -> tensor<303x4xi32>",
               {"%y"},
               {"303x4xi32"}});
}

TEST(Copy, ConcatOfComputedPiecesRoundedToo) {
  checkKernel({"concat",
               {"2x8xf32", "2x24xbf16"},
               "%n = vlp.cast %a0 : (tensor<2x8xf32>) -> tensor<2x8xbf16>\n"
               "%c = vlp.concat %n, %a1 {axis = 1 : i64} : (tensor<2x8xbf16>, tensor<2x24xbf16>) -> tensor<2x32xbf16>\n"
               "%y = vlp.cast %c : (tensor<2x32xbf16>) -> tensor<2x32xf32>",
               {"%c", "%y"},
               {"2x32xbf16", "2x32xf32"},
               4,
               1,
               false,
               /*tolerance=*/4e-3});
}

TEST(Copy, Pad) {
  for (const char *type : {"f32", "bf16"}) {
    auto text = [&](const char *t) { return with(t, "T", type); };
    checkKernel({"pad",
                 {text("2x3x4xT")},
                 text("%y = vlp.pad %a0 {low = array<i64: 0, 1, 2>, high = array<i64: 1, 0, 3>} : (tensor<2x3x4xT>) -> "
                      "tensor<3x4x9xT>"),
                 {"%y"},
                 {text("3x4x9xT")}});
    // The gradient of one token of each sequence.
    std::vector<PtxCounts> counts = checkKernel({"pad",
                                                 {text("3x1x16xT")},
                                                 text("%y = vlp.pad %a0 {low = array<i64: 0, 0, 0>, high = array<i64: "
                                                      "0, 49, 0>} : (tensor<3x1x16xT>) -> tensor<3x50x16xT>"),
                                                 {"%y"},
                                                 {text("3x50x16xT")}});
    ASSERT_EQ(counts.size(), 1u);
    EXPECT_EQ(counts[0].wideGlobal, 2u);
    checkKernel(
        {"pad",
         {text("5x7xT")},
         text("%y = vlp.pad %a0 {low = array<i64: 0, 0>, high = array<i64: 0, 0>} : (tensor<5x7xT>) -> tensor<5x7xT>"),
         {"%y"},
         {text("5x7xT")}});
    checkKernel({"pad",
                 {text("7xT")},
                 text("%y = vlp.pad %a0 {low = array<i64: 4>, high = array<i64: 1>} : (tensor<7xT>) -> tensor<12xT>"),
                 {"%y"},
                 {text("12xT")}});
  }
}

TEST(Copy, Patches) {
  for (const char *type : {"f32", "bf16"})
    for (auto [height, width, patch] : {std::tuple(12, 8, 4), {21, 14, 7}, {28, 14, 14}, {32, 16, 8}}) {
      Sizes sizes = {
          {"H", height}, {"W", width}, {"P", patch}, {"N", height / patch * (width / patch)}, {"L", 3 * patch * patch}};
      auto text = [&](const char *t) { return with(with(t, sizes), "T", type); };
      checkKernel({"patchify",
                   {text("2x3xHxWxT")},
                   text("%y = vlp.patchify %a0 {patch = P : i64} : (tensor<2x3xHxWxT>) -> tensor<2xNxLxT>"),
                   {"%y"},
                   {text("2xNxLxT")}});
      checkKernel({"patchify",
                   {text("2xNxLxT")},
                   text("%y = vlp.unpatchify %a0 {patch = P : i64} : (tensor<2xNxLxT>) -> tensor<2x3xHxWxT>"),
                   {"%y"},
                   {text("2x3xHxWxT")}});
    }
}

// All tokens but the first and the last: rows of ids that do not touch; and one column of them.
TEST(Embedding, IdsInASlice) {
  const std::string rows = "%i = vlp.slice %a1 {offsets = array<i64: 0, 1>, sizes = array<i64: 3, 5>} : "
                           "(tensor<3x7xi32>) -> tensor<3x5xi32>\n",
                    column = "%s = vlp.slice %a1 {offsets = array<i64: 0, 6>, sizes = array<i64: 3, 1>} : "
                             "(tensor<3x7xi32>) -> tensor<3x1xi32>\n%i = vlp.reshape %s : (tensor<3x1xi32>) -> "
                             "tensor<3xi32>\n";
  checkKernel({"embedding",
               {"9x20xf32", "3x7xi32"},
               rows + "%y = vlp.embedding %a0, %i : (tensor<9x20xf32>, tensor<3x5xi32>) -> tensor<3x5x20xf32>",
               {"%y"},
               {"3x5x20xf32"},
               9});
  checkKernel({"embedding",
               {"9x20xf32", "3x7xi32"},
               column + "%y = vlp.embedding %a0, %i : (tensor<9x20xf32>, tensor<3xi32>) -> tensor<3x20xf32>",
               {"%y"},
               {"3x20xf32"},
               9});
  checkKernel({"embedding_grad",
               {"3x5x20xf32", "3x7xi32"},
               rows + "%y = vlp.embedding_grad %a0, %i : (tensor<3x5x20xf32>, tensor<3x5xi32>) -> tensor<9x20xf32>",
               {"%y"},
               {"9x20xf32"},
               9});
}

TEST(Embedding, RowsWithEpilogue) {
  for (const char *type : {"f32", "bf16"})
    for (int columns : {5, 20, 64}) {
      auto text = [&](const char *t) { return with(with(t, {{"D", columns}}), "T", type); };
      KernelCase c = {"embedding",
                      {text("9xDxT"), "3x5xi32", text("5xDxT")},
                      text("%e = vlp.embedding %a0, %a1 : (tensor<9xDxT>, tensor<3x5xi32>) -> tensor<3x5xDxT>\n"
                           "%y = vlp.add %e, %a2 : (tensor<3x5xDxT>, tensor<5xDxT>) -> tensor<3x5xDxT>"),
                      {"%y"},
                      {text("3x5xDxT")},
                      9};
      checkKernel(c);
    }
  // An f32 table, rounded rows.
  checkKernel({"embedding",
               {"300x16xf32", "1x77xi32"},
               "%e = vlp.embedding %a0, %a1 : (tensor<300x16xf32>, tensor<1x77xi32>) -> tensor<1x77x16xf32>\n"
               "%y = vlp.cast %e : (tensor<1x77x16xf32>) -> tensor<1x77x16xbf16>",
               {"%y"},
               {"1x77x16xbf16"},
               300});
}

TEST(Embedding, GatherAndScatterRows) {
  for (const char *type : {"f32", "bf16"})
    for (auto [batch, columns] : {std::pair(1, 8), {3, 20}, {5, 7}}) {
      auto text = [&](const char *t) { return with(with(t, {{"B", batch}, {"D", columns}}), "T", type); };
      checkKernel({"gather_rows",
                   {text("Bx5xDxT"), text("Bxi32")},
                   text("%y = vlp.gather_rows %a0, %a1 : (tensor<Bx5xDxT>, tensor<Bxi32>) -> tensor<BxDxT>"),
                   {"%y"},
                   {text("BxDxT")},
                   5});
      checkKernel({"scatter_rows",
                   {text("BxDxT"), text("Bxi32")},
                   text("%y = vlp.scatter_rows %a0, %a1 : (tensor<BxDxT>, tensor<Bxi32>) -> tensor<Bx5xDxT>"),
                   {"%y"},
                   {text("Bx5xDxT")},
                   5});
    }
}

TEST(Embedding, GatherFromAView) {
  checkKernel({"gather_rows",
               {"5x3x8xf32", "3xi32"},
               "%t = vlp.transpose %a0 {permutation = array<i64: 1, 0, 2>} : (tensor<5x3x8xf32>) -> tensor<3x5x8xf32>\n"
               "%y = vlp.gather_rows %t, %a1 : (tensor<3x5x8xf32>, tensor<3xi32>) -> tensor<3x8xf32>",
               {"%y"},
               {"3x8xf32"},
               5});
}

KernelCase embeddingGrad(int batch, int length, int rows, int columns, const std::string &type) {
  auto text = [&](const char *t) {
    return with(with(t, {{"B", batch}, {"S", length}, {"V", rows}, {"D", columns}}), "T", type);
  };
  KernelCase c = {"embedding_grad",
                  {text("BxSxDxT"), text("BxSxi32")},
                  text("%y = vlp.embedding_grad %a0, %a1 : (tensor<BxSxDxT>, tensor<BxSxi32>) -> tensor<VxDxT>"),
                  {"%y"},
                  {text("VxDxT")}};
  c.integers = rows;
  return c;
}

TEST(EmbeddingGrad, RepeatedIdsOddWidthsAndTails) {
  for (auto [batch, length, rows, columns] :
       {std::tuple(1, 1, 1, 1), {3, 5, 9, 5}, {3, 5, 9, 16}, {5, 77, 300, 12}, {4, 32, 64, 40}, {1, 129, 65, 6}})
    checkKernel(embeddingGrad(batch, length, rows, columns, "f32"));
}

TEST(EmbeddingGrad, InBF16) {
  for (auto [batch, length, rows, columns] : {std::tuple(1, 1, 1, 1), {3, 5, 9, 5}, {5, 77, 70, 24}, {2, 64, 64, 40}})
    checkKernel(embeddingGrad(batch, length, rows, columns, "bf16"));
}

// More positions than one round of the second launch takes; results in bf16 are still rounded once.
TEST(EmbeddingGrad, SeveralRounds) {
  checkKernel(embeddingGrad(30, 77, 90, 8, "f32"));
  checkKernel(embeddingGrad(60, 77, 40, 4, "bf16"));
}

// More columns than the threads of a block.
TEST(EmbeddingGrad, WideRows) {
  checkKernel(embeddingGrad(1, 140, 20, 1030, "f32"));
  checkKernel(embeddingGrad(1, 30, 20, 515, "bf16"));
}

// A padded batch: nearly all positions hold one id, which is the table's first or last.
TEST(EmbeddingGrad, OneIdAlmostEverywhere) {
  for (double id : {0.0, 210.0}) {
    KernelCase c = embeddingGrad(30, 77, 211, 8, "f32");
    std::vector<double> ids(30 * 77, id);
    for (size_t i = 0; i < ids.size(); i += 50)
      ids[i] = i % 211;
    c.given = {{1, ids}};
    checkKernel(c);
  }
}

// CLIP's vocabulary with texts as they are: a start token, a few words, an end token, padding.
TEST(EmbeddingGrad, WholeVocabulary) {
  KernelCase c = embeddingGrad(64, 77, 49408, 8, "f32");
  std::vector<double> ids(64 * 77, 0);
  for (int text = 0; text < 64; ++text) {
    int words = 5 + text % 20;
    for (int i = 1; i <= words; ++i)
      ids[text * 77 + i] = (text * 7919 + i * i * 31) % 49406;
    ids[text * 77] = 49406;
    ids[text * 77 + words + 1] = 49407;
  }
  c.given = {{1, ids}};
  checkKernel(c);
}

// Addends that are not finite stay in their row.
TEST(EmbeddingGrad, NotFinite) {
  KernelCase c = embeddingGrad(2, 3, 4, 4, "f32");
  std::vector<double> gradient(24, 1.0);
  gradient[5] = NAN;
  gradient[10] = INFINITY;
  c.given = {{0, gradient}, {1, {0, 1, 2, 3, 2, 0}}};
  checkKernel(c);
}

TEST(MatchTargets, SharesMassAmongEqualIds) {
  for (auto [rows, columns] : {std::pair(1, 1), {7, 18}, {5, 132}, {33, 64}}) {
    auto text = [&](const char *t) { return with(t, {{"R", rows}, {"C", columns}}); };
    checkKernel({"match_targets",
                 {text("Rxi32"), text("Cxi32")},
                 text("%y = vlp.match_targets %a0, %a1 : (tensor<Rxi32>, tensor<Cxi32>) -> tensor<RxCxf32>"),
                 {"%y"},
                 {text("RxCxf32")},
                 12});
  }
  // A row without a match, and the square case on one operand.
  KernelCase c = {"match_targets",
                  {"2xi32", "5xi32"},
                  "%y = vlp.match_targets %a0, %a1 : (tensor<2xi32>, tensor<5xi32>) -> tensor<2x5xf32>",
                  {"%y"},
                  {"2x5xf32"}};
  c.given = {{0, {7, 1}}, {1, {1, 2, 1, 3, 1}}};
  checkKernel(c);
  checkKernel({"match_targets",
               {"20xi32"},
               "%y = vlp.match_targets %a0, %a0 : (tensor<20xi32>, tensor<20xi32>) -> tensor<20x20xf32>",
               {"%y"},
               {"20x20xf32"}});
}

} // namespace
