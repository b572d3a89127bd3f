// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Executable meaning of attention.
#include "dialect/VLP/ReferenceSupport.h"

using namespace mlir;
using namespace vlp;

/// One head of one batch item: offset of its first column in a [B, S, D] array, and the sizes.
struct Head {
  int64_t query, key, lse;
  int64_t queries, keys, width, rowPitch;
  bool causal;

  int64_t visibleKeys(int64_t i) const { return causal ? i + 1 : keys; }
};

template <typename OpT, typename T, typename Visitor>
static void forEachHead(OpT op, const Evaluation<T> &e, Visitor visit) {
  int64_t batch = e.in(0).shape[0], queries = e.in(0).shape[1], pitch = e.in(0).shape[2], keys = e.in(1).shape[1];
  int64_t heads = op.getHeads(), width = pitch / heads;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h)
      visit(Head{b * queries * pitch + h * width, b * keys * pitch + h * width, (b * heads + h) * queries, queries,
                 keys, width, pitch, op.getCausal()});
}

template <typename T>
static double dot(const T *a, const T *b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

template <typename T>
static LogicalResult evaluate(AttentionOp op, Evaluation<T> &e) {
  double scale = op.getScale().convertToDouble();
  forEachHead(op, e, [&](const Head &head) {
    std::vector<double> scores(head.keys), sums(head.width);
    for (int64_t i = 0; i < head.queries; ++i) {
      int64_t visible = head.visibleKeys(i), row = head.query + i * head.rowPitch;
      for (int64_t j = 0; j < visible; ++j)
        scores[j] = scale * dot(&e.in(0)[row], &e.in(1)[head.key + j * head.rowPitch], head.width);
      double lse = logSumExp(scores.data(), visible);
      std::fill(sums.begin(), sums.end(), 0.0);
      for (int64_t j = 0; j < visible; ++j) {
        double p = std::exp(scores[j] - lse);
        for (int64_t d = 0; d < head.width; ++d)
          sums[d] += p * e.in(2)[head.key + j * head.rowPitch + d];
      }
      for (int64_t d = 0; d < head.width; ++d)
        e.out()[row + d] = static_cast<T>(sums[d]);
      e.out(1)[head.lse + i] = static_cast<T>(lse);
    }
  });
  return success();
}

template <typename T>
static LogicalResult evaluate(AttentionGradOp op, Evaluation<T> &e) {
  const Array<T> &q = e.in(0), &k = e.in(1), &v = e.in(2), &y = e.in(3), &lse = e.in(4), &dy = e.in(5);
  double scale = op.getScale().convertToDouble();
  std::vector<double> dq(q.size(), 0), dk(k.size(), 0), dv(v.size(), 0);
  forEachHead(op, e, [&](const Head &head) {
    for (int64_t i = 0; i < head.queries; ++i) {
      int64_t row = head.query + i * head.rowPitch;
      double delta = dot(&dy[row], &y[row], head.width);
      for (int64_t j = 0; j < head.visibleKeys(i); ++j) {
        int64_t column = head.key + j * head.rowPitch;
        double p = std::exp(scale * dot(&q[row], &k[column], head.width) - lse[head.lse + i]);
        double ds = scale * p * (dot(&dy[row], &v[column], head.width) - delta);
        for (int64_t d = 0; d < head.width; ++d) {
          dv[column + d] += p * dy[row + d];
          dq[row + d] += ds * k[column + d];
          dk[column + d] += ds * q[row + d];
        }
      }
    }
  });
  auto round = [](double sum) { return static_cast<T>(sum); };
  llvm::transform(dq, e.out(0).values.begin(), round);
  llvm::transform(dk, e.out(1).values.begin(), round);
  llvm::transform(dv, e.out(2).values.begin(), round);
  return success();
}

VLP_REFERENCE(AttentionOp)
VLP_REFERENCE(AttentionGradOp)
