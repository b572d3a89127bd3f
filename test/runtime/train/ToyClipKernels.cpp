// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Hand-written kernels of a toy CLIP that learns: a linear picture tower and the mean of token embeddings, in f32. See
// ToyClip.h.
#include "runtime/format/KernelABI.h"

namespace {
constexpr int64_t B = 8, T = 8, E = 16, P = 3 * 14 * 14, V = 640;

template <typename R>
R *at(void *const *args, int index) {
  return static_cast<R *>(args[index]);
}

float squareRoot(float x) {
  float root = x > 1 ? x : 1;
  for (int i = 0; i < 60; ++i)
    root = 0.5f * (root + x / root);
  return root;
}

/// e^x by halving the argument and squaring back; enough for a toy.
float exponential(float x) {
  if (!(x > -80))
    return x == x ? 0 : x;
  float y = x / 256, sum = 1 + y * (1 + y * (0.5f + y * (1.0f / 6 + y / 24)));
  for (int i = 0; i < 8; ++i)
    sum *= sum;
  return sum;
}

float logarithm(float x) {
  float y = 0;
  for (int i = 0; i < 60; ++i) {
    float e = exponential(y);
    y += 2 * (x - e) / (x + e);
  }
  return y;
}

bool isFinite(float x) { return x - x == 0; }

void normalise(float *row, float *norm) {
  float square = 1e-12f;
  for (int64_t e = 0; e < E; ++e)
    square += row[e] * row[e];
  *norm = squareRoot(square);
  for (int64_t e = 0; e < E; ++e)
    row[e] /= *norm;
}

/// The gradient before normalisation from the one after it.
void normaliseBack(const float *row, float norm, float *gradient) {
  float along = 0;
  for (int64_t e = 0; e < E; ++e)
    along += row[e] * gradient[e];
  for (int64_t e = 0; e < E; ++e)
    gradient[e] = (gradient[e] - row[e] * along) / norm;
}
} // namespace

