// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Executable meaning of optimizer ops.
#include "dialect/VLP/ReferenceSupport.h"

using namespace mlir;
using namespace vlp;

template <typename T>
static LogicalResult evaluate(GlobalNormOp, Evaluation<T> &e) {
  double squares = 0;
  for (const Array<T> *in : e.operands)
    for (T x : in->values)
      squares += static_cast<double>(x) * x;
  e.out()[0] = static_cast<T>(std::sqrt(squares));
  return success();
}

template <typename T>
static LogicalResult evaluate(ClipFactorOp, Evaluation<T> &e) {
  T norm = e.in(0)[0], bound = e.in(1)[0], factor = bound / (norm + T(1e-6));
  // A NaN norm gives NaN: the comparison is false.
  e.out()[0] = bound == 0 || factor > 1 ? T(1) : factor;
  return success();
}

template <typename T>
static LogicalResult evaluate(AllFiniteOp, Evaluation<T> &e) {
  e.out().ints[0] = llvm::all_of(e.operands, [](const Array<T> *in) { return std::isfinite((*in)[0]); });
  return success();
}

template <typename T>
static LogicalResult evaluate(WarmupCosineOp, Evaluation<T> &e) {
  double step = e.in(0).ints[0], peak = e.in(1)[0], warmup = e.in(2)[0], total = e.in(3)[0];
  double progress = total > warmup ? std::min(1.0, (step - warmup) / (total - warmup)) : 1;
  double rate = step < warmup ? peak * (step + 1) / warmup : peak * (1 + std::cos(M_PI * progress)) / 2;
  e.out()[0] = static_cast<T>(rate);
  return success();
}

template <typename T>
static LogicalResult evaluate(AdamWOp op, Evaluation<T> &e) {
  bool enabled = e.in(11).ints[0] != 0;
  double step = e.in(4).ints[0];
  T rate = e.in(5)[0], beta1 = e.in(6)[0], beta2 = e.in(7)[0], eps = e.in(8)[0], scale = e.in(10)[0];
  T decay = op.getDecay() ? e.in(9)[0] : T(0);
  // Bias corrections are scalars of the step: in double, since 1 - beta2^t loses most of its digits in f32.
  double correction1 = 1 - std::pow(static_cast<double>(beta1), step);
  T correction2 = static_cast<T>(1 - std::pow(static_cast<double>(beta2), step));
  T stepSize = static_cast<T>(rate / correction1);
  for (int64_t i = 0; i < e.out().size(); ++i) {
    T p = e.in(0)[i], m = e.in(2)[i], v = e.in(3)[i];
    if (enabled) {
      T g = e.in(1)[i] * scale;
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      p = p * (1 - rate * decay) - stepSize * m / (std::sqrt(v / correction2) + eps);
    }
    e.out(0)[i] = p;
    e.out(1)[i] = m;
    e.out(2)[i] = v;
  }
  return success();
}

template <typename T>
static LogicalResult evaluate(ClampOp, Evaluation<T> &e) {
  T lower = e.in(1)[0], upper = e.in(2)[0];
  // NaN passes through: both comparisons are false.
  llvm::transform(e.in(0).values, e.out().values.begin(), [&](T x) {
    T raised = x < lower ? lower : x;
    return raised > upper ? upper : raised;
  });
  return success();
}

VLP_REFERENCE(GlobalNormOp)
VLP_REFERENCE(ClipFactorOp)
VLP_REFERENCE(AllFiniteOp)
VLP_REFERENCE(WarmupCosineOp)
VLP_REFERENCE(AdamWOp)
VLP_REFERENCE(ClampOp)
