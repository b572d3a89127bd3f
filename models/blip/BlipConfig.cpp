// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sizes by name, their constraints, and how they follow from a checkpoint.
#include "models/blip/BlipConfig.h"

#include "models/common/ShapeReader.h"
#include "llvm/ADT/StringExtras.h"

using namespace vlp;
using namespace vlp::models;

static const SizeTable<BlipConfig> &getSizeTable() {
  static const SizeTable<BlipConfig> table = {
      {"image", "pixels of a picture's side", [](BlipConfig &c) -> int64_t & { return c.vision.image; }},
      {"patch", "pixels of a patch's side", [](BlipConfig &c) -> int64_t & { return c.vision.patch; }},
      {"vision.width", "width of the picture tower", [](BlipConfig &c) -> int64_t & { return c.vision.tower.width; }},
      {"vision.layers", "blocks of the picture tower",
       [](BlipConfig &c) -> int64_t & { return c.vision.tower.layers; }},
      {"vision.heads", "heads of the picture tower; 0: width / 64",
       [](BlipConfig &c) -> int64_t & { return c.vision.tower.heads; }},
      {"vision.mlp", "hidden width of the picture tower; 0: 4 width",
       [](BlipConfig &c) -> int64_t & { return c.vision.tower.mlp; }},
      {"text.width", "width of the text encoder", [](BlipConfig &c) -> int64_t & { return c.bert.tower.width; }},
      {"text.layers", "layers of the text encoder and decoder",
       [](BlipConfig &c) -> int64_t & { return c.bert.tower.layers; }},
      {"text.heads", "heads of the text encoder; 0: width / 64",
       [](BlipConfig &c) -> int64_t & { return c.bert.tower.heads; }},
      {"text.mlp", "hidden width of the text encoder; 0: 4 width",
       [](BlipConfig &c) -> int64_t & { return c.bert.tower.mlp; }},
      {"vocab", "entries of the token embedding", [](BlipConfig &c) -> int64_t & { return c.bert.vocabulary; }},
      {"positions", "tokens that a text may have", [](BlipConfig &c) -> int64_t & { return c.bert.positions; }},
      {"context", "tokens of a text unless an entry says otherwise",
       [](BlipConfig &c) -> int64_t & { return c.context; }},
      {"embed", "width of the common space", [](BlipConfig &c) -> int64_t & { return c.embed; }},
      {"queue", "features that each queue holds", [](BlipConfig &c) -> int64_t & { return c.queue; }},
  };
  return table;
}

std::vector<std::pair<std::string, std::string>> BlipConfig::getSettings() {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const Size<BlipConfig> &size : getSizeTable())
    settings.emplace_back(size.name, size.meaning);
  return settings;
}

std::map<std::string, double> BlipConfig::getSizes() const {
  BlipConfig copy = *this;
  for (TowerConfig *tower : {&copy.vision.tower, &copy.bert.tower})
    tower->heads = tower->getHeads(), tower->mlp = tower->getMlp();
  return valuesOf(getSizeTable(), copy);
}

llvm::Error BlipConfig::apply(const Settings &settings) {
  std::vector<std::string> problems, known;
  for (auto &[name, meaning] : getSettings())
    known.push_back(name);
  for (auto &[name, text] : settings)
    setSize(getSizeTable(), *this, name, text, known, problems);
  return problems.empty() ? llvm::Error::success() : makeError("--set: " + llvm::join(problems, "; "));
}

llvm::Error BlipConfig::verify() const {
  std::vector<std::string> problems;
  checkSizes(getSizeTable(), *this, problems);
  vision.tower.check("vision", problems);
  bert.tower.check("text", problems);
  if (vision.patch > 0 && vision.image % vision.patch)
    problems.push_back("image = " + std::to_string(vision.image) +
                       " is no multiple of patch = " + std::to_string(vision.patch));
  if (context > bert.positions)
    problems.push_back("context = " + std::to_string(context) +
                       ", expected at most positions = " + std::to_string(bert.positions));
  for (int64_t token : {getDecodeToken(), getMatchToken()})
    if (token < 0 || token >= bert.vocabulary)
      problems.push_back("special token " + std::to_string(token) +
                         ", expected one of vocab = " + std::to_string(bert.vocabulary));
  return problems.empty() ? llvm::Error::success() : makeError("no such BLIP model: " + llvm::join(problems, "; "));
}

llvm::Expected<BlipConfig> BlipConfig::fromTensors(const std::map<std::string, std::vector<int64_t>> &shapes,
                                                   const std::map<std::string, std::string> &metadata) {
  ShapeReader reader(shapes, metadata);
  BlipConfig config;
  config.vision = reader.readVisionTransformer("visual_encoder.");
  config.bert = reader.readBert("text_encoder.");
  config.embed = reader.get("vision_proj.weight", 2)[0];
  config.queue = reader.get("image_queue", 2)[1];
  config.context = config.bert.positions;
  config.decodeToken = reader.getNumber({"bos"}, 0);
  config.matchToken = reader.getNumber({"enc"}, 0);
  reader.readReal("label_smoothing", config.smoothing);
  reader.readReal("alpha", config.alpha);
  reader.readReal("momentum", config.momentum);
  if (!reader.problems.empty())
    return makeError("no BLIP model: " + llvm::join(reader.problems, "; "));
  if (llvm::Error error = config.verify())
    return error;
  return config;
}
