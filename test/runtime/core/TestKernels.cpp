// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Hand-written kernels of a toy model, built into a shared object like those that the compiler emits. See TestModule.h.
#include "runtime/format/KernelABI.h"

namespace {
/// The toy's sizes, as in TestModule.h.
constexpr int64_t kBatch = 3, kWidth = 37, kText = 5;

template <typename T>
T *at(void *const *args, int index) {
  return static_cast<T *>(args[index]);
}
} // namespace

extern "C" {

/// image [batch, width], bias [width] -> mean [width]. A task is a column; the scratch holds the column.
void toy_mean(void *const *args, int64_t begin, int64_t end, void *scratch) {
  const float *image = at<float>(args, 0), *bias = at<float>(args, 1);
  float *mean = at<float>(args, 2), *column = static_cast<float *>(scratch);
  for (int64_t i = begin; i < end; ++i) {
    for (int64_t row = 0; row < kBatch; ++row)
      column[row] = image[row * kWidth + i];
    float sum = 0;
    for (int64_t row = 0; row < kBatch; ++row)
      sum += column[row];
    mean[i] = sum / kBatch + bias[i];
  }
}

/// mean [width], weight [width] -> residual [width]
void toy_residual(void *const *args, int64_t begin, int64_t end, void *) {
  const float *mean = at<float>(args, 0), *weight = at<float>(args, 1);
  float *residual = at<float>(args, 2);
  for (int64_t i = begin; i < end; ++i)
    residual[i] = weight[i] - mean[i];
}

/// residual [width] -> loss, finite
void toy_loss(void *const *args, int64_t, int64_t, void *) {
  const float *residual = at<float>(args, 0);
  float sum = 0;
  for (int64_t i = 0; i < kWidth; ++i)
    sum += residual[i] * residual[i];
  *at<float>(args, 1) = sum;
  *at<int32_t>(args, 2) = sum - sum == 0;
}

/// residual [width], learning rate, finite -> weight [width], moment [width], in place unless the loss is not finite
void toy_step(void *const *args, int64_t begin, int64_t end, void *) {
  const float *residual = at<float>(args, 0), *rate = at<float>(args, 1);
  float *weight = at<float>(args, 3), *moment = at<float>(args, 4);
  if (!*at<int32_t>(args, 2))
    return;
  for (int64_t i = begin; i < end; ++i) {
    moment[i] = 0.9f * moment[i] + 0.1f * residual[i];
    weight[i] -= *rate * moment[i];
  }
}

/// finite -> step
void toy_count(void *const *args, int64_t, int64_t, void *) {
  if (*at<int32_t>(args, 0))
    ++*at<int32_t>(args, 1);
}

/// image [batch, width], weight [width] -> embedding [batch, width] of length 1 by Newton's square root. A task is a
/// row.
void toy_encode_image(void *const *args, int64_t begin, int64_t end, void *) {
  const float *image = at<float>(args, 0), *weight = at<float>(args, 1);
  float *embedding = at<float>(args, 2);
  for (int64_t row = begin; row < end; ++row) {
    float square = 1e-12f, root = 1;
    for (int64_t i = 0; i < kWidth; ++i) {
      float value = image[row * kWidth + i] * weight[i];
      embedding[row * kWidth + i] = value;
      square += value * value;
    }
    for (int i = 0; i < 40; ++i)
      root = 0.5f * (root + square / root);
    for (int64_t i = 0; i < kWidth; ++i)
      embedding[row * kWidth + i] /= root;
  }
}

/// text [batch, length], weight [width] -> embedding [batch, width]. A task is a row.
void toy_encode_text(void *const *args, int64_t begin, int64_t end, void *) {
  const int32_t *text = at<int32_t>(args, 0);
  const float *weight = at<float>(args, 1);
  float *embedding = at<float>(args, 2);
  for (int64_t row = begin; row < end; ++row)
    for (int64_t i = 0; i < kWidth; ++i) {
      float sum = 0;
      for (int64_t t = 0; t < kText; ++t)
        sum += weight[(i + text[row * kText + t]) % kWidth];
      embedding[row * kWidth + i] = sum;
    }
}

/// Adds one to each element of [tasks]: a launch with next to no work.
void toy_increment(void *const *args, int64_t begin, int64_t end, void *) {
  float *values = at<float>(args, 0);
  for (int64_t i = begin; i < end; ++i)
    values[i] += 1;
}

} // extern "C"
