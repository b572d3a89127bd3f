// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The files of a training run: checkpoints by step, the latest, the best, the vocabulary, the log, the report.
#pragma once

#include "runtime/checkpoint/Checkpoint.h"

#include <filesystem>

namespace vlp::training {

class RunDirectory {
public:
  /// For a new run the directory is created, and one that holds a run is refused (or emptied of it when `overwrite`).
  /// For a resumed one it must hold checkpoint.safetensors.
  static Expected<RunDirectory> open(const std::string &path, bool resume, bool overwrite);

  std::string file(const char *name) const { return (directory / name).string(); }
  std::string latest() const { return file("checkpoint.safetensors"); }
  std::string best() const { return file("best.safetensors"); }
  /// step-000123.safetensors.
  std::string numbered(uint64_t step) const;

  /// Writes the checkpoint of `step` under its number, as the latest and, when `isBest`, as the best; deletes numbered
  /// ones but the last `keep`.
  Status save(Session &session, uint64_t step, const CheckpointMetadata &metadata, bool isBest, unsigned keep) const;

private:
  explicit RunDirectory(std::filesystem::path directory) : directory(std::move(directory)) {}
  std::vector<std::filesystem::path> numberedFiles() const;
  std::filesystem::path directory;
};

} // namespace vlp::training
