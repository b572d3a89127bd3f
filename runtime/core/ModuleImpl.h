// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a loaded module holds. Seen by the session only.
#pragma once

#include "runtime/core/DeviceName.h"
#include "runtime/core/Module.h"
#include "runtime/cpu/CodeSection.h"
#include "runtime/cpu/Memory.h"
#include "runtime/cuda/DeviceCode.h"

namespace vlp {

struct Module::Impl {
  explicit Impl(format::Container container) : container(std::move(container)) {}

  /// Chooses the program for the device and loads its code; the constants must be there.
  Status loadCode();
  Status loadCpu();
  Status loadCuda();
  Status loadSim();
  Status loadGpuCode(std::shared_ptr<const cuda::Device> opened, const void *image);

  format::Container container;
  const format::Program *program = nullptr;
  DeviceName deviceName;
  /// The code: of the processor, or on a GPU.
  std::optional<CodeSection> cpu;
  std::unique_ptr<cuda::DeviceCode> gpu;
  std::string device = "cpu", note;
  /// A copy of the file's constants: the file may be compiled anew while this module runs.
  Memory constants;
  std::map<std::string, const format::Entry *, std::less<>> entries;
  /// Indices into the manifest.
  std::map<std::string, size_t, std::less<>> state;
  uint64_t arenaSize = 0;
};

} // namespace vlp
