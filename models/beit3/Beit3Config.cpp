// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sizes by name, their constraints, and how they follow from a checkpoint.
#include "models/beit3/Beit3Config.h"

#include "models/common/ShapeReader.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace vlp;
using namespace vlp::models;

static const SizeTable<Beit3Config> &getSizeTable() {
  static const SizeTable<Beit3Config> table = {
      {"image", "pixels of a picture's side", [](Beit3Config &c) -> int64_t & { return c.image; }},
      {"patch", "pixels of a patch's side", [](Beit3Config &c) -> int64_t & { return c.patch; }},
      {"width", "width of the encoder", [](Beit3Config &c) -> int64_t & { return c.encoder.width; }},
      {"layers", "blocks of the encoder", [](Beit3Config &c) -> int64_t & { return c.encoder.layers; }},
      {"heads", "heads of the encoder; 0: width / 64", [](Beit3Config &c) -> int64_t & { return c.encoder.heads; }},
      {"mlp", "hidden width of the encoder; 0: 4 width", [](Beit3Config &c) -> int64_t & { return c.encoder.mlp; }},
      {"vocab", "entries of the token embedding", [](Beit3Config &c) -> int64_t & { return c.vocabulary; }},
      {"context", "tokens that a text may have", [](Beit3Config &c) -> int64_t & { return c.context; }},
      {"codes", "visual tokens", [](Beit3Config &c) -> int64_t & { return c.codes; }},
  };
  return table;
}

std::vector<std::pair<std::string, std::string>> Beit3Config::getSettings() {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const Size<Beit3Config> &size : getSizeTable())
    settings.emplace_back(size.name, size.meaning);
  return settings;
}

std::map<std::string, double> Beit3Config::getSizes() const {
  Beit3Config copy = *this;
  copy.encoder.heads = encoder.getHeads(), copy.encoder.mlp = encoder.getMlp();
  std::map<std::string, double> sizes = valuesOf(getSizeTable(), copy);
  sizes["ln_eps"] = eps;
  return sizes;
}

llvm::Error Beit3Config::apply(const Settings &settings) {
  std::vector<std::string> problems, known;
  for (auto &[name, meaning] : getSettings())
    known.push_back(name);
  for (auto &[name, text] : settings)
    setSize(getSizeTable(), *this, name, text, known, problems);
  return problems.empty() ? llvm::Error::success() : makeError("--set: " + llvm::join(problems, "; "));
}

llvm::Error Beit3Config::verify() const {
  std::vector<std::string> problems;
  checkSizes(getSizeTable(), *this, problems);
  if (patch > 0 && image % patch)
    problems.push_back("image = " + std::to_string(image) + " is no multiple of patch = " + std::to_string(patch));
  encoder.check("encoder", problems);
  return problems.empty() ? llvm::Error::success() : makeError("no such BEiT-3 model: " + llvm::join(problems, "; "));
}

llvm::Expected<Beit3Config> Beit3Config::fromTensors(const std::map<std::string, std::vector<int64_t>> &shapes,
                                                     const std::map<std::string, std::string> &metadata) {
  ShapeReader reader(shapes, metadata);
  Beit3Config config;
  std::vector<int64_t> conv = reader.get("beit3.vision_embed.proj.weight", 4);
  std::vector<int64_t> tokens = reader.get("beit3.text_embed.weight", 2);
  std::vector<int64_t> imagePositions = reader.get("beit3.encoder.embed_positions.A.weight", 2);
  std::vector<int64_t> textPositions = reader.get("beit3.encoder.embed_positions.B.weight", 2);
  // Two unused positions, and the class token's.
  int64_t patches = std::max<int64_t>(0, imagePositions[0] - 3), grid = std::llround(std::sqrt(double(patches)));
  config.patch = conv[2];
  config.image = grid * config.patch;
  config.vocabulary = tokens[0];
  config.context = textPositions[0] - 2;
  config.codes = reader.get("mim_head.weight", 2)[0];
  config.encoder.width = tokens[1];
  config.encoder.layers = reader.countBlocks("beit3.encoder.layers.");
  config.encoder.heads = reader.getNumber({"heads"}, 0);
  if (config.encoder.layers)
    config.encoder.mlp = reader.get("beit3.encoder.layers.0.ffn.A.fc1.weight", 2)[0];
  reader.readEps(config.eps);
  if (!reader.problems.empty())
    return makeError("no BEiT-3 model: " + llvm::join(reader.problems, "; "));
  if (grid * grid != patches)
    return makeError("'beit3.encoder.embed_positions.A.weight' has " + llvm::Twine(imagePositions[0]) +
                     " rows, expected three more than a square number");
  if (llvm::Error error = config.verify())
    return error;
  return config;
}
