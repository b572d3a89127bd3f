// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Executable meaning of attention.
#include "dialect/VLP/ReferenceSupport.h"

using namespace mlir;
using namespace vlp;

/// One head of one batch item: offsets of its first elements in arrays [B, S, D], [B, H, Sq], [B, H, Sq, Sk] and the
/// mask, and the sizes.
struct Head {
  int64_t query, key, lse, scores, mask;
  int64_t queries, keys, width, rowPitch;
  bool causal;

  int64_t visibleKeys(int64_t i) const { return causal ? i + 1 : keys; }
};

/// What is added to scaled scores, where there is a mask.
template <typename T>
class Mask {
public:
  template <typename OpT>
  Mask(OpT op, const Evaluation<T> &e) {
    if (!op.getMask())
      return;
    array = &e.in(op.getMaskMutable().begin()->getOperandNumber());
    strides = broadcastStrides(
        array->shape, {e.in(0).shape[0], static_cast<int64_t>(op.getHeads()), e.in(0).shape[1], e.in(1).shape[1]});
  }
  int64_t start(int64_t b, int64_t h) const { return b * strides[0] + h * strides[1]; }
  double at(const Head &head, int64_t i, int64_t j) const {
    return array ? static_cast<double>((*array)[head.mask + i * strides[2] + j * strides[3]]) : 0;
  }

private:
  const Array<T> *array = nullptr;
  SmallVector<int64_t> strides = {0, 0, 0, 0};
};

template <typename OpT, typename T, typename Visitor>
static void forEachHead(OpT op, const Evaluation<T> &e, const Mask<T> &mask, Visitor visit) {
  int64_t batch = e.in(0).shape[0], queries = e.in(0).shape[1], pitch = e.in(0).shape[2], keys = e.in(1).shape[1];
  int64_t heads = op.getHeads(), width = pitch / heads;
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h)
      visit(Head{b * queries * pitch + h * width, b * keys * pitch + h * width, (b * heads + h) * queries,
                 (b * heads + h) * queries * keys, mask.start(b, h), queries, keys, width, pitch, op.getCausal()});
}

template <typename T>
static double dot(const T *a, const T *b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

/// e^(score - lse); zero for a query that sees no key, whose lse is minus infinity.
static double weight(double score, double lse) { return lse == -INFINITY ? 0 : std::exp(score - lse); }

template <typename T>
static LogicalResult evaluate(AttentionOp op, Evaluation<T> &e) {
  double scale = op.getScale().convertToDouble();
  Mask<T> mask(op, e);
  forEachHead(op, e, mask, [&](const Head &head) {
    std::vector<double> scores(head.keys), sums(head.width);
    for (int64_t i = 0; i < head.queries; ++i) {
      int64_t visible = head.visibleKeys(i), row = head.query + i * head.rowPitch;
      for (int64_t j = 0; j < visible; ++j)
        scores[j] =
            scale * dot(&e.in(0)[row], &e.in(1)[head.key + j * head.rowPitch], head.width) + mask.at(head, i, j);
      double lse = logSumExp(scores.data(), visible);
      std::fill(sums.begin(), sums.end(), 0.0);
      for (int64_t j = 0; j < visible; ++j) {
        double p = weight(scores[j], lse);
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
  Mask<T> mask(op, e);
  forEachHead(op, e, mask, [&](const Head &head) {
    for (int64_t i = 0; i < head.queries; ++i) {
      int64_t row = head.query + i * head.rowPitch;
      double delta = dot(&dy[row], &y[row], head.width);
      for (int64_t j = 0; j < head.visibleKeys(i); ++j) {
        int64_t column = head.key + j * head.rowPitch;
        double score = scale * dot(&q[row], &k[column], head.width) + mask.at(head, i, j);
        double p = weight(score, lse[head.lse + i]);
        double ds = p * (dot(&dy[row], &v[column], head.width) - delta);
        for (int64_t d = 0; d < head.width; ++d) {
          dv[column + d] += p * dy[row + d];
          dq[row + d] += scale * ds * k[column + d];
          dk[column + d] += scale * ds * q[row + d];
        }
        if (op.getMask())
          e.out(3)[head.scores + i * head.keys + j] = static_cast<T>(ds);
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
