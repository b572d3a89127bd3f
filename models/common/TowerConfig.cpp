// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The constraint of a tower's sizes.
#include "models/common/TowerConfig.h"

using namespace vlp::models;

void TowerConfig::check(const std::string &name, std::vector<std::string> &problems) const {
  if (width > 0 && width % getHeads())
    problems.push_back(name + ".width = " + std::to_string(width) + " is no multiple of " + name +
                       ".heads = " + std::to_string(getHeads()));
}
