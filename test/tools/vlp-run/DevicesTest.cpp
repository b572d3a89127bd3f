// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards --device: every command runs on the simulated GPU, and says in a line why it cannot run on a real one.
#include "test/runtime/cuda/SimToyClip.h"
#include "test/tools/vlp-run/RunTool.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

using namespace vlp::test;
using nlohmann::json;

namespace {

struct Devices : ToolTest {
  void SetUp() override {
    writeSimToyClip(file("gpu.vlp"), [](vlp::format::Manifest &manifest) {
      vlp::format::Program program = manifest.programs(1);
      program.set_target("cuda");
      program.set_driver_version(12000);
      program.set_section(uint32_t(manifest.sections_size()));
      manifest.add_sections()->set_name("cuda:sm_80");
      manifest.add_sections()->set_name("ptx:sm_80");
      program.set_ptx_section(uint32_t(manifest.sections_size()));
      *manifest.add_programs() = program;
    });
  }
  void TearDown() override {
    for (const char *name : {"VLP_CUDA_DRIVER", "STUB_INIT", "STUB_CAPABILITY", "STUB_MEMORY", "STUB_LAUNCH"})
      unsetenv(name);
  }
};

} // namespace

TEST_F(Devices, TrainingOnTheSimulatorEqualsTheProcessor) {
  succeeds("train gpu.vlp --device=sim:seed=3 --data=shapes --out=sim-run --steps=40");
  for (const char *name : {"/checkpoint.safetensors", "/best.safetensors"})
    EXPECT_EQ(readText(file(std::string("sim-run") + name)), readText(file(std::string("run") + name)));
  succeeds("train gpu.vlp --device=sim:graph=off --data=shapes --out=sim-part --steps=40 --stop-at=17");
  succeeds("train gpu.vlp --device=sim --data=shapes --out=sim-part --resume");
  EXPECT_EQ(readText(file("sim-part/checkpoint.safetensors")), readText(file("run/checkpoint.safetensors")));
}

TEST_F(Devices, EveryCommandRunsOnTheSimulator) {
  auto evaluation = [&](const std::string &device) {
    succeeds("eval gpu.vlp --device=" + device + " --weights=run --data=shapes --bootstrap=20 --json=eval.json");
    return json::parse(readText(file("eval.json")))["sets"];
  };
  EXPECT_EQ(evaluation("sim"), evaluation("cpu"));
  auto embedding = [&](const std::string &device) {
    succeeds("embed gpu.vlp --device=" + device + " --weights=run --data=shapes --split=val --out=e.safetensors");
    return readText(file("e.safetensors"));
  };
  EXPECT_EQ(embedding("sim:order=reverse"), embedding("cpu"));
  EXPECT_EQ(succeeds("search gpu.vlp --device=sim --weights=run --data=shapes --split=test --query='ring'"),
            succeeds("search gpu.vlp --weights=run --data=shapes --split=test --query='ring'"));
  std::string text = succeeds("bench gpu.vlp --device=sim --repeats=2 --json=bench.json");
  EXPECT_NE(text.find("on a simulated GPU (sm_80): times are the simulator's and say nothing of a GPU"),
            std::string::npos)
      << text;
  EXPECT_EQ(json::parse(readText(file("bench.json")))[0]["device"], "simulated GPU (sm_80)");
  text = succeeds("profile gpu.vlp --device=sim --repeats=2 --trace=trace.json --html=profile.html");
  for (const char *part : {"simulated GPU (sm_80)", "optimizer", "toy_clip_step"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_EQ(json::parse(readText(file("trace.json")))["traceEvents"].size(), 2u + 4 + 4);
}

TEST_F(Devices, WhatStandsInTheWayOfAGpu) {
  fails("bench model.vlp --device=cuda",
        {"no code for cuda in this file, which has cpu:x86-64; recompile with vlpc --target=cuda:sm_80"});
  fails("bench model.vlp --device=sim",
        {"no code for sim in this file, which has cpu:x86-64; recompile with vlpc --target=sim"});
  setenv("VLP_CUDA_DRIVER", "libno-such-driver.so.1", 1);
  fails("train gpu.vlp --device=cuda --data=shapes --out=none", {"no NVIDIA driver on this machine", "--device=sim"});
  EXPECT_FALSE(std::filesystem::exists(file("none")));
  setenv("VLP_CUDA_DRIVER", VLP_STUB_DRIVER, 1);
  setenv("STUB_INIT", "100", 1);
  fails("profile gpu.vlp --device=cuda", {"the NVIDIA driver finds no GPU (CUDA_ERROR_NO_DEVICE)"});
  setenv("STUB_INIT", "0", 1);
  fails("eval gpu.vlp --device=cuda:4 --weights=run --data=shapes", {"device cuda:4: this machine has 1 GPU, cuda:0"});
  setenv("STUB_CAPABILITY", "75", 1);
  fails("bench gpu.vlp --device=cuda", {"no code for Stub 0 (sm_75) in this file"});
  setenv("STUB_CAPABILITY", "80", 1);
  setenv("STUB_MEMORY", "100000", 1);
  fails("bench gpu.vlp --device=cuda", {"out of memory: gpu.vlp needs", "on Stub 0 (sm_80)"});
  fails("bench gpu.vlp --device=sim:memory=1k", {"out of memory"});
  fails("bench gpu.vlp --device=sim:sped=1", {"device 'sim:sped=1': unknown option 'sped=1'; sim takes checked"});
}

TEST_F(Devices, NotesAndFaultsOfAGpu) {
  setenv("VLP_CUDA_DRIVER", VLP_STUB_DRIVER, 1);
  setenv("STUB_CAPABILITY", "120", 1);
  ToolResult result = tool("bench gpu.vlp --device=cuda --entry=encode_text --repeats=1");
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_EQ(
      result.err.find("note: gpu.vlp has no machine code for Stub 0 (sm_120): the driver compiles its PTX for sm_80"),
      0u)
      << result.err;
  EXPECT_NE(result.out.find("on Stub 0 (sm_120)"), std::string::npos) << result.out;
  setenv("STUB_LAUNCH", "1:700", 1);
  result = tool("bench gpu.vlp --device=cuda --entry=encode_text --repeats=1");
  EXPECT_EQ(result.exitCode, 2); // our mistake, not the user's
  EXPECT_NE(result.err.find("error: entry 'encode_text', layer 'text', kernel toy_clip_text (8 blocks of 32 threads"),
            std::string::npos)
      << result.err;
}
