// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards that an attached profiler sees entries and layers. A program of its own: a process attaches once.
#include "test/runtime/cuda/GpuToy.h"

#include <cstdlib>
#include <dlfcn.h>
#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;

TEST(Nvtx, ProfilerSeesEntriesAndLayers) {
  setenv("NVTX_INJECTION64_PATH", VLP_STUB_PROFILER, 1);
  void *profiler = dlopen(VLP_STUB_PROFILER, RTLD_NOW);
  ASSERT_TRUE(profiler) << dlerror();
  auto ranges = reinterpret_cast<const char *(*)()>(dlsym(profiler, "stub_ranges"));
  auto depth = reinterpret_cast<int (*)()>(dlsym(profiler, "stub_depth"));
  TemporaryFolder folder;
  auto session = gpuToySession(folder);
  fillToyImage(*session, "train", 0);
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(session->run("train"));
  // Launch by launch, then captured with layers as ranges, then replayed as a whole.
  EXPECT_STREQ(ranges(), "train\n  visual.pool\n  visual.proj\n  loss\n  optimizer\n  optimizer\n"
                         "train\n  visual.pool\n  visual.proj\n  loss\n  optimizer\n"
                         "train\n");
  EXPECT_EQ(depth(), 0);
}
