// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the C API: what it answers, who frees what, and that null pointers and wrong sizes are errors, not crashes.
#include "TestModule.h"
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

class CApi : public testing::Test {
protected:
  void SetUp() override {
    writeFile(path, toyFile());
    ASSERT_EQ(take(vlp_module_load(path.c_str(), nullptr, &module)), "");
    ASSERT_EQ(take(vlp_session_create(module, nullptr, &session)), "");
  }
  void TearDown() override {
    vlp_session_free(session);
    vlp_module_free(module);
  }

  TemporaryFolder folder;
  std::string path = folder.file("toy.vlp");
  vlp_module *module = nullptr;
  vlp_session *session = nullptr;
};

TEST_F(CApi, Queries) {
  EXPECT_STREQ(vlp_module_model(module), "toy");
  EXPECT_STREQ(vlp_module_architecture(module), "clip");
  EXPECT_STREQ(vlp_module_compiler_version(module), "test");
  EXPECT_STREQ(vlp_module_device(module), "cpu");
  EXPECT_STREQ(vlp_module_note(module), "");
  EXPECT_EQ(vlp_module_arena_size(module), 512u);
  EXPECT_EQ(vlp_module_entry_count(module), 4u);
  EXPECT_STREQ(vlp_module_entry_name(module, 1), "encode_image");
  EXPECT_EQ(vlp_module_entry_name(module, 4), nullptr);
  size_t count = 99;
  EXPECT_EQ(take(vlp_module_input_count(module, "train", &count)), "");
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(take(vlp_module_output_count(module, "train", &count)), "");
  EXPECT_EQ(count, 2u);
  vlp_tensor_info info;
  EXPECT_EQ(take(vlp_module_input(module, "train", 0, &info)), "");
  EXPECT_STREQ(info.name, "image");
  EXPECT_EQ(info.dtype, VLP_F32);
  ASSERT_EQ(info.rank, 2u);
  EXPECT_EQ(info.shape[0], kToyBatch);
  EXPECT_EQ(info.shape[1], kToyWidth);
  EXPECT_EQ(info.size, uint64_t(kToyBatch * kToyWidth * 4));
  EXPECT_EQ(take(vlp_module_find_output(module, "train", "finite", &info)), "");
  EXPECT_EQ(info.dtype, VLP_I32);
  EXPECT_EQ(info.rank, 0u);
  vlp_state_kind kind;
  EXPECT_EQ(vlp_module_state_count(module), 5u);
  EXPECT_EQ(take(vlp_module_state(module, 2, &info, &kind)), "");
  EXPECT_STREQ(info.name, "train.step");
  EXPECT_EQ(kind, VLP_COUNTER);
  vlp_preprocessing preprocessing;
  EXPECT_EQ(take(vlp_module_preprocessing(module, &preprocessing)), "");
  EXPECT_EQ(preprocessing.vocabulary_size, uint32_t(kToyVocabulary));
  EXPECT_EQ(preprocessing.std[2], 1.0f);
}

TEST_F(CApi, RunsAndCopies) {
  std::vector<float> image(kToyBatch * kToyWidth, 0.5f), weight(kToyWidth);
  EXPECT_EQ(take(vlp_session_set_input(session, "train", "image", image.data(), image.size() * 4)), "");
  EXPECT_EQ(take(vlp_session_set_scalar(session, "train.learning_rate", 0.5f)), "");
  EXPECT_EQ(take(vlp_session_run(session, "train")), "");
  float loss = -1, rate = 0;
  int32_t step = 0, finite = 0;
  EXPECT_EQ(take(vlp_session_get_output(session, "train", "loss", &loss, sizeof loss)), "");
  EXPECT_EQ(take(vlp_session_get_output(session, "train", "finite", &finite, sizeof finite)), "");
  EXPECT_EQ(take(vlp_session_scalar(session, "train.learning_rate", &rate)), "");
  EXPECT_EQ(take(vlp_session_counter(session, "train.step", &step)), "");
  EXPECT_GT(loss, 0);
  EXPECT_EQ(finite, 1);
  EXPECT_EQ(rate, 0.5f);
  EXPECT_EQ(step, 1);
  EXPECT_EQ(take(vlp_session_check_finite(session, "train")), "");
}

