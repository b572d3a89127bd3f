// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards what a user is told where --device=cuda cannot work, one clear line each, and which calls the driver gets
// where it can. The driver is a stub.
#include "test/runtime/cuda/GpuToy.h"

#include <cstdlib>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <map>

using namespace vlp;
using namespace vlp::test;

namespace {

/// Adds a program for `chip`, with its PTX where asked for.
void addCuda(format::Manifest &manifest, const std::string &chip, bool ptx = false) {
  format::Program program = manifest.programs(0);
  program.set_target("cuda");
  program.set_chip(chip);
  program.set_section(uint32_t(manifest.sections_size()));
  program.set_driver_version(12040);
  manifest.add_sections()->set_name("cuda:" + chip);
  if (ptx) {
    manifest.add_sections()->set_name("ptx:" + chip);
    program.set_ptx_section(uint32_t(manifest.sections_size()));
  }
  *manifest.add_programs() = program;
}

class StubDriver : public testing::Test {
protected:
  void SetUp() override {
    set("VLP_CUDA_DRIVER", VLP_STUB_DRIVER);
    library = dlopen(VLP_STUB_DRIVER, RTLD_NOW);
    ASSERT_TRUE(library) << dlerror();
    call<void>("stub_reset");
  }
  void TearDown() override {
    EXPECT_EQ(call<int>("stub_nesting"), 0); // every context that was pushed has been popped
    EXPECT_EQ(call<uint64_t>("stub_allocated"), 0u);
    for (const std::string &name : variables)
      unsetenv(name.c_str());
  }

  template <typename T>
  T call(const char *name) {
    return reinterpret_cast<T (*)()>(dlsym(library, name))();
  }
  void set(const std::string &name, const std::string &value) {
    setenv(name.c_str(), value.c_str(), 1);
    variables.push_back(name);
  }
  /// What the driver was asked to do.
  std::string log() { return call<const char *>("stub_log"); }
  size_t count(const std::string &line) {
    size_t found = 0;
    std::string text = "\n" + log();
    for (size_t at = 0; (at = text.find("\n" + line, at)) != std::string::npos; ++at)
      ++found;
    return found;
  }

  Expected<std::unique_ptr<Session>> open(
      const std::string &device = "cuda", const std::function<void(format::Manifest &)> &edit =
                                              [](format::Manifest &manifest) { addCuda(manifest, "sm_80"); }) {
    return openGpuToy(folder, device, edit, false);
  }
  void refused(const Status &status, std::initializer_list<const char *> parts,
               StatusCode code = StatusCode::Unavailable) {
    EXPECT_FALSE(status.isOk());
    EXPECT_EQ(status.code(), code) << status.message();
    EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
    for (const char *part : parts)
      EXPECT_NE(status.message().find(part), std::string::npos) << part << " in: " << status.message();
  }

  TemporaryFolder folder;
  void *library = nullptr;
  std::vector<std::string> variables;
};

} // namespace

TEST_F(StubDriver, NoDriverLibrary) {
  set("VLP_CUDA_DRIVER", "libno-such-driver.so.1");
  refused(open().status(),
          {"device cuda: no NVIDIA driver on this machine (libno-such-driver.so.1: cannot open shared object file",
           "install it, or use --device=sim or --device=cpu"});
}

TEST_F(StubDriver, NoGpu) {
  set("STUB_INIT", "100");
  refused(open().status(), {"device cuda: the NVIDIA driver finds no GPU (CUDA_ERROR_NO_DEVICE)", "use --device=sim"});
  set("STUB_INIT", "34");
  refused(open().status(), {"is the toolkit's stub, not the NVIDIA driver (CUDA_ERROR_STUB_LIBRARY)"});
  set("STUB_INIT", "999");
  refused(open().status(), {"the NVIDIA driver does not start", "CUDA error 999"});
}

TEST_F(StubDriver, OldDriver) {
  set("STUB_VERSION", "11080");
  refused(open().status(),
          {"its code for sm_80 needs a driver that supports CUDA 12.4, this machine's supports CUDA 11.8; "
           "update the NVIDIA driver"});
  set("STUB_VERSION", "12040");
  EXPECT_TRUE(open());
  set("VLP_CUDA_DRIVER", VLP_STUB_OLD_DRIVER);
  set("STUB_VERSION", "11020");
  refused(open().status(), {"the NVIDIA driver is too old",
                            "lacks cuGraphInstantiateWithFlags (it supports CUDA 11.2, 11.4 is the least)"});
}

