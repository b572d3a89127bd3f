// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shapes and metadata of a checkpoint.
#include "models/common/ShapeReader.h"

using namespace vlp;
using namespace vlp::models;
using llvm::StringRef;

std::vector<int64_t> ShapeReader::get(const std::string &name, size_t rank) {
  auto found = shapes.find(name);
  if (found == shapes.end())
    problems.push_back("'" + name + "' is missing");
  else if (found->second.size() != rank)
    problems.push_back("'" + name + "' has " + std::to_string(found->second.size()) + " dimensions, expected " +
                       std::to_string(rank));
  else
    return found->second;
  return std::vector<int64_t>(rank, 0);
}

int64_t ShapeReader::countBlocks(StringRef prefix) const {
  int64_t count = 0;
  for (auto &[name, shape] : shapes) {
    StringRef rest(name);
    int64_t index;
    if (rest.consume_front(prefix) && !rest.consumeInteger(10, index))
      count = std::max(count, index + 1);
  }
  return count;
}

TowerConfig ShapeReader::readTower(const std::string &prefix, int64_t width,
                                   std::initializer_list<const char *> headKeys) {
  TowerConfig tower;
  tower.width = width;
  tower.layers = countBlocks(prefix);
  if (tower.layers)
    tower.mlp = get(prefix + "0.mlp.c_fc.weight", 2)[0];
  tower.heads = getNumber(headKeys, 0);
  return tower;
}

int64_t ShapeReader::getNumber(std::initializer_list<const char *> keys, int64_t otherwise) {
  for (const char *key : keys) {
    auto found = metadata.find(key);
    if (found == metadata.end())
      continue;
    int64_t number;
    if (!StringRef(found->second).getAsInteger(10, number) && number > 0)
      return number;
    problems.push_back(std::string("metadata '") + key + "': expected a number of heads, got '" + found->second + "'");
    break;
  }
  return otherwise;
}

void ShapeReader::readActivation(Activation &activation) {
  auto act = metadata.find("act");
  if (act != metadata.end() && !parseActivation(act->second, activation))
    problems.push_back("metadata 'act': expected gelu or quick_gelu, got '" + act->second + "'");
}

void ShapeReader::readEps(double &eps) {
  auto found = metadata.find("ln_eps");
  if (found != metadata.end() && StringRef(found->second).getAsDouble(eps))
    problems.push_back("metadata 'ln_eps': expected a number, got '" + found->second + "'");
}
