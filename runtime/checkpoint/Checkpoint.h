// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checkpoints: all state of a session in one safetensors file, and weights taken from files of others.
#pragma once

#include "runtime/core/Module.h"

#include <map>
#include <string>

namespace vlp {

/// Strings that travel with a checkpoint: seed, position of the loader, ... Names that start with "vlpc." are the
/// runtime's own.
using CheckpointMetadata = std::map<std::string, std::string>;

enum class LoadMode {
  /// Resume: every state tensor must be in the file with its exact type and shape, and nothing else.
  Full,
  /// Parameters only, from a checkpoint of ours or of others (F32, F16, BF16, F64), and buffers that it has. A twin that
  /// it lacks starts with the values of its original. Moments and counters go back to their initial values, scalars
  /// stay as they are. Moments, counters and scalars in the file are passed over; so are names that the manifest's
  /// aliases map to the empty string.
  Weights,
};

/// Writes all state (parameters, moments, counters, scalars) atomically to `path`: a safetensors file whose tensors
/// have the state's names. On an error the file that was there before is left as it was.
Status saveCheckpoint(Session &session, const std::string &path, const CheckpointMetadata &metadata = {});

/// Loads `path` and returns its metadata. Other checkpoints' names are accepted by the manifest's aliases;
/// where a file has a tensor under its own name and an alias, both must be equal. Tensors that
/// are missing, left over, or of the wrong shape or type are all listed in one error: a summary line, then one line a
/// tensor. On an error the session is left as it was.
Expected<CheckpointMetadata> loadCheckpoint(Session &session, const std::string &path, LoadMode mode);

/// The metadata of a checkpoint without loading it.
Expected<CheckpointMetadata> readCheckpointMetadata(const std::string &path);

} // namespace vlp
