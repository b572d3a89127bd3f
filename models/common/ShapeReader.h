// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reads a model's sizes off a checkpoint: from its tensors' shapes, and from metadata what shapes do not show.
#pragma once

#include "models/common/Bert.h"
#include "models/common/VisionTransformer.h"
#include <map>

namespace vlp::models {

/// Collects what is wrong while it reads.
class ShapeReader {
public:
  using Shapes = std::map<std::string, std::vector<int64_t>>;
  using Metadata = std::map<std::string, std::string>;
  ShapeReader(const Shapes &shapes, const Metadata &metadata) : shapes(shapes), metadata(metadata) {}

  /// The shape of `name`, of `rank` dimensions; zeros if it is missing or of another rank.
  std::vector<int64_t> get(const std::string &name, size_t rank);
  /// One more than the largest N of `prefix`N.
  int64_t countBlocks(llvm::StringRef prefix) const;
  /// A tower of `width` whose blocks are `prefix`N. Its heads: the first of the metadata `headKeys` that is there.
  TowerConfig readTower(const std::string &prefix, int64_t width, std::initializer_list<const char *> headKeys);

  /// A whole number above 0 in the first of the metadata `keys` that is there, else `otherwise`.
  int64_t getNumber(std::initializer_list<const char *> keys, int64_t otherwise);
  /// A number in the metadata `key`, where it is there.
  void readReal(const char *key, double &number);
  /// What timm's names below `prefix` say, and the metadata vision_heads or heads, ln_eps_vit.
  VisionTransformerConfig readVisionTransformer(const std::string &prefix);
  /// What BERT's names below `prefix` say, and the metadata text_heads or heads, ln_eps_text.
  BertConfig readBert(const std::string &prefix);
  /// Metadata 'act' and 'ln_eps', where they are there.
  void readActivation(Activation &activation);
  void readEps(double &eps);

  std::vector<std::string> problems;

private:
  const Shapes &shapes;
  const Metadata &metadata;
};

} // namespace vlp::models
