// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sizes by name, their constraints, and how they follow from a checkpoint.
#include "models/vlmo/VlmoConfig.h"

#include "models/common/ShapeReader.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace vlp;
using namespace vlp::models;

static const SizeTable<VlmoConfig> &getSizeTable() {
  static const SizeTable<VlmoConfig> table = {
      {"image", "pixels of a picture's side", [](VlmoConfig &c) -> int64_t & { return c.image; }},
      {"patch", "pixels of a patch's side", [](VlmoConfig &c) -> int64_t & { return c.patch; }},
      {"width", "width of the transformer", [](VlmoConfig &c) -> int64_t & { return c.tower.width; }},
      {"layers", "blocks of the transformer", [](VlmoConfig &c) -> int64_t & { return c.tower.layers; }},
      {"heads", "heads of the transformer; 0: width / 64", [](VlmoConfig &c) -> int64_t & { return c.tower.heads; }},
      {"mlp", "hidden width of the experts; 0: 4 width", [](VlmoConfig &c) -> int64_t & { return c.tower.mlp; }},
      {"pair.layers", "the first layer with an expert of pairs",
       [](VlmoConfig &c) -> int64_t & { return c.firstPair; }},
      {"vocab", "entries of the token embedding", [](VlmoConfig &c) -> int64_t & { return c.vocabulary; }},
      {"context", "tokens that a text may have", [](VlmoConfig &c) -> int64_t & { return c.context; }},
  };
  return table;
}

std::vector<std::pair<std::string, std::string>> VlmoConfig::getSettings() {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const Size<VlmoConfig> &size : getSizeTable())
    settings.emplace_back(size.name, size.meaning);
  return settings;
}

std::map<std::string, double> VlmoConfig::getSizes() const {
  VlmoConfig copy = *this;
  copy.tower.heads = tower.getHeads(), copy.tower.mlp = tower.getMlp();
  std::map<std::string, double> sizes = valuesOf(getSizeTable(), copy);
  sizes["relative_tokens"] = double(relativeTokens);
  sizes["layer_scale"] = double(layerScale);
  return sizes;
}

llvm::Error VlmoConfig::apply(const Settings &settings) {
  std::vector<std::string> problems, known;
  for (auto &[name, meaning] : getSettings())
    known.push_back(name);
  for (auto &[name, text] : settings)
    setSize(getSizeTable(), *this, name, text, known, problems);
  return problems.empty() ? llvm::Error::success() : makeError("--set: " + llvm::join(problems, "; "));
}

llvm::Error VlmoConfig::verify() const {
  std::vector<std::string> problems;
  checkSizes(getSizeTable(), *this, problems);
  tower.check("tower", problems);
  if (patch > 0 && image % patch)
    problems.push_back("image = " + std::to_string(image) + " is no multiple of patch = " + std::to_string(patch));
  if (firstPair > tower.layers)
    problems.push_back("pair.layers = " + std::to_string(firstPair) +
                       ", expected at most layers = " + std::to_string(tower.layers));
  if (relativeTokens && context > relativeTokens)
    problems.push_back("context = " + std::to_string(context) + ", expected at most " + std::to_string(relativeTokens) +
                       ": what the relative positions reach");
  return problems.empty() ? llvm::Error::success() : makeError("no such VLMo model: " + llvm::join(problems, "; "));
}

/// The relative positions' and the picture's sizes from the table, which is [distances, layers x heads].
static void readTable(ShapeReader &reader, int64_t grid, VlmoConfig &config) {
  std::vector<int64_t> table = reader.get("relative_position_bias_table", 2);
  config.image = grid * config.patch;
  int64_t tokens = table[0] - config.getPictureDistances() - 2;
  config.relativeTokens = tokens / 2;
  if (tokens < 2 || tokens % 2)
    reader.problems.push_back("'relative_position_bias_table' has " + std::to_string(table[0]) +
                              " rows, expected an even number more than the " +
                              std::to_string(config.getPictureDistances() + 2) + " of a picture of " +
                              std::to_string(config.image) + " pixels");
}

/// The picture's side is not in any tensor's shape where positions are relative: it follows from the table's rows once
/// the text's share is known, or from the metadata `image`.
static int64_t readGrid(ShapeReader &reader, const std::map<std::string, std::vector<int64_t>> &shapes,
                        const VlmoConfig &config) {
  if (auto found = shapes.find("transformer.pos_embed"); found != shapes.end() && found->second.size() == 3)
    return std::llround(std::sqrt(double(found->second[1] - 1)));
  return config.patch ? reader.getNumber({"image"}, 0) / config.patch : 0;
}

llvm::Expected<VlmoConfig> VlmoConfig::fromTensors(const std::map<std::string, std::vector<int64_t>> &shapes,
                                                   const std::map<std::string, std::string> &metadata) {
  ShapeReader reader(shapes, metadata);
  VlmoConfig config;
  std::vector<int64_t> conv = reader.get("transformer.patch_embed.proj.weight", 4);
  std::vector<int64_t> words = reader.get("text_embeddings.word_embeddings.weight", 2);
  config.patch = conv[2];
  config.tower.width = conv[0];
  config.tower.layers = reader.countBlocks("transformer.blocks.");
  if (config.tower.layers)
    config.tower.mlp = reader.get("transformer.blocks.0.mlp_imag.fc1.weight", 2)[0];
  config.tower.heads = reader.getNumber({"heads"}, 0);
  config.vocabulary = words[0];
  config.context = reader.get("text_embeddings.position_embeddings.weight", 2)[0];
  config.layerScale = shapes.count("transformer.blocks.0.gamma_1") != 0;
  while (config.firstPair < config.tower.layers &&
         !shapes.count("transformer.blocks." + std::to_string(config.firstPair) + ".mlp_vl.fc1.weight"))
    ++config.firstPair;
  int64_t grid = readGrid(reader, shapes, config);
  config.image = grid * config.patch;
  if (shapes.count("relative_position_bias_table"))
    readTable(reader, grid, config);
  reader.readEps(config.eps);
  reader.readReal("text_emb_ln_eps", config.textEps);
  reader.readReal("mlm_weight", config.maskedWeight);
  if (!reader.problems.empty())
    return makeError("no VLMo model: " + llvm::join(reader.problems, "; "));
  if (llvm::Error error = config.verify())
    return error;
  return config;
}
