// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A mark for functions that call compiled kernels.
#pragma once

/// UBSan's check of indirect calls reads what lies before a function, where generated code has nothing, or no page.
#if defined(__clang__)
#define VLP_CALLS_GENERATED_CODE __attribute__((no_sanitize("function")))
#else
#define VLP_CALLS_GENERATED_CODE
#endif
