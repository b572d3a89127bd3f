// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the C API on a GPU, by the simulated one: the device string passes through, and memory is where it says.
#include "test/runtime/cuda/GpuToy.h"
#include "vlp/vlp.h"

#include <cstring>
#include <gtest/gtest.h>
#include <vector>

using namespace vlp::test;

/// The message of a status, which it frees.
static std::string take(vlp_status *status) {
  std::string message = vlp_status_message(status);
  vlp_status_free(status);
  return message;
}

TEST(SimCApi, RunsWhereTheDeviceSays) {
  TemporaryFolder folder;
  std::string path = folder.file("toy.vlp");
  writeFile(path, gpuToyFile());
  vlp_options options{};
  options.struct_size = sizeof options;
  options.device = "sim:checked,order=random,seed=3";
  vlp_module *module = nullptr;
  vlp_session *session = nullptr;
  ASSERT_EQ(take(vlp_module_load(path.c_str(), &options, &module)), "");
  ASSERT_EQ(take(vlp_session_create(module, &options, &session)), "");
  EXPECT_STREQ(vlp_module_device(module), "simulated GPU (sm_80)");
  void *input = nullptr, *weight = nullptr;
  const void *loss = nullptr;
  ASSERT_EQ(take(vlp_session_input(session, "train", "image", &input, nullptr)), "");
  ASSERT_EQ(take(vlp_session_output(session, "train", "loss", &loss, nullptr)), "");
  ASSERT_EQ(take(vlp_session_state(session, "weight", &weight, nullptr)), "");
  float last = 0, first = 0;
  for (int i = 0; i < 100; ++i) {
    // The addresses of inputs and outputs are asked for once.
    for (int j = 0; j < kToyBatch * kToyWidth; ++j)
      static_cast<float *>(input)[j] = float(j % 7);
    ASSERT_EQ(take(vlp_session_run(session, "train")), "");
    float now;
    std::memcpy(&now, loss, sizeof now);
    EXPECT_NE(now, last);
    last = now;
    first = i == 0 ? now : first;
  }
  EXPECT_LT(last, 0.05f * first);
  // The state's address stays, but must be asked for again.
  void *again = nullptr;
  ASSERT_EQ(take(vlp_session_state(session, "weight", &again, nullptr)), "");
  EXPECT_EQ(again, weight);
  std::vector<float> zeros(kToyWidth);
  std::memcpy(again, zeros.data(), zeros.size() * 4);
  ASSERT_EQ(take(vlp_session_set_scalar(session, "train.learning_rate", 0)), "");
  ASSERT_EQ(take(vlp_session_run(session, "train")), "");
  ASSERT_EQ(take(vlp_session_state(session, "weight", &again, nullptr)), "");
  EXPECT_EQ(std::memcmp(again, zeros.data(), zeros.size() * 4), 0);
  int32_t steps = 0;
  ASSERT_EQ(take(vlp_session_counter(session, "train.step", &steps)), "");
  EXPECT_EQ(steps, 101);
  EXPECT_EQ(take(vlp_session_check_finite(session, "train")), "");
  EXPECT_NE(take(vlp_session_state(session, "wait", &again, nullptr)).find("no state tensor 'wait'"),
            std::string::npos);
  vlp_session_free(session);
  vlp_module_free(module);
}

TEST(SimCApi, WrongDevices) {
  TemporaryFolder folder;
  std::string path = folder.file("toy.vlp");
  writeFile(path, gpuToyFile());
  vlp_options options{};
  options.struct_size = sizeof options;
  vlp_module *module = nullptr;
  options.device = "sim:chekced";
  EXPECT_NE(take(vlp_module_load(path.c_str(), &options, &module)).find("unknown option 'chekced'; sim takes checked"),
            std::string::npos);
  options.device = "cuda";
  EXPECT_NE(take(vlp_module_load(path.c_str(), &options, &module)).find("no code for cuda in this file"),
            std::string::npos);
  EXPECT_EQ(module, nullptr);
}
