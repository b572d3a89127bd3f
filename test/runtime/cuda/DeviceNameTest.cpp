// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the syntax of device names.
#include "runtime/core/DeviceName.h"

#include <gtest/gtest.h>

using namespace vlp;

static DeviceName parse(const std::string &text) {
  auto name = DeviceName::parse(text);
  EXPECT_TRUE(name) << name.status().message();
  return name ? *name : DeviceName();
}

TEST(DeviceName, Families) {
  EXPECT_EQ(parse("cpu").kind, DeviceName::Kind::Cpu);
  EXPECT_EQ(parse("cpu:x86-64-v3").chip, "x86-64-v3");
  EXPECT_EQ(parse("cuda").kind, DeviceName::Kind::Cuda);
  EXPECT_EQ(parse("cuda").ordinal, 0);
  EXPECT_TRUE(parse("cuda").graph);
  EXPECT_EQ(parse("sim").kind, DeviceName::Kind::Sim);
  EXPECT_FALSE(parse("sim").sim.engine.checked);
  EXPECT_TRUE(parse("sim").sim.engine.lateCopies);
}

TEST(DeviceName, Options) {
  DeviceName cuda = parse("cuda:2,sync,graph=off");
  EXPECT_EQ(cuda.ordinal, 2);
  EXPECT_TRUE(cuda.sync);
  EXPECT_FALSE(cuda.graph);
  EXPECT_EQ(parse("cuda:graph=on,11").ordinal, 11);
  DeviceName sim =
      parse("sim:checked,order=random,seed=18446744073709551615,copies=early,memory=3G,chip=sm_90,graph=off");
  EXPECT_TRUE(sim.sim.engine.checked);
  EXPECT_EQ(sim.sim.engine.order, sim::ThreadOrder::Random);
  EXPECT_EQ(sim.sim.engine.seed, UINT64_MAX);
  EXPECT_FALSE(sim.sim.engine.lateCopies);
  EXPECT_EQ(sim.sim.memory, uint64_t(3) << 30);
  EXPECT_EQ(sim.chip, "sm_90");
  EXPECT_FALSE(sim.graph);
  EXPECT_EQ(parse("sim:memory=512").sim.memory, 512u);
  EXPECT_EQ(parse("sim:order=reverse").sim.engine.order, sim::ThreadOrder::Reverse);
}

TEST(DeviceName, Mistakes) {
  for (const char *text : {"", "cpu:", "cuda:", "sim:", "gpu", "CUDA", "cuda0", "metal:1"}) {
    Status status = DeviceName::parse(text).status();
    EXPECT_EQ(status.message(), std::string("unknown device '") + text +
                                    "'; this runtime knows cpu, cpu:CHIP (as in cpu:x86-64-v3), cuda, cuda:N and sim");
    EXPECT_EQ(status.code(), StatusCode::InvalidArgument);
  }
  for (const char *text :
       {"cuda:-1", "cuda:one", "cuda:1x", "cuda:checked", "cuda:sync=1", "cuda:99999999999", "cuda:0,graph=no"})
    EXPECT_NE(DeviceName::parse(text).status().message().find("cuda takes a GPU's number, graph=on|off, sync"),
              std::string::npos)
        << text;
  for (const char *text :
       {"sim:0", "sim:seed=", "sim:seed=x", "sim:order=sideways", "sim:memory=0", "sim:memory=1T",
        "sim:memory=18446744073709551615G", "sim:chip=", "sim:check", "sim:checked=1", "sim:,checked"})
    EXPECT_NE(DeviceName::parse(text).status().message().find("sim takes checked, order=forward|reverse|random"),
              std::string::npos)
        << text;
}
