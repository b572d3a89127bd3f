// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards loading: the right code is chosen, and what cannot run is refused in one line that says what to do.
#include "runtime/core/Module.h"
#include "TestModule.h"

#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;

/// The message of loading the toy as `edit` leaves it.
static Status loadEdited(const TemporaryFolder &folder, const std::function<void(format::Manifest &)> &edit,
                         const std::string &device = "cpu") {
  std::string path = folder.file("edited.vlp");
  writeFile(path, toyFile(edit));
  DeviceOptions options;
  options.device = device;
  return Module::load(path, options).status();
}

#define EXPECT_MESSAGE(status, part)                                                                                   \
  do {                                                                                                                 \
    Status status_ = (status);                                                                                         \
    EXPECT_FALSE(status_.isOk());                                                                                      \
    EXPECT_NE(status_.message().find(part), std::string::npos) << status_.message();                                   \
    EXPECT_EQ(status_.message().find('\n'), std::string::npos) << status_.message();                                   \
  } while (false)

TEST(Module, LoadsAndAnswers) {
  TemporaryFolder folder;
  std::string path = folder.file("toy.vlp");
  writeFile(path, toyFile());
  auto module = Module::load(path);
  ASSERT_TRUE(module) << module.status().message();
  EXPECT_EQ((*module)->manifest().model(), "toy");
  EXPECT_EQ((*module)->arenaSize(), 512u);
  EXPECT_EQ((*module)->path(), path);
  EXPECT_TRUE((*module)->entry("train"));
  EXPECT_NE((*module)->findState("weight"), nullptr);
  EXPECT_EQ((*module)->findState("wait"), nullptr);
  auto unknown = (*module)->entry("trian");
  EXPECT_MESSAGE(unknown.status(), "no entry 'trian'; it has train, encode_image, encode_text, count");
}

TEST(Module, MissingFile) {
  TemporaryFolder folder;
  Status status = Module::load(folder.file("none.vlp")).status();
  EXPECT_MESSAGE(status, "none.vlp: cannot open: No such file");
  EXPECT_EQ(status.code(), StatusCode::NotFound);
  EXPECT_MESSAGE(Module::load(folder.path.string()).status(), "found a directory");
}

TEST(Module, ForAnotherCpu) {
  TemporaryFolder folder;
  Status status = loadEdited(folder, [](format::Manifest &manifest) {
    manifest.mutable_programs(0)->set_chip("x86-64-v9");
    manifest.mutable_programs(0)->add_features("sse2");
    manifest.mutable_programs(0)->add_features("future-cpu-feature");
    manifest.mutable_programs(0)->add_features("another-one");
  });
  EXPECT_MESSAGE(status, "this CPU cannot run the file: its code for x86-64-v9 needs future-cpu-feature, another-one; "
                         "recompile with vlpc --target=cpu:x86-64-v3");
  EXPECT_EQ(status.code(), StatusCode::Unavailable);
}

// A file with several codes runs everywhere that one of them does; the one that asks for most is the best.
TEST(Module, ChoosesTheBestCode) {
  TemporaryFolder folder;
  google::protobuf::RepeatedPtrField<format::Entry> entries;
  google::protobuf::RepeatedPtrField<format::Kernel> kernels;
  auto addCode = [&](format::Manifest &manifest, const char *chip, std::vector<std::string> features,
                     uint32_t section) {
    format::Program &code = *manifest.add_programs();
    *code.mutable_entries() = entries;
    *code.mutable_kernels() = kernels;
    code.set_target("cpu");
    code.set_chip(chip);
    code.set_section(section);
    for (const std::string &feature : features)
      code.add_features(feature);
  };
  // Only section 0 holds code: a choice of section 1 (the constants) shows as an error.
  auto edit = [&](format::Manifest &manifest) {
    entries = manifest.programs(0).entries();
    kernels = manifest.programs(0).kernels();
    manifest.clear_programs();
    addCode(manifest, "old", {}, 1);
    addCode(manifest, "good", {"sse2"}, 0);
    addCode(manifest, "future", {"sse2", "sse", "future-cpu-feature"}, 1);
  };
  Status status = loadEdited(folder, edit);
  EXPECT_TRUE(status) << status.message();
  EXPECT_TRUE(loadEdited(folder, edit, "cpu:good"));
  EXPECT_MESSAGE(loadEdited(folder, edit, "cpu:old"), "not a shared object");
  EXPECT_MESSAGE(loadEdited(folder, edit, "cpu:future"), "needs future-cpu-feature");
  EXPECT_MESSAGE(loadEdited(folder, edit, "cpu:none"),
                 "no code for cpu:none in this file, which has cpu:old, cpu:good, cpu:future");
}

TEST(Module, WithoutCodeForCpu) {
  TemporaryFolder folder;
  auto toGpu = [](format::Manifest &manifest) {
    manifest.mutable_programs(0)->set_target("cuda");
    for (format::Entry &entry : *manifest.mutable_programs(0)->mutable_entries())
      for (format::Op &op : *entry.mutable_ops())
        if (op.has_launch())
          op.mutable_launch()->set_threads(128);
  };
  EXPECT_MESSAGE(loadEdited(folder, toGpu),
                 "no code for cpu in this file, which has cuda:x86-64; recompile with vlpc --target=cpu");
  EXPECT_MESSAGE(loadEdited(folder, [](format::Manifest &manifest) { manifest.clear_programs(); }), "which has none");
}

TEST(Module, UnknownDevice) {
  TemporaryFolder folder;
  for (const char *device : {"gpu", "cuda:", "sim:", "cpu:", "", "CPU"})
    EXPECT_MESSAGE(loadEdited(folder, {}, device), std::string("unknown device '") + device + "'");
}

TEST(Module, ListsAllMissingKernels) {
  TemporaryFolder folder;
  EXPECT_MESSAGE(loadEdited(folder,
                            [](format::Manifest &manifest) {
                              manifest.mutable_programs(0)->mutable_kernels(0)->set_name("matmul_1_2_3_0123");
                              manifest.mutable_programs(0)->mutable_kernels(4)->set_name("row_9");
                            }),
                 "lacks kernels: matmul_1_2_3_0123, row_9;");
}

// glibc knows libraries by name, and the name is made from a descriptor's number: a module loaded after another must
// not get its code.
TEST(Module, LoadedAfterAnotherHasItsOwnCode) {
  TemporaryFolder folder;
  std::string path = folder.file("toy.vlp");
  writeFile(path, toyFile());
  for (int i = 0; i < 20; ++i) {
    auto first = Module::load(path);
    ASSERT_TRUE(first) << first.status().message();
    auto second = Module::load(path);
    ASSERT_TRUE(second) << second.status().message();
    auto session = Session::create(*second);
    ASSERT_TRUE(session);
    first = Status::invalid("dropped");
    EXPECT_TRUE((*session)->run("count"));
  }
}

// The file may be compiled anew while a program runs on it.
TEST(Module, SurvivesItsFile) {
  TemporaryFolder folder;
  auto session = toySession(folder);
  ASSERT_TRUE(session);
  fillToyImage(*session, "train", 0);
  ASSERT_TRUE(session->run("train"));
  float before = floats(*session->output("train", "loss"))[0];
  session->initialize(0);
  writeFile(session->module().path(), "");
  fillToyImage(*session, "train", 0);
  ASSERT_TRUE(session->run("train"));
  EXPECT_EQ(floats(*session->output("train", "loss"))[0], before);
}
