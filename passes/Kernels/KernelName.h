// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Names of kernels that follow from their structure alone.
#pragma once

#include "dialect/VLP/VLP.h"
#include <string>

namespace vlp {

/// Everything about `kernel` that its code depends on, as text: anchor, types, attributes, body; no locations, no value
/// names.
std::string getCanonicalText(KernelOp kernel);

/// `anchor_shape_hash`: the shape of the largest result of the anchor, and the first 8 hex digits of the SHA-256 of the
/// canonical text. A valid C identifier.
std::string getKernelSymbol(KernelOp kernel);

/// The attribute that vlp-deduplicate-kernels sets.
inline constexpr llvm::StringLiteral kKernelSymbolAttr = "vlp.symbol";

} // namespace vlp
