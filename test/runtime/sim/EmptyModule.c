/* Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A code section of one kernel that does nothing; of the version VLP_TEST_VERSION. */
#include "runtime/format/SimABI.h"

static void nothing(vlp_sim_context *context, const uint64_t *parameters) { (void)context, (void)parameters; }

static const vlp_sim_kernel kernels[] = {{"nothing", nothing, nothing, 0, 0, 0}};
static const char *const sites[] = {"an instruction"};
const vlp_sim_module vlp_sim_module_table __asm__("vlp_sim_module") = {VLP_TEST_VERSION, 1, kernels, 1, sites, 0, 0};
