// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Weight decay's rules.
#include "models/common/DecayRules.h"
#include "llvm/ADT/StringRef.h"

using namespace vlp;
using llvm::StringRef;

bool models::decaysAsInOpenClip(StringRef name, llvm::ArrayRef<int64_t> shape) {
  return shape.size() >= 2 && !name.contains("bn") && !name.contains("ln") && !name.contains("bias") &&
         !name.contains("logit_scale");
}

bool models::decaysAsInAlbef(StringRef name, llvm::ArrayRef<int64_t> shape) {
  return shape.size() != 1 && !name.ends_with(".bias");
}

bool models::decaysAlways(StringRef, llvm::ArrayRef<int64_t>) { return true; }

bool models::decaysAsInVlmo(StringRef name, llvm::ArrayRef<int64_t>) {
  for (const char *part : {"bias", "LayerNorm.weight", "norm.weight", "norm1.weight", "norm2.weight"})
    if (name.contains(part))
      return false;
  return true;
}
