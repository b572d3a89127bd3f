// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CLIP's published sizes and two small ones, and sizes read off a checkpoint.
#include "models/clip/Clip.h"
#include "llvm/ADT/StringExtras.h"
#include <set>

using namespace vlp::models::clip;

namespace {

Tower tower(int64_t width, int64_t layers, int64_t heads = 0, int64_t hidden = 0) {
  return {width, layers, heads ? heads : width / 64, hidden ? hidden : 4 * width};
}

Config published(int64_t imageSize, int64_t patch, Tower vision, Tower text, int64_t embedding, double learningRate) {
  Config c;
  c.imageSize = imageSize;
  c.patch = patch;
  c.vision = vision;
  c.text = text;
  c.embedding = embedding;
  c.mean = {0.48145466f, 0.4578275f, 0.40821073f};
  c.deviation = {0.26862954f, 0.26130258f, 0.27577711f};
  c.recipe = {{"train.learning_rate", learningRate}, {"train.beta2", 0.98}, {"train.eps", 1e-6}, {"train.weight_decay", 0.2},
              {"train.warmup_steps", 2000}, {"train.clip_norm", 0}};
  return c;
}

Config laion(Config c) {
  c.quickGelu = false;
  return c;
}

Config tiny() {
  Config c = published(32, 16, tower(64, 2), tower(64, 2), 16, 5e-4);
  c.contextLength = 8;
  c.vocabulary = 64;
  return c;
}

// Sizes and recipe for a few thousand emoji drawings of 64 pixels, cropped to 56.
Config emoji() {
  Config c = published(56, 8, tower(128, 4, 4), tower(128, 2, 4), 128, 1e-3);
  c.quickGelu = false;
  c.contextLength = 20;
  c.vocabulary = 3584;
  c.mean = c.deviation = {0.5f, 0.5f, 0.5f};
  c.recipe = {{"train.learning_rate", 1e-3}, {"train.beta2", 0.98}, {"train.eps", 1e-8}, {"train.weight_decay", 0.1},
              {"train.warmup_steps", 50}, {"train.total_steps", 469}, {"train.clip_norm", 1}};
  return c;
}

struct Preset {
  const char *name;
  Config config;
};

const std::vector<Preset> &presets() {
  static const std::vector<Preset> all = {
      {"tiny", tiny()},
      {"emoji", emoji()},
      {"ViT-B-32", published(224, 32, tower(768, 12), tower(512, 12), 512, 5e-4)},
      {"ViT-B-16", published(224, 16, tower(768, 12), tower(512, 12), 512, 5e-4)},
      {"ViT-L-14", published(224, 14, tower(1024, 24), tower(768, 12), 768, 4e-4)},
      {"ViT-L-14-336", published(336, 14, tower(1024, 24), tower(768, 12), 768, 2e-5)},
      {"ViT-B-32-laion", laion(published(224, 32, tower(768, 12), tower(512, 12), 512, 5e-4))},
      {"ViT-B-16-laion", laion(published(224, 16, tower(768, 12), tower(512, 12), 512, 5e-4))},
      {"ViT-L-14-laion", laion(published(224, 14, tower(1024, 24), tower(768, 12), 768, 4e-4))},
      {"ViT-H-14", laion(published(224, 14, tower(1280, 32, 16), tower(1024, 24), 1024, 5e-4))},
      {"ViT-bigG-14", laion(published(224, 14, tower(1664, 48, 16, 8192), tower(1280, 32), 1280, 5e-4))},
  };
  return all;
}

struct SizeField {
  const char *name;
  int64_t *(*get)(Config &);
};

const SizeField sizeFields[] = {
    {"image_size", [](Config &c) { return &c.imageSize; }},       {"patch", [](Config &c) { return &c.patch; }},
    {"vision_width", [](Config &c) { return &c.vision.width; }},  {"vision_layers", [](Config &c) { return &c.vision.layers; }},
    {"vision_heads", [](Config &c) { return &c.vision.heads; }},  {"vision_hidden", [](Config &c) { return &c.vision.hidden; }},
    {"text_width", [](Config &c) { return &c.text.width; }},      {"text_layers", [](Config &c) { return &c.text.layers; }},
    {"text_heads", [](Config &c) { return &c.text.heads; }},      {"text_hidden", [](Config &c) { return &c.text.hidden; }},
    {"context_length", [](Config &c) { return &c.contextLength; }}, {"vocabulary", [](Config &c) { return &c.vocabulary; }},
    {"embedding", [](Config &c) { return &c.embedding; }},
};

} // namespace

std::vector<std::string> vlp::models::clip::presetNames() {
  std::vector<std::string> names;
  for (const Preset &preset : presets())
    names.push_back(preset.name);
  return names;
}

