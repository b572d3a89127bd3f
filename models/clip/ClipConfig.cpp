// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sizes by name, their constraints, and how they follow from a checkpoint.
#include "models/clip/ClipConfig.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace vlp;
using namespace vlp::models;
using llvm::StringRef;
using llvm::Twine;

namespace {
struct Size {
  StringRef name;
  StringRef meaning;
  int64_t &(*get)(ClipConfig &);
};
} // namespace

static llvm::ArrayRef<Size> getSizeTable() {
  static const Size table[] = {
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
  for (const Size &size : getSizeTable())
    settings.emplace_back(size.name, size.meaning);
  settings.emplace_back("activation", "gelu or quick_gelu");
  return settings;
}

std::map<std::string, double> ClipConfig::getSizes() const {
  ClipConfig copy = *this;
  copy.vision.heads = vision.getHeads(), copy.vision.mlp = vision.getMlp();
  copy.text.heads = text.getHeads(), copy.text.mlp = text.getMlp();
  std::map<std::string, double> sizes;
  for (const Size &size : getSizeTable())
    sizes[size.name.str()] = double(size.get(copy));
  sizes["quick_gelu"] = activation == Activation::QuickGelu;
  sizes["ln_eps"] = eps;
  return sizes;
}

static bool parseActivation(StringRef text, Activation &activation) {
  activation = text == "gelu" ? Activation::Gelu : Activation::QuickGelu;
  return text == "gelu" || text == "quick_gelu";
}

llvm::Error ClipConfig::apply(const Settings &settings) {
  std::vector<std::string> problems;
  std::vector<std::string> known;
  for (auto &[name, meaning] : getSettings())
    known.push_back(name);
  for (auto &[name, text] : settings) {
    const Size *size = llvm::find_if(getSizeTable(), [&](const Size &s) { return s.name == name; });
    if (name == "activation") {
      if (!parseActivation(text, activation))
        problems.push_back("activation: expected gelu or quick_gelu, got '" + text + "'");
    } else if (size == getSizeTable().end()) {
      problems.push_back("unknown setting '" + name + "'; " + suggest(name, known));
    } else if (StringRef(text).getAsInteger(10, size->get(*this)) || size->get(*this) < 0) {
      problems.push_back(name + ": expected a whole number, got '" + text + "'");
    }
  }
  return problems.empty() ? llvm::Error::success() : makeError("--set: " + llvm::join(problems, "; "));
}

static void checkTower(StringRef name, const TowerConfig &tower, std::vector<std::string> &problems) {
  if (tower.width <= 0)
    return; // said already
  if (tower.width % tower.getHeads())
    problems.push_back(
        (name + ".width = " + Twine(tower.width) + " is no multiple of " + name + ".heads = " + Twine(tower.getHeads()))
            .str());
}

llvm::Error ClipConfig::verify() const {
  std::vector<std::string> problems;
  ClipConfig copy = *this;
  for (const Size &size : getSizeTable()) {
    bool mayBeZero = size.name.ends_with("heads") || size.name.ends_with("mlp") || size.name.ends_with("layers");
    int64_t value = size.get(copy);
    if (value < 0 || (value == 0 && !mayBeZero))
      problems.push_back((size.name + " = " + Twine(value) + ", expected at least 1").str());
    else if (value > (int64_t(1) << 24))
      problems.push_back((size.name + " = " + Twine(value) + " is beyond reason").str());
  }
  if (patch > 0 && image % patch)
    problems.push_back(("image = " + Twine(image) + " is no multiple of patch = " + Twine(patch)).str());
  checkTower("vision", vision, problems);
  checkTower("text", text, problems);
  return problems.empty() ? llvm::Error::success() : makeError("no such CLIP model: " + llvm::join(problems, "; "));
}

namespace {
/// Collects what is wrong with a checkpoint while sizes are read off it.
class ShapeReader {
public:
  ShapeReader(const std::map<std::string, std::vector<int64_t>> &shapes) : shapes(shapes) {}

  /// The shape of `name`, of `rank` dimensions; zeros if it is missing or of another rank.
  std::vector<int64_t> get(const std::string &name, size_t rank) {
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

  /// One more than the largest N of `prefix`N.
  int64_t countBlocks(StringRef prefix) const {
    int64_t count = 0;
    for (auto &[name, shape] : shapes) {
      StringRef rest(name);
      int64_t index;
      if (rest.consume_front(prefix) && !rest.consumeInteger(10, index))
        count = std::max(count, index + 1);
    }
    return count;
  }

  TowerConfig readTower(const std::string &prefix, int64_t width) {
    TowerConfig tower;
    tower.width = width;
    tower.layers = countBlocks(prefix);
    if (tower.layers)
      tower.mlp = get(prefix + "0.mlp.c_fc.weight", 2)[0];
    return tower;
  }

  std::vector<std::string> problems;

private:
  const std::map<std::string, std::vector<int64_t>> &shapes;
};
} // namespace

static void readHeads(const std::map<std::string, std::string> &metadata, std::initializer_list<const char *> keys,
                      TowerConfig &tower, std::vector<std::string> &problems) {
  for (const char *key : keys) {
    auto found = metadata.find(key);
    if (found == metadata.end())
      continue;
    if (StringRef(found->second).getAsInteger(10, tower.heads) || tower.heads <= 0)
      problems.push_back(std::string("metadata '") + key + "': expected a number of heads, got '" + found->second +
                         "'");
    return;
  }
}

llvm::Expected<ClipConfig> ClipConfig::fromTensors(const std::map<std::string, std::vector<int64_t>> &shapes,
                                                   const std::map<std::string, std::string> &metadata) {
  ShapeReader reader(shapes);
  ClipConfig config;
  std::vector<int64_t> conv = reader.get("visual.conv1.weight", 4);
  std::vector<int64_t> grid = reader.get("visual.positional_embedding", 2);
  std::vector<int64_t> proj = reader.get("visual.proj", 2);
  std::vector<int64_t> tokens = reader.get("token_embedding.weight", 2);
  std::vector<int64_t> positions = reader.get("positional_embedding", 2);
  config.patch = conv[2];
  config.image = std::llround(std::sqrt(double(std::max<int64_t>(0, grid[0] - 1)))) * config.patch;
  config.vision = reader.readTower("visual.transformer.resblocks.", conv[0]);
  config.vocabulary = tokens[0];
  config.context = positions[0];
  config.text = reader.readTower("transformer.resblocks.", tokens[1]);
  config.embed = proj[1];

  readHeads(metadata, {"vision_heads", "heads"}, config.vision, reader.problems);
  readHeads(metadata, {"text_heads", "transformer_heads", "heads"}, config.text, reader.problems);
  if (auto act = metadata.find("act"); act != metadata.end() && !parseActivation(act->second, config.activation))
    reader.problems.push_back("metadata 'act': expected gelu or quick_gelu, got '" + act->second + "'");
  if (auto eps = metadata.find("ln_eps"); eps != metadata.end() && StringRef(eps->second).getAsDouble(config.eps))
    reader.problems.push_back("metadata 'ln_eps': expected a number, got '" + eps->second + "'");
  if (!reader.problems.empty())
    return makeError("no CLIP model with a vision transformer: " + llvm::join(reader.problems, "; "));
  if (config.patch > 0 && config.getGrid() * config.getGrid() + 1 != grid[0])
    return makeError("'visual.positional_embedding' has " + Twine(grid[0]) +
                     " rows, expected one more than a square number");
  if (llvm::Error error = config.verify())
    return error;
  return config;
}
