// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The toy's kernels as passes/Sim would write them: blocks of 32 threads, once plain and once with every access to
// memory reported. Some are wrong on purpose. See GpuToy.h.
#include "runtime/format/SimABI.h"

namespace {

/// The toy's sizes, as in test/runtime/core/TestModule.h.
constexpr int kBatch = 3, kWidth = 37, kText = 5, kWide = 20000;

/// A thread of a block; `checked` as in the engine's options.
template <bool checked>
struct Device {
  vlp_sim_context *context;
  const uint64_t *parameters;

  uint32_t index() const { return context->block * context->threads + context->thread; }
  template <typename T>
  T load(int parameter, uint32_t element) const {
    T *address = reinterpret_cast<T *>(parameters[parameter]) + element;
    if (checked)
      context->calls->access(context, uint32_t(parameter), address, sizeof(T), VLP_SIM_READ | VLP_SIM_GLOBAL,
                             sizeof(T));
    return *address;
  }
  template <typename T>
  void store(int parameter, uint32_t element, T value) const {
    T *address = reinterpret_cast<T *>(parameters[parameter]) + element;
    if (checked)
      context->calls->access(context, uint32_t(parameter), address, sizeof(T), VLP_SIM_WRITE | VLP_SIM_GLOBAL,
                             sizeof(T));
    *address = value;
  }
  float *shared(uint32_t element, uint32_t flags) const {
    float *address = reinterpret_cast<float *>(context->shared) + element;
    if (checked)
      context->calls->access(context, 7, address, sizeof(float), flags | VLP_SIM_SHARED, sizeof(float));
    return address;
  }
};

template <bool checked>
void mean(vlp_sim_context *context, const uint64_t *parameters) {
  Device<checked> device{context, parameters};
  uint32_t i = device.index();
  if (i >= kWidth)
    return;
  float sum = 0;
  for (int row = 0; row < kBatch; ++row)
    sum += device.template load<float>(0, uint32_t(row * kWidth) + i);
  device.store(2, i, sum / kBatch + device.template load<float>(1, i));
}

template <bool checked>
void residual(vlp_sim_context *context, const uint64_t *parameters) {
  Device<checked> device{context, parameters};
  if (uint32_t i = device.index(); i < kWidth)
    device.store(2, i, device.template load<float>(1, i) - device.template load<float>(0, i));
}

/// The squares go through shared memory; thread 0 adds them in order.
template <bool checked>
void loss(vlp_sim_context *context, const uint64_t *parameters) {
  Device<checked> device{context, parameters};
  for (uint32_t i = context->thread; i < kWidth; i += context->threads) {
    float value = device.template load<float>(0, i);
    *device.shared(i, VLP_SIM_WRITE) = value * value;
  }
  context->calls->barrier(context, 7);
  if (context->thread != 0)
    return;
  float sum = 0;
  for (uint32_t i = 0; i < kWidth; ++i)
    sum += *device.shared(i, VLP_SIM_READ);
  device.store(1, 0, sum);
  device.store(2, 0, int32_t(sum - sum == 0));
}

template <bool checked>
void step(vlp_sim_context *context, const uint64_t *parameters) {
  Device<checked> device{context, parameters};
  uint32_t i = device.index();
  if (i >= kWidth || !device.template load<int32_t>(2, 0))
    return;
  float moment = 0.9f * device.template load<float>(4, i) + 0.1f * device.template load<float>(0, i);
  device.store(4, i, moment);
  device.store(3, i, device.template load<float>(3, i) - device.template load<float>(1, 0) * moment);
}

template <bool checked>
void count(vlp_sim_context *context, const uint64_t *parameters) {
  Device<checked> device{context, parameters};
  if (device.index() == 0 && device.template load<int32_t>(0, 0))
    device.store(1, 0, device.template load<int32_t>(1, 0) + 1);
}

/// A block is a row, of which thread 0 does it all.
template <bool checked>
void encodeImage(vlp_sim_context *context, const uint64_t *parameters) {
  Device<checked> device{context, parameters};
  if (context->thread != 0)
    return;
  uint32_t row = context->block * kWidth;
  float square = 1e-12f, root = 1, values[kWidth];
  for (uint32_t i = 0; i < kWidth; ++i) {
    values[i] = device.template load<float>(0, row + i) * device.template load<float>(1, i);
    square += values[i] * values[i];
  }
  for (int i = 0; i < 40; ++i)
    root = 0.5f * (root + square / root);
  for (uint32_t i = 0; i < kWidth; ++i)
    device.store(2, row + i, values[i] / root);
}

template <bool checked>
void encodeText(vlp_sim_context *context, const uint64_t *parameters) {
  Device<checked> device{context, parameters};
  for (uint32_t i = context->thread; i < kWidth; i += context->threads) {
    float sum = 0;
    for (uint32_t t = 0; t < kText; ++t)
      sum += device.template load<float>(
          1, (i + uint32_t(device.template load<int32_t>(0, context->block * kText + t))) % kWidth);
    device.store(2, context->block * kWidth + i, sum);
  }
}

template <bool checked>
void increment(vlp_sim_context *context, const uint64_t *parameters) {
  Device<checked> device{context, parameters};
  if (uint32_t i = device.index(); i < 1000)
    device.store(0, i, device.template load<float>(0, i) + 1);
}

/// scale [1], from [wide] -> to [wide] = from * scale + 1
template <bool checked>
void widen(vlp_sim_context *context, const uint64_t *parameters) {
  Device<checked> device{context, parameters};
  if (uint32_t i = device.index(); i < kWide)
    device.store(2, i, device.template load<float>(1, i) * device.template load<float>(0, 0) + 1);
}

/// scale [1] -> to [wide] = scale + i
template <bool checked>
void spread(vlp_sim_context *context, const uint64_t *parameters) {
  Device<checked> device{context, parameters};
  if (uint32_t i = device.index(); i < kWide)
    device.store(1, i, device.template load<float>(0, 0) + float(i));
}

// Wrong ones, with the signature of residual.

/// Writes far behind the arena.
template <bool checked>
void outOfBounds(vlp_sim_context *context, const uint64_t *parameters) {
  Device<checked> device{context, parameters};
  device.store(2, device.index() + (1u << 20), 1.0f);
}

/// Every thread writes the same element.
template <bool checked>
void race(vlp_sim_context *context, const uint64_t *parameters) {
  Device<checked> device{context, parameters};
  device.store(2, 0, float(device.index()));
}

/// Leaves the last element to chance.
template <bool checked>
void forgetful(vlp_sim_context *context, const uint64_t *parameters) {
  Device<checked> device{context, parameters};
  if (uint32_t i = device.index(); i + 1 < kWidth)
    device.store(2, i, 1.0f);
}

#define KERNEL(name, function, parameters, communicates)                                                               \
  { name, function<false>, function<true>, parameters, 32, communicates }
#define LARGE_KERNEL(name, function, parameters)                                                                       \
  { name, function<false>, function<true>, parameters, 512, 0 }

const vlp_sim_kernel kernels[] = {
    KERNEL("toy_mean", mean, 3, 0),
    KERNEL("toy_residual", residual, 3, 0),
    KERNEL("toy_loss", loss, 3, 1),
    KERNEL("toy_step", step, 5, 0),
    KERNEL("toy_count", count, 2, 0),
    KERNEL("toy_encode_image", encodeImage, 3, 0),
    KERNEL("toy_encode_text", encodeText, 3, 0),
    KERNEL("toy_increment", increment, 1, 0),
    KERNEL("toy_widen", widen, 3, 0),
    KERNEL("toy_spread", spread, 2, 0),
    LARGE_KERNEL("toy_large_residual", residual, 3),
    KERNEL("toy_out_of_bounds", outOfBounds, 3, 0),
    KERNEL("toy_race", race, 3, 0),
    KERNEL("toy_forgetful", forgetful, 3, 0),
};
const char *const sites[] = {"argument 0", "argument 1", "argument 2", "argument 3",
                             "argument 4", "argument 5", "argument 6", "shared"};

} // namespace

extern "C" __attribute__((visibility("default")))
const vlp_sim_module vlp_sim_module_table __asm__("vlp_sim_module") = {
    VLP_SIM_VERSION, sizeof kernels / sizeof kernels[0], kernels, sizeof sites / sizeof sites[0], sites, nullptr,
    nullptr};