std::optional<Config> vlp::models::clip::findPreset(llvm::StringRef name) {
  for (const Preset &preset : presets())
    if (name == preset.name)
      return preset.config;
  return std::nullopt;
}

bool vlp::models::clip::setSize(Config &config, llvm::StringRef name, int64_t value) {
  for (const SizeField &field : sizeFields)
    if (name == field.name) {
      *field.get(config) = value;
      return true;
    }
  return false;
}

std::map<std::string, int64_t> vlp::models::clip::sizes(const Config &config) {
  std::map<std::string, int64_t> result;
  Config copy = config;
  for (const SizeField &field : sizeFields)
    result[field.name] = *field.get(copy);
  return result;
}

std::string vlp::models::clip::validate(const Config &c) {
  for (const auto &[name, value] : sizes(c))
    if (value <= 0)
      return "expected a positive " + name + ", got " + std::to_string(value);
  if (c.imageSize % c.patch)
    return "expected an image size that is a multiple of the patch (" + std::to_string(c.patch) + "), got " +
           std::to_string(c.imageSize);
  for (auto [name, tower] : {std::pair<const char *, Tower>{"vision", c.vision}, {"text", c.text}})
    if (tower.width % tower.heads)
      return std::string("expected a ") + name + " width that is a multiple of its heads (" + std::to_string(tower.heads) + "), got " +
             std::to_string(tower.width);
  return "";
}

namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

/// Reads shapes by name and collects what is missing or of another rank.
struct ShapeReader {
  const Shapes &shapes;
  std::string errors;

  std::vector<int64_t> get(const std::string &name, size_t rank) {
    auto found = shapes.find(name);
    if (found != shapes.end() && found->second.size() == rank)
      return found->second;
    errors += found == shapes.end() ? "missing tensor '" + name + "'\n"
                                    : "expected tensor '" + name + "' of rank " + std::to_string(rank) + ", got rank " +
                                          std::to_string(found->second.size()) + "\n";
    return std::vector<int64_t>(rank, 1);
  }

  int64_t countBlocks(const std::string &prefix) {
    std::set<std::string> blocks;
    for (const auto &[name, shape] : shapes)
      if (llvm::StringRef(name).starts_with(prefix))
        blocks.insert(llvm::StringRef(name).drop_front(prefix.size()).split('.').first.str());
    if (blocks.empty())
      errors += "expected at least one tensor '" + prefix + "0.*'\n";
    return blocks.size();
  }

  Tower tower(const std::string &prefix, int64_t width) {
    int64_t hidden = get(prefix + "0.mlp.c_fc.weight", 2)[0];
    return {width, countBlocks(prefix), std::max<int64_t>(1, width / 64), hidden};
  }
};

void readHeads(const std::map<std::string, std::string> &metadata, const char *key, int64_t &heads) {
  if (auto found = metadata.find(key); found != metadata.end())
    llvm::StringRef(found->second).getAsInteger(10, heads);
}

} // namespace

std::optional<Config> vlp::models::clip::inferConfig(const Shapes &shapes, const std::map<std::string, std::string> &metadata,
                                                     int64_t imageSize, std::string &error) {
  ShapeReader read{shapes, ""};
  Config c;
  auto conv = read.get("visual.conv1.weight", 4);
  c.patch = conv[2];
  c.vision = read.tower("visual.transformer.resblocks.", conv[0]);
  c.embedding = read.get("visual.proj", 2)[1];
  auto positions = read.get("positional_embedding", 2);
  c.contextLength = positions[0];
  c.text = read.tower("transformer.resblocks.", positions[1]);
  c.vocabulary = read.get("token_embedding.weight", 2)[0];
  int64_t tokens = read.get("visual.positional_embedding", 2)[0];
  c.imageSize = imageSize;
  if (read.errors.empty() && c.tokens() != tokens)
    read.errors += "expected visual.positional_embedding to have " + std::to_string(c.tokens()) + " rows for images of " +
                   std::to_string(imageSize) + " pixels and patches of " + std::to_string(c.patch) + ", got " + std::to_string(tokens) + "\n";
  c.mean = {0.48145466f, 0.4578275f, 0.40821073f};
  c.deviation = {0.26862954f, 0.26130258f, 0.27577711f};
  for (int64_t *heads : {&c.vision.heads, &c.text.heads})
    readHeads(metadata, "heads", *heads);
  readHeads(metadata, "vision_heads", c.vision.heads);
  readHeads(metadata, "text_heads", c.text.heads);
  if (auto act = metadata.find("act"); act != metadata.end())
    c.quickGelu = act->second == "quick_gelu";
  if (auto eps = metadata.find("ln_eps"); eps != metadata.end())
    llvm::to_float(eps->second, c.eps);
  if (read.errors.empty())
    read.errors = validate(c);
  error = read.errors;
  return error.empty() ? std::optional<Config>(c) : std::nullopt;
}
