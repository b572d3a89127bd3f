// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The toy of test/runtime/core/TestModule.h for GPUs: the same entries and state, with kernels for the simulator, and
// one more entry whose outputs are large enough to come to the host on their own:
//
//   wide  scale [1] -> first [20000] = scale + i, second [20000] = first * scale + 1, third [20000] = second * scale +
//   1
#pragma once

#include "test/runtime/core/TestModule.h"

namespace vlp::test {

inline constexpr int64_t kToyWide = 20000;

/// The manifest with one program for the simulator (chip sm_80), after `edit` has seen it.
format::Manifest gpuToyManifest(const std::function<void(format::Manifest &)> &edit = {});
/// The whole file, with the simulator's code.
std::string gpuToyFile(const std::function<void(format::Manifest &)> &edit = {});

/// Writes the file and loads it for `device`; an error where that fails.
Expected<std::unique_ptr<Session>> openGpuToy(const TemporaryFolder &folder, const std::string &device,
                                              const std::function<void(format::Manifest &)> &edit = {},
                                              bool poison = true);
/// The same, which fails the test when it goes wrong.
std::unique_ptr<Session> gpuToySession(const TemporaryFolder &folder, const std::string &device = "sim",
                                       const std::function<void(format::Manifest &)> &edit = {}, bool poison = true);

/// The bytes of all state, tensor by tensor.
std::string stateBytes(const Session &session);
/// An output of an entry.
std::vector<float> outputOf(const Session &session, const std::string &entry, const std::string &name);

} // namespace vlp::test
