// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tensor-core products and matrix loads, many in one call: the simulator's warps meet once for all of them.
#pragma once

#include "passes/Sim/EngineCalls.h"

namespace vlp::sim {

/// Whether `instruction` is an mma or ldmatrix that the simulator knows.
bool isMatrixOperation(const llvm::Instruction &instruction);

/// Replaces the mma and ldmatrix instructions of `function`. Those of a basic block that may be put off until the last
/// one's place come in one call: products until somebody needs a result, loads also until something writes memory or
/// waits.
void batchMatrixOperations(EngineCalls &calls);

} // namespace vlp::sim
