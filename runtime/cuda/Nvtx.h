// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Named ranges for NVIDIA's profilers (NVTX), where one is attached.
#pragma once

#include <string>

namespace vlp::cuda {

/// Marks what the calling thread does during its lifetime. Costs a test when no profiler listens.
class NvtxRange {
public:
  explicit NvtxRange(const std::string &name);
  ~NvtxRange();
  /// Ends this range and begins another, unless it is called the same.
  void rename(const std::string &name);
  NvtxRange(const NvtxRange &) = delete;
  NvtxRange &operator=(const NvtxRange &) = delete;

private:
  const std::string *current;
};

} // namespace vlp::cuda
