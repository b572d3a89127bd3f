// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The toy CLIP's kernels for the simulator: a block is a task, which its first thread computes as the processor does.
#include "runtime/format/SimABI.h"

extern "C" {
void toy_clip_image(void *const *args, int64_t begin, int64_t end, void *scratch);
void toy_clip_text(void *const *args, int64_t begin, int64_t end, void *scratch);
void toy_clip_loss(void *const *args, int64_t begin, int64_t end, void *scratch);
void toy_clip_step(void *const *args, int64_t begin, int64_t end, void *scratch);
}

namespace {

/// Of toy_clip_step, whose launch has one block.
float scratch[(588 + 640) * 16];

template <void (*kernel)(void *const *, int64_t, int64_t, void *), int parameters>
void run(vlp_sim_context *context, const uint64_t *values) {
  if (context->thread != 0)
    return;
  void *args[parameters];
  for (int i = 0; i < parameters; ++i)
    args[i] = reinterpret_cast<void *>(values[i]);
  kernel(args, context->block, int64_t(context->block) + 1, scratch);
}

#define KERNEL(name, parameters)                                                                                       \
  { #name, run < name, parameters>, run < name, parameters>, parameters, 32, 0 }
const vlp_sim_kernel kernels[] = {KERNEL(toy_clip_image, 4), KERNEL(toy_clip_text, 4), KERNEL(toy_clip_loss, 8),
                                  KERNEL(toy_clip_step, 20)};

} // namespace

extern "C" __attribute__((visibility("default")))
const vlp_sim_module vlp_sim_module_table __asm__("vlp_sim_module") = {
    VLP_SIM_VERSION, sizeof kernels / sizeof kernels[0], kernels, 0, nullptr, nullptr, nullptr};
