// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sizes by name, their constraints, and how they follow from a checkpoint.
#include "models/clip/ClipConfig.h"

#include "models/common/ShapeReader.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace vlp;
using namespace vlp::models;
using llvm::StringRef;
using llvm::Twine;

const SizeTable<ClipConfig> &ClipConfig::getSizeTable() {
  static const SizeTable<ClipConfig> table = {
      {"image", "pixels of a picture's side", [](ClipConfig &c) -> int64_t & { return c.image; }},
      {"patch", "pixels of a patch's side", [](ClipConfig &c) -> int64_t & { return c.patch; }},
      {"vision.width", "width of the image tower", [](ClipConfig &c) -> int64_t & { return c.vision.width; }},
      {"vision.layers", "blocks of the image tower", [](ClipConfig &c) -> int64_t & { return c.vision.layers; }},
      {"vision.heads", "heads of the image tower; 0: width / 64",
       [](ClipConfig &c) -> int64_t & { return c.vision.heads; }},
      {"vision.mlp", "hidden width of the image tower; 0: 4 width",
       [](ClipConfig &c) -> int64_t & { return c.vision.mlp; }},
      {"context", "tokens of a text", [](ClipConfig &c) -> int64_t & { return c.context; }},
      {"vocab", "capacity of the token embedding", [](ClipConfig &c) -> int64_t & { return c.vocabulary; }},
      {"text.width", "width of the text tower", [](ClipConfig &c) -> int64_t & { return c.text.width; }},
      {"text.layers", "blocks of the text tower", [](ClipConfig &c) -> int64_t & { return c.text.layers; }},
      {"text.heads", "heads of the text tower; 0: width / 64", [](ClipConfig &c) -> int64_t & { return c.text.heads; }},
      {"text.mlp", "hidden width of the text tower; 0: 4 width", [](ClipConfig &c) -> int64_t & { return c.text.mlp; }},
      {"embed", "width of the common space", [](ClipConfig &c) -> int64_t & { return c.embed; }},
  };
  return table;
}

std::vector<std::pair<std::string, std::string>> ClipConfig::getSettings() {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const Size<ClipConfig> &size : getSizeTable())
    settings.emplace_back(size.name, size.meaning);
  settings.emplace_back("activation", "gelu or quick_gelu");
  return settings;
}

ClipConfig ClipConfig::resolved() const {
  ClipConfig copy = *this;
  copy.vision.heads = vision.getHeads(), copy.vision.mlp = vision.getMlp();
  copy.text.heads = text.getHeads(), copy.text.mlp = text.getMlp();
  return copy;
}

std::map<std::string, double> ClipConfig::getSizes() const {
  std::map<std::string, double> sizes = valuesOf(getSizeTable(), resolved());
  sizes["quick_gelu"] = activation == Activation::QuickGelu;
  sizes["ln_eps"] = eps;
  return sizes;
}

llvm::Error ClipConfig::apply(const Settings &settings) {
  std::vector<std::string> problems, known;
  for (auto &[name, meaning] : getSettings())
    known.push_back(name);
  for (auto &[name, text] : settings) {
    if (name != "activation")
      setSize(getSizeTable(), *this, name, text, known, problems);
    else if (!parseActivation(text, activation))
      problems.push_back("activation: expected gelu or quick_gelu, got '" + text + "'");
  }
  return problems.empty() ? llvm::Error::success() : makeError("--set: " + llvm::join(problems, "; "));
}

void ClipConfig::check(std::vector<std::string> &problems) const {
  if (patch > 0 && image % patch)
    problems.push_back(("image = " + Twine(image) + " is no multiple of patch = " + Twine(patch)).str());
  vision.check("vision", problems);
  text.check("text", problems);
}

llvm::Error ClipConfig::verify() const {
  std::vector<std::string> problems;
  checkSizes(getSizeTable(), *this, problems);
  check(problems);
  return problems.empty() ? llvm::Error::success() : makeError("no such CLIP model: " + llvm::join(problems, "; "));
}

llvm::Expected<ClipConfig> ClipConfig::fromTensors(const std::map<std::string, std::vector<int64_t>> &shapes,
                                                   const std::map<std::string, std::string> &metadata) {
  ShapeReader reader(shapes, metadata);
  ClipConfig config;
  std::vector<int64_t> conv = reader.get("visual.conv1.weight", 4);
  std::vector<int64_t> grid = reader.get("visual.positional_embedding", 2);
  std::vector<int64_t> proj = reader.get("visual.proj", 2);
  std::vector<int64_t> tokens = reader.get("token_embedding.weight", 2);
  std::vector<int64_t> positions = reader.get("positional_embedding", 2);
  config.patch = conv[2];
  config.image = std::llround(std::sqrt(double(std::max<int64_t>(0, grid[0] - 1)))) * config.patch;
  config.vision = reader.readTower("visual.transformer.resblocks.", conv[0], {"vision_heads", "heads"});
  config.vocabulary = tokens[0];
  config.context = positions[0];
  config.text = reader.readTower("transformer.resblocks.", tokens[1], {"text_heads", "transformer_heads", "heads"});
  config.embed = proj[1];

  reader.readActivation(config.activation);
  reader.readEps(config.eps);
  if (!reader.problems.empty())
    return makeError("no CLIP model with a vision transformer: " + llvm::join(reader.problems, "; "));
  if (config.patch > 0 && config.getGrid() * config.getGrid() + 1 != grid[0])
    return makeError("'visual.positional_embedding' has " + Twine(grid[0]) +
                     " rows, expected one more than a square number");
  if (llvm::Error error = config.verify())
    return error;
  return config;
}
