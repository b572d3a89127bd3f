// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// PTX as text.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace vlp::cuda {

/// One module of all kernels of several, in order, that LLVM printed for one chip: one header, and each declaration of
/// external memory once.
llvm::Expected<std::string> mergePTX(llvm::ArrayRef<llvm::StringRef> modules);

/// The least driver that compiles `ptx`, as cuDriverGetVersion says it: 12040 is 12.4. From its line ".version".
llvm::Expected<uint32_t> driverForPTX(llvm::StringRef ptx);

} // namespace vlp::cuda
