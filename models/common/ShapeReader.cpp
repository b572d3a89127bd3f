// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shapes and metadata of a checkpoint.
#include "models/common/ShapeReader.h"
#include <cmath>

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

void ShapeReader::readEps(double &eps) { readReal("ln_eps", eps); }

void ShapeReader::readReal(const char *key, double &number) {
  auto found = metadata.find(key);
  if (found != metadata.end() && StringRef(found->second).getAsDouble(number))
    problems.push_back(std::string("metadata '") + key + "': expected a number, got '" + found->second + "'");
}

VisionTransformerConfig ShapeReader::readVisionTransformer(const std::string &prefix) {
  VisionTransformerConfig config;
  std::vector<int64_t> conv = get(prefix + "patch_embed.proj.weight", 4);
  std::vector<int64_t> positions = get(prefix + "pos_embed", 3);
  config.patch = conv[2];
  config.tower.width = conv[0];
  config.tower.layers = countBlocks(prefix + "blocks.");
  if (config.tower.layers)
    config.tower.mlp = get(prefix + "blocks.0.mlp.fc1.weight", 2)[0];
  config.tower.heads = getNumber({"vision_heads", "heads"}, 0);
  readReal("ln_eps_vit", config.eps);
  int64_t grid = std::llround(std::sqrt(double(std::max<int64_t>(0, positions[1] - 1))));
  config.image = grid * config.patch;
  if (positions[1] && grid * grid + 1 != positions[1])
    problems.push_back("'" + prefix + "pos_embed' has " + std::to_string(positions[1]) +
                       " rows, expected one more than a square number");
  return config;
}

BertConfig ShapeReader::readBert(const std::string &prefix) {
  BertConfig config;
  std::vector<int64_t> words = get(prefix + "embeddings.word_embeddings.weight", 2);
  config.vocabulary = words[0];
  config.tower.width = words[1];
  config.positions = get(prefix + "embeddings.position_embeddings.weight", 2)[0];
  if (shapes.count(prefix + "embeddings.token_type_embeddings.weight"))
    config.tokenTypes = get(prefix + "embeddings.token_type_embeddings.weight", 2)[0];
  config.tower.layers = countBlocks(prefix + "encoder.layer.");
  if (config.tower.layers)
    config.tower.mlp = get(prefix + "encoder.layer.0.intermediate.dense.weight", 2)[0];
  config.tower.heads = getNumber({"text_heads", "heads"}, 0);
  auto hasCross = [&](int64_t layer) {
    return shapes.count(prefix + "encoder.layer." + std::to_string(layer) + ".crossattention.self.query.weight") > 0;
  };
  while (config.firstCross < config.tower.layers && !hasCross(config.firstCross))
    ++config.firstCross;
  readReal("ln_eps_text", config.eps);
  return config;
}
