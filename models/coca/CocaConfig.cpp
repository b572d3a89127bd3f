// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sizes by name, their constraints, and how they follow from a checkpoint.
#include "models/coca/CocaConfig.h"

#include "models/common/ShapeReader.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace vlp;
using namespace vlp::models;

static const SizeTable<CocaConfig> &getSizeTable() {
  static const SizeTable<CocaConfig> table = [] {
    SizeTable<CocaConfig> sizes = lift(ClipConfig::getSizeTable(), &CocaConfig::clip);
    SizeTable<CocaConfig> own = {
        {"pool.queries", "queries of the attentional pooler", [](CocaConfig &c) -> int64_t & { return c.queries; }},
        {"pool.heads", "heads of the attentional pooler", [](CocaConfig &c) -> int64_t & { return c.poolHeads; }},
        {"decoder.layers", "pairs of blocks of the multimodal decoder",
         [](CocaConfig &c) -> int64_t & { return c.decoder.layers; }},
        {"decoder.heads", "heads of the multimodal decoder; 0: width / 64",
         [](CocaConfig &c) -> int64_t & { return c.decoder.heads; }},
        {"decoder.mlp", "hidden width of the multimodal decoder; 0: 4 width",
         [](CocaConfig &c) -> int64_t & { return c.decoder.mlp; }},
    };
    sizes.insert(sizes.end(), own.begin(), own.end());
    return sizes;
  }();
  return table;
}

std::vector<std::pair<std::string, std::string>> CocaConfig::getSettings() {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const Size<CocaConfig> &size : getSizeTable())
    settings.emplace_back(size.name, size.meaning);
  settings.emplace_back("activation", "gelu or quick_gelu");
  return settings;
}

std::map<std::string, double> CocaConfig::getSizes() const {
  CocaConfig copy = *this;
  copy.clip = clip.resolved();
  copy.decoder.heads = decoder.getHeads(), copy.decoder.mlp = decoder.getMlp();
  std::map<std::string, double> sizes = valuesOf(getSizeTable(), copy);
  sizes.merge(clip.getSizes());
  return sizes;
}

llvm::Error CocaConfig::apply(const Settings &settings) {
  std::vector<std::string> problems, known;
  for (auto &[name, meaning] : getSettings())
    known.push_back(name);
  for (auto &[name, text] : settings) {
    if (name != "activation")
      setSize(getSizeTable(), *this, name, text, known, problems);
    else if (!parseActivation(text, clip.activation))
      problems.push_back("activation: expected gelu or quick_gelu, got '" + text + "'");
  }
  decoder.width = clip.text.width;
  return problems.empty() ? llvm::Error::success() : makeError("--set: " + llvm::join(problems, "; "));
}

llvm::Error CocaConfig::verify() const {
  std::vector<std::string> problems;
  checkSizes(getSizeTable(), *this, problems);
  clip.check(problems);
  decoder.check("decoder", problems);
  if (queries == 1)
    problems.push_back("pool.queries = 1, expected at least 2: the first is the embedding, the others the decoder's");
  if (poolHeads < 1 || clip.embed % poolHeads)
    problems.push_back("embed = " + std::to_string(clip.embed) +
                       " is no multiple of pool.heads = " + std::to_string(poolHeads));
  if (clip.embed != clip.text.width)
    problems.push_back("embed = " + std::to_string(clip.embed) + ", expected text.width = " +
                       std::to_string(clip.text.width) + ": the decoder looks at pooled rows of that width");
  return problems.empty() ? llvm::Error::success() : makeError("no such CoCa model: " + llvm::join(problems, "; "));
}

llvm::Expected<CocaConfig> CocaConfig::fromTensors(const std::map<std::string, std::vector<int64_t>> &shapes,
                                                   const std::map<std::string, std::string> &metadata) {
  ShapeReader reader(shapes, metadata);
  CocaConfig config;
  std::vector<int64_t> conv = reader.get("visual.conv1.weight", 4);
  std::vector<int64_t> grid = reader.get("visual.positional_embedding", 2);
  std::vector<int64_t> query = reader.get("visual.attn_pool.query", 2);
  std::vector<int64_t> tokens = reader.get("text.token_embedding.weight", 2);
  std::vector<int64_t> positions = reader.get("text.positional_embedding", 2);
  ClipConfig &clip = config.clip;
  clip.activation = Activation::Gelu;
  clip.patch = conv[2];
  clip.image = std::llround(std::sqrt(double(std::max<int64_t>(0, grid[0] - 1)))) * clip.patch;
  clip.vision = reader.readTower("visual.transformer.resblocks.", conv[0], {"vision_heads", "heads"});
  clip.vocabulary = tokens[0];
  clip.context = positions[0] - 1;
  clip.text = reader.readTower("text.transformer.resblocks.", tokens[1], {"text_heads", "heads"});
  clip.embed = query[1];
  config.queries = query[0];
  config.poolHeads = reader.getNumber({"pool_heads"}, config.poolHeads);
  config.decoder = reader.readTower("text_decoder.resblocks.", tokens[1], {"decoder_heads", "heads"});
  reader.readActivation(clip.activation);
  reader.readEps(clip.eps);
  if (!reader.problems.empty())
    return makeError("no CoCa model: " + llvm::join(reader.problems, "; "));
  if (clip.patch > 0 && clip.getGrid() * clip.getGrid() + 1 != grid[0])
    return makeError("'visual.positional_embedding' has " + llvm::Twine(grid[0]) +
                     " rows, expected one more than a square number");
  if (llvm::Error error = config.verify())
    return error;
  return config;
}
