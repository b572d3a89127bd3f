// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// VLMo among the architectures.
#pragma once

#include "models/common/Architecture.h"

namespace vlp::models {

const Architecture &getVlmoArchitecture();

} // namespace vlp::models
