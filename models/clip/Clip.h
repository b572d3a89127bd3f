// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CLIP with ViT towers (Radford et al., arXiv 2103.00020): sizes, presets and the builder of its entries.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace vlp::models::clip {

/// One tower's transformer.
struct Tower {
  int64_t width = 0;
  int64_t layers = 0;
  int64_t heads = 0;  // width / 64 in OpenAI's models
  int64_t hidden = 0; // 4 width in most
};

struct Config {
  int64_t imageSize = 224, patch = 32;
  Tower vision, text;
  int64_t contextLength = 77, vocabulary = 49408;
  int64_t embedding = 512;
  bool quickGelu = true; // OpenAI's weights; LAION's use the exact GELU
  double eps = 1e-5;     // of every layer norm
  std::vector<float> mean, deviation; // per channel, of pixels in [0, 1]
  /// Named hyperparameters of the training entry (train.*), where they differ from the optimizer's defaults.
  std::map<std::string, double> recipe;

  int64_t tokens() const { return (imageSize / patch) * (imageSize / patch) + 1; }
};

/// Names of all presets, without "clip/", in order.
std::vector<std::string> presetNames();
/// The preset `name` (without "clip/"), if there is one.
std::optional<Config> findPreset(llvm::StringRef name);
/// Changes one size by name ("vocabulary", "context_length", "image_size", ...); false if there is no such name.
bool setSize(Config &config, llvm::StringRef name, int64_t value);
/// All sizes by name, as the compiled file's manifest lists them.
std::map<std::string, int64_t> sizes(const Config &config);
/// Why the sizes do not fit together, or an empty string.
std::string validate(const Config &config);

/// The configuration that the tensors of a checkpoint imply: shapes by OpenAI name; metadata may say act ("gelu", "quick_gelu"), ln_eps,
/// heads, vision_heads, text_heads. On failure returns nothing and fills `error` (all problems, one line each).
std::optional<Config> inferConfig(const std::map<std::string, std::vector<int64_t>> &shapes,
                                  const std::map<std::string, std::string> &metadata, int64_t imageSize, std::string &error);

/// An entry to build and its batch size. Names: train, encode_image, encode_text, gradients.
struct EntryRequest {
  std::string name;
  int64_t batch;
};
std::vector<std::string> entryNames();

/// A module with the parameters, the entries asked for, and the attributes vlp.model, vlp.architecture, vlp.config, vlp.preprocessing,
/// vlp.recipe. `model` is the name that the compiled file carries.
mlir::OwningOpRef<mlir::ModuleOp> build(mlir::MLIRContext *context, llvm::StringRef model, const Config &config,
                                        llvm::ArrayRef<EntryRequest> entries);

} // namespace vlp::models::clip