TEST_F(CApi, SavesAndLoads) {
  std::string file = folder.file("state.safetensors");
  ASSERT_EQ(take(vlp_session_initialize(session, 42)), "");
  void *weight;
  uint64_t size;
  ASSERT_EQ(take(vlp_session_state(session, "weight", &weight, &size)), "");
  ASSERT_EQ(size, uint64_t(kToyWidth * 4));
  std::string before(static_cast<char *>(weight), size);
  ASSERT_EQ(take(vlp_session_save_checkpoint(session, file.c_str())), "");
  ASSERT_EQ(take(vlp_session_initialize(session, 43)), "");
  EXPECT_NE(std::memcmp(weight, before.data(), size), 0);
  ASSERT_EQ(take(vlp_session_load_weights(session, file.c_str())), "");
  EXPECT_EQ(std::memcmp(weight, before.data(), size), 0);
  ASSERT_EQ(take(vlp_session_load_checkpoint(session, file.c_str())), "");
}

TEST_F(CApi, ModuleMayGoFirst) {
  vlp_module_free(module);
  module = nullptr;
  EXPECT_EQ(take(vlp_session_run(session, "count")), "");
}

TEST_F(CApi, NotFinite) {
  std::vector<float> image(kToyBatch * kToyWidth, 3e38f);
  ASSERT_EQ(take(vlp_session_set_input(session, "train", "image", image.data(), image.size() * 4)), "");
  vlp_status *status = vlp_session_check_finite(session, "train");
  EXPECT_EQ(vlp_status_code(status), VLP_NOT_FINITE);
  EXPECT_EQ(take(status), "entry 'train': not finite first at layer 'visual.pool' (kernel toy_mean)");
}

TEST_F(CApi, Errors) {
  vlp_status *status = vlp_session_run(session, "evaluate");
  EXPECT_EQ(vlp_status_code(status), VLP_NOT_FOUND);
  EXPECT_NE(std::string(vlp_status_file(status)).find("Module.cpp"), std::string::npos);
  EXPECT_GT(vlp_status_line(status), 0u);
  vlp_status_free(status);
  EXPECT_EQ(vlp_status_code(nullptr), VLP_OK);
  EXPECT_STREQ(vlp_status_message(nullptr), "");
  vlp_status_free(nullptr);

  float value = 0;
  EXPECT_NE(take(vlp_session_set_input(session, "train", "image", &value, 4)).find("expected 444 bytes, got 4"),
            std::string::npos);
  EXPECT_NE(take(vlp_session_get_output(session, "train", "loss", &value, 8)).find("expected 4 bytes, got 8"),
            std::string::npos);
  vlp_tensor_info info;
  EXPECT_NE(take(vlp_module_output(module, "train", 2, &info)).find("has 2 outputs, no number 2"), std::string::npos);
  EXPECT_NE(take(vlp_module_find_input(module, "train", "x", &info)).find("it has image"), std::string::npos);
  EXPECT_NE(take(vlp_session_load_weights(session, "/no/such/file")).find("cannot open"), std::string::npos);
  vlp_module *none = nullptr;
  EXPECT_NE(take(vlp_module_load(nullptr, nullptr, &none)).find("NULL"), std::string::npos);
  EXPECT_NE(take(vlp_module_load(path.c_str(), nullptr, nullptr)).find("NULL"), std::string::npos);
  EXPECT_NE(take(vlp_session_run(nullptr, "train")).find("NULL"), std::string::npos);
  vlp_session_free(nullptr);
  vlp_module_free(nullptr);
}

TEST_F(CApi, Options) {
  vlp_options options{};
  vlp_module *other = nullptr;
  EXPECT_NE(take(vlp_module_load(path.c_str(), &options, &other)).find("struct_size is 0"), std::string::npos);
  options.struct_size = sizeof options;
  options.stream = &options;
  vlp_session *onStream = nullptr;
  EXPECT_NE(take(vlp_session_create(module, &options, &onStream)).find("a stream can be given for device cuda alone"),
            std::string::npos);
  options.stream = nullptr;
  options.device = "tpu";
  EXPECT_NE(take(vlp_module_load(path.c_str(), &options, &other)).find("unknown device 'tpu'"), std::string::npos);
  EXPECT_EQ(other, nullptr);
  // A program built against an earlier, shorter struct.
  options.device = "cpu";
  options.struct_size = offsetof(vlp_options, arena);
  options.stream = &options;
  ASSERT_EQ(take(vlp_module_load(path.c_str(), &options, &other)), "");
  alignas(64) static unsigned char arena[512];
  options = {sizeof options, "cpu", 1, arena, sizeof arena, nullptr};
  vlp_session *inArena = nullptr;
  ASSERT_EQ(take(vlp_session_create(other, &options, &inArena)), "");
  EXPECT_EQ(take(vlp_session_run(inArena, "train")), "");
  vlp_session_free(inArena);
  vlp_module_free(other);
}
