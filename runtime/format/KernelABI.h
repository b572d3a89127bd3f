/* Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How the runtime calls compiled CPU kernels. Shared by the compiler, which emits this signature, and the runtime. */
#ifndef VLP_RUNTIME_FORMAT_KERNELABI_H
#define VLP_RUNTIME_FORMAT_KERNELABI_H

#include <stdint.h>

/* A kernel computes the tasks begin <= t < end of a launch. `args` holds one base pointer per launch argument, each
   aligned to at least 64 bytes at its slot's start unless the slot is a view into a larger tensor (then to 4 bytes).
   `scratch` is private to the calling thread, 64-byte aligned, of the size that the launch states, and holds garbage on
   entry. Kernels keep no state of their own and call nothing. */
typedef void (*vlp_cpu_kernel)(void *const *args, int64_t begin, int64_t end, void *scratch);

/* Every slot starts at a multiple of this many bytes within its region. */
#define VLP_SLOT_ALIGNMENT 64

#endif
