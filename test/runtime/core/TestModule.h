// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A toy model without a compiler: hand-written kernels and a manifest built here, with everything that a real file has.
//
//   state    weight [37] (normal), adam.m/weight [37], train.step (i32), train.learning_rate, buffer [37]
//   train         image [3, 37] -> loss [], finite [] (i32); the mean of the rows is drawn into weight
//   encode_image  image [3, 37] -> image_embedding [3, 37]
//   encode_text   text i32 [3, 5] -> text_embedding [3, 37]
//   count         no inputs -> values [1000]: toyIncrements launches that each add one
#pragma once

#include "runtime/core/Module.h"

#include <filesystem>
#include <functional>
#include <string>

namespace vlp::test {

inline constexpr int64_t kToyBatch = 3, kToyWidth = 37, kToyText = 5, kToyVocabulary = 11;
inline constexpr int kToyIncrements = 50;

/// A folder of its own for a test, removed at the end.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::string file(const std::string &name) const { return (path / name).string(); }

  std::filesystem::path path;
};

/// The bytes of the toy's shared object.
std::string toyCode();
/// The toy's manifest, after `edit` has seen it; sections are not placed yet.
format::Manifest toyManifest(const std::function<void(format::Manifest &)> &edit = {});
/// The whole file.
std::string toyFile(const std::function<void(format::Manifest &)> &edit = {});
/// Writes `bytes` to `path`.
void writeFile(const std::string &path, std::string_view bytes);
std::string readFile(const std::string &path);

/// Loads the toy through a file in `folder`; fails the test when that goes wrong.
std::unique_ptr<Session> toySession(const TemporaryFolder &folder, unsigned threads = 2,
                                    const std::function<void(format::Manifest &)> &edit = {});

/// The floats of some bytes.
std::span<float> floats(std::span<std::byte> bytes);
std::span<const float> floats(std::span<const std::byte> bytes);
/// Fills an input of the toy with numbers that depend on `step`.
void fillToyImage(Session &session, const std::string &entry, int step);

} // namespace vlp::test