TEST_F(StubDriver, WrongOrdinal) {
  refused(open("cuda:1").status(), {"device cuda:1: this machine has 1 GPU, cuda:0"}, StatusCode::InvalidArgument);
  set("STUB_DEVICES", "3");
  refused(open("cuda:3").status(), {"device cuda:3: this machine has 3 GPUs, cuda:0 to cuda:2"},
          StatusCode::InvalidArgument);
  auto session = open("cuda:2");
  ASSERT_TRUE(session);
  EXPECT_EQ((*session)->module().device(), "Stub 2 (sm_80)");
  set("STUB_RETAIN", "46");
  refused(open("cuda:2").status(), {"device cuda:2, Stub 2 (sm_80): cannot be used: CUDA_ERROR_DEVICE_UNAVAILABLE"});
}

TEST_F(StubDriver, FileWithoutCode) {
  set("STUB_INIT", "100"); // of the two, what the user can change without buying a GPU
  refused(open("cuda", {}).status(),
          {"no code for cuda in this file, which has sim:sm_80; recompile with vlpc --target=cuda:sm_80"});
  auto cudaAlone = [](format::Manifest &manifest) {
    addCuda(manifest, "sm_90");
    manifest.mutable_programs()->DeleteSubrange(0, 1);
  };
  refused(open("sim", cudaAlone).status(),
          {"no code for sim in this file, which has cuda:sm_90; recompile with vlpc --target=sim"});
  refused(open("cpu", cudaAlone).status(), {"no code for cpu in this file"});
  refused(open("sim:chip=sm_90").status(),
          {"no code for sim of chip sm_90 in this file, which has sim:sm_80, cuda:sm_80"});
}

TEST_F(StubDriver, ChoosesTheCodeForTheChip) {
  auto edit = [](format::Manifest &manifest) {
    addCuda(manifest, "sm_90a");
    addCuda(manifest, "sm_80", true);
    addCuda(manifest, "sm_86");
    addCuda(manifest, "sm_90");
  };
  struct Case {
    const char *capability, *image;
    bool compiled;
  };
  // Binaries run on chips of the same major version that are not older; sm_90a on 9.0 alone; PTX on all that follow.
  for (auto [capability, image, compiled] : {Case{"80", "load image of cuda:sm_80", false},
                                             {"86", "load image of cuda:sm_86", false},
                                             {"89", "load image of cuda:sm_86", false},
                                             {"90", "load image of cuda:sm_90a", false},
                                             {"91", "load image of cuda:sm_90\n", false},
                                             {"100", "load image of ptx:sm_80", true},
                                             {"120", "load image of ptx:sm_80", true}}) {
    set("STUB_CAPABILITY", capability);
    call<void>("stub_reset");
    auto session = open("cuda", edit);
    ASSERT_TRUE(session) << session.status().message();
    EXPECT_NE(log().find(image), std::string::npos) << capability << ": " << log();
    const std::string &note = (*session)->module().note();
    EXPECT_EQ(note.find("the driver compiles its PTX for sm_80") != std::string::npos, compiled) << note;
    EXPECT_EQ(note.find("--target=cuda:sm_" + std::string(capability)) != std::string::npos, compiled) << note;
  }
  set("STUB_CAPABILITY", "75");
  refused(open("cuda", edit).status(),
          {"no code for Stub 0 (sm_75) in this file, which has sim:sm_80, cuda:sm_90a, cuda:sm_80 (with PTX), "
           "cuda:sm_86, cuda:sm_90; recompile with vlpc --target=cuda:sm_75"});
  set("STUB_CAPABILITY", "90");
  refused(open().status(), {"no code for Stub 0 (sm_90) in this file, which has sim:sm_80, cuda:sm_80; recompile"});
}

TEST_F(StubDriver, CodeThatTheDriverRefuses) {
  set("STUB_MODULE", "222:ptxas fatal: unsupported version\nand so on");
  set("STUB_CAPABILITY", "90");
  refused(open("cuda", [](format::Manifest &manifest) { addCuda(manifest, "sm_80", true); }).status(),
          {"Stub 0 (sm_90) does not take its code for sm_80: CUDA_ERROR_UNSUPPORTED_PTX_VERSION: ptxas fatal: "
           "unsupported version; "
           "update the NVIDIA driver, or recompile with vlpc --target=cuda:sm_90"});
  unsetenv("STUB_MODULE");
  set("STUB_LACKS_KERNEL", "toy_step");
  set("STUB_CAPABILITY", "80");
  refused(open().status(), {"its code lacks kernels: toy_step; compile the model again with vlpc"},
          StatusCode::DataLoss);
}

TEST_F(StubDriver, TooLittleMemory) {
  set("STUB_MEMORY", "100000");
  refused(open().status(), {"out of memory: ", " needs ", " on Stub 0 (sm_80) (state ", "intermediate values 512 bytes",
                            "99.9 kB are free; compile it for a smaller batch"});
}

