// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The JSON header of a safetensors file, read event by event so that a hostile one is refused before it takes memory.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace vlp {

struct SafetensorsHeader {
  struct Tensor {
    std::string name, type;
    std::vector<uint64_t> shape, offsets;
  };
  std::vector<Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Reads `json`, which must hold exactly one object of the expected form. Returns an empty string, or what is wrong and
/// where.
std::string parseSafetensorsHeader(std::string_view json, SafetensorsHeader &header);

} // namespace vlp