extern "C" {

/// image [B, P], projection [P, E] -> embedding [B, E], norm [B]. A task is a row.
void toy_clip_image(void *const *args, int64_t begin, int64_t end, void *) {
  const float *image = at<float>(args, 0), *projection = at<float>(args, 1);
  float *embedding = at<float>(args, 2), *norm = at<float>(args, 3);
  for (int64_t b = begin; b < end; ++b) {
    for (int64_t e = 0; e < E; ++e)
      embedding[b * E + e] = 0;
    for (int64_t p = 0; p < P; ++p)
      for (int64_t e = 0; e < E; ++e)
        embedding[b * E + e] += image[b * P + p] * projection[p * E + e];
    normalise(embedding + b * E, norm + b);
  }
}

/// text [B, T], table [V, E] -> embedding [B, E], norm [B]. A task is a row.
void toy_clip_text(void *const *args, int64_t begin, int64_t end, void *) {
  const int32_t *text = at<int32_t>(args, 0);
  const float *table = at<float>(args, 1);
  float *embedding = at<float>(args, 2), *norm = at<float>(args, 3);
  for (int64_t b = begin; b < end; ++b) {
    for (int64_t e = 0; e < E; ++e) {
      embedding[b * E + e] = 0;
      for (int64_t t = 0; t < T; ++t)
        embedding[b * E + e] += table[text[b * T + t] * E + e];
    }
    normalise(embedding + b * E, norm + b);
  }
}

/// One direction of the loss: its value, and its gradients to query and key embeddings added to `dq` and `dk`.
static float direction(const float *q, const float *k, const int32_t *pair, float scale, float *dq, float *dk) {
  float loss = 0;
  for (int64_t i = 0; i < B; ++i) {
    float s[B], sum = 0, positives = 0;
    for (int64_t j = 0; j < B; ++j) {
      s[j] = 0;
      for (int64_t e = 0; e < E; ++e)
        s[j] += scale * q[i * E + e] * k[j * E + e];
      positives += pair[i] == pair[j];
    }
    for (int64_t j = 0; j < B; ++j)
      sum += exponential(s[j] - scale);
    float logSum = logarithm(sum) + scale;
    for (int64_t j = 0; j < B; ++j) {
      float target = (pair[i] == pair[j]) / positives;
      loss += target * (logSum - s[j]) / (2 * B);
      float ds = (exponential(s[j] - logSum) - target) * scale / (2 * B);
      for (int64_t e = 0; e < E; ++e) {
        dq[i * E + e] += ds * k[j * E + e];
        dk[j * E + e] += ds * q[i * E + e];
      }
    }
  }
  return loss;
}

/// images [B, E], texts [B, E], pair [B], logit_scale -> loss, scale, dImages [B, E], dTexts [B, E]
void toy_clip_loss(void *const *args, int64_t, int64_t, void *) {
  const float *images = at<float>(args, 0), *texts = at<float>(args, 1);
  float *dImages = at<float>(args, 6), *dTexts = at<float>(args, 7);
  float scale = exponential(*at<float>(args, 3));
  for (int64_t i = 0; i < B * E; ++i)
    dImages[i] = dTexts[i] = 0;
  const int32_t *pair = at<int32_t>(args, 2);
  *at<float>(args, 4) =
      direction(images, texts, pair, scale, dImages, dTexts) + direction(texts, images, pair, scale, dTexts, dImages);
  *at<float>(args, 5) = scale;
}

/// image, text, images [B, E], norms [B], texts [B, E], norms [B], dImages, dTexts, loss, rate, warm-up, total,
/// -> projection [P, E], table [V, E], their moments, step, grad_norm, learning rate, finite. Gradients lie in the
/// scratch.
void toy_clip_step(void *const *args, int64_t, int64_t, void *scratch) {
  const float *image = at<float>(args, 0);
  const int32_t *text = at<int32_t>(args, 1);
  float *dImages = at<float>(args, 6), *dTexts = at<float>(args, 7), *gradient = static_cast<float *>(scratch);
  for (int64_t i = 0; i < (P + V) * E; ++i)
    gradient[i] = 0;
  for (int64_t b = 0; b < B; ++b) {
    normaliseBack(at<float>(args, 2) + b * E, at<float>(args, 3)[b], dImages + b * E);
    normaliseBack(at<float>(args, 4) + b * E, at<float>(args, 5)[b], dTexts + b * E);
    for (int64_t e = 0; e < E; ++e) {
      for (int64_t p = 0; p < P; ++p)
        gradient[p * E + e] += image[b * P + p] * dImages[b * E + e];
      for (int64_t t = 0; t < T; ++t)
        gradient[(P + text[b * T + t]) * E + e] += dTexts[b * E + e];
    }
  }
  float square = 0, step = float(*at<int32_t>(args, 16)), warmup = *at<float>(args, 10), total = *at<float>(args, 11);
  for (int64_t i = 0; i < (P + V) * E; ++i)
    square += gradient[i] * gradient[i];
  bool finite = isFinite(square) && isFinite(*at<float>(args, 8));
  float rate = *at<float>(args, 9) * (step < warmup ? (step + 1) / warmup : step < total ? 1 - step / total : 0);
  *at<float>(args, 17) = finite ? squareRoot(square) : square;
  *at<float>(args, 18) = rate;
  *at<int32_t>(args, 19) = finite;
  if (!finite)
    return;
  for (int part = 0; part < 2; ++part) {
    float *values = at<float>(args, 12 + part), *moments = at<float>(args, 14 + part);
    const float *own = gradient + (part ? P * E : 0);
    for (int64_t i = 0; i < (part ? V : P) * E; ++i) {
      moments[i] = 0.9f * moments[i] + own[i];
      values[i] -= rate * moments[i];
    }
  }
  ++*at<int32_t>(args, 16);
}

} // extern "C"