TEST_F(StubDriver, LaunchesGraphsAndAttributes) {
  auto session = open("cuda", [](format::Manifest &manifest) {
    addCuda(manifest, "sm_80");
    manifest.mutable_programs(1)->mutable_entries(0)->mutable_ops(2)->mutable_launch()->set_shared(50000);
  });
  ASSERT_TRUE(session) << session.status().message();
  EXPECT_EQ(count("attribute 8 of toy_loss = 50000"), 1u);
  EXPECT_EQ(count("attribute"), 1u);
  for (int i = 0; i < 4; ++i)
    ASSERT_TRUE((*session)->run("train"));
  // One run launch by launch, one capture, replays from then on.
  EXPECT_EQ(count("launch toy_"), 5u);
  EXPECT_EQ(count("launch toy_mean 2 x 32, 0"), 1u);
  EXPECT_EQ(count("launch toy_loss 1 x 32, 50000"), 1u);
  EXPECT_EQ(count("capture toy_"), 5u);
  EXPECT_EQ(count("instantiate"), 1u);
  EXPECT_EQ(count("replay"), 3u);
  std::vector<OpTiming> timings;
  ASSERT_TRUE((*session)->runTimed("train", timings));
  EXPECT_FLOAT_EQ(float(timings[4].end), 0.01f); // five times the stub's two milliseconds
  session = Status::invalid("gone");
  EXPECT_EQ(count("unload"), 1u);
  EXPECT_EQ(count("release"), 1u);
}

TEST_F(StubDriver, WithoutGraphs) {
  for (const char *device : {"cuda:graph=off", "cuda:0,graph=off", "cuda:sync"}) {
    call<void>("stub_reset");
    auto session = open(device);
    ASSERT_TRUE(session) << session.status().message();
    for (int i = 0; i < 4; ++i)
      ASSERT_TRUE((*session)->run("train"));
    EXPECT_EQ(count("launch toy_"), 20u) << device;
    EXPECT_EQ(count("replay") + count("capture"), 0u) << device;
  }
}

TEST_F(StubDriver, FailedLaunchNamesKernelAndLayer) {
  set("STUB_LAUNCH", "3:701");
  auto session = open();
  refused((*session)->run("train"),
          {"entry 'train', layer 'loss', kernel toy_loss (1 blocks of 32 threads, 148 bytes of shared memory): "
           "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"},
          StatusCode::Internal);
}

TEST_F(StubDriver, FaultNamesKernelAndLayer) {
  // In the first run each launch is waited for.
  set("STUB_FAULT", "4:700");
  auto session = open();
  const char *message =
      "entry 'train', layer 'optimizer', kernel toy_step (2 blocks of 32 threads, 0 bytes of shared memory): "
      "CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)";
  refused((*session)->run("train"), {message}, StatusCode::Internal);
  refused((*session)->run("encode_image"), {message}, StatusCode::Internal);
  refused((*session)->readState("weight").status(), {message}, StatusCode::Internal);
  session = Status::invalid("gone");
  // Later ones are not, but can be.
  call<void>("stub_reset");
  set("STUB_FAULT", "9:700");
  session = open("cuda:0,graph=off");
  ASSERT_TRUE((*session)->run("train"));
  refused((*session)->run("train"), {"entry 'train'", "CUDA_ERROR_ILLEGAL_ADDRESS"}, StatusCode::Internal);
  session = Status::invalid("gone");
  call<void>("stub_reset");
  session = open("cuda:sync");
  ASSERT_TRUE((*session)->run("train"));
  refused((*session)->run("train"), {message}, StatusCode::Internal);
  session = Status::invalid("gone");
  call<void>("stub_reset");
  set("STUB_FAULT", "0:700"); // the first replay
  session = open();
  ASSERT_TRUE((*session)->run("train"));
  refused((*session)->run("train"),
          {"entry 'train': CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered) "
           "in one of its 5 ops; run with --device=cuda:0,sync to learn which"},
          StatusCode::Internal);
  session = Status::invalid("gone");
  call<void>("stub_reset");
}

TEST_F(StubDriver, CallersArenaAndStream) {
  auto session = open();
  ASSERT_TRUE(session);
  DeviceOptions options;
  options.device = "cuda";
  auto module = Module::load((*session)->module().path(), options);
  session = Status::invalid("gone");
  uint64_t before = call<uint64_t>("stub_allocated");
  alignas(64) static std::byte arena[512];
  options.arena = arena;
  options.arenaSize = sizeof arena;
  options.stream = arena;
  auto own = Session::create(*module, {.device = "cuda"}), lent = Session::create(*module, options);
  ASSERT_TRUE(own && lent) << lent.status().message();
  ASSERT_TRUE((*lent)->run("train"));
  lent = Status::invalid("gone");
  uint64_t ownBytes = call<uint64_t>("stub_allocated") - before;
  own = Status::invalid("gone");
  EXPECT_EQ(call<uint64_t>("stub_allocated"), before);
  lent = Session::create(*module, options);
  EXPECT_EQ(call<uint64_t>("stub_allocated") - before, ownBytes - 512);
}
