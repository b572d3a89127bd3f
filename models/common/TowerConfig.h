// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sizes of one transformer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace vlp::models {

struct TowerConfig {
  int64_t width = 0;
  int64_t layers = 0;
  /// 0: heads of 64 columns, as OpenAI's models have.
  int64_t heads = 0;
  /// Width of the hidden layer; 0: four times the width.
  int64_t mlp = 0;

  int64_t getHeads() const { return heads ? heads : std::max<int64_t>(1, width / 64); }
  int64_t getMlp() const { return mlp ? mlp : 4 * width; }

  /// Says if the heads do not divide the width; `name`: of the tower in messages.
  void check(const std::string &name, std::vector<std::string> &problems) const;
};

} // namespace vlp::models
