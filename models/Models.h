// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The architectures that VLPC knows.
#pragma once

#include "models/common/Architecture.h"

namespace vlp::models {

/// All architectures, in the order of lists for the user.
llvm::ArrayRef<const Architecture *> getArchitectures();

/// The architecture that has `preset`, or an error that names the presets most like it.
llvm::Expected<const Architecture *> findPreset(llvm::StringRef preset);

} // namespace vlp::models
