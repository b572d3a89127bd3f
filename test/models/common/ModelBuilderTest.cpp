// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards moving averages: what they read, what they write, and that all parameters of a model with twins have one.
#include "models/common/ModelBuilder.h"
#include "models/common/Initializers.h"
#include "test/models/common/EntryRunner.h"

using namespace vlp;
using namespace vlp::models;
using vlp::test::EntryRunner;
using vlp::test::makeArray;

TEST(ModelBuilder, TwinsAreAveragesOfWhatTheEntryBeganWith) {
  EntryRunner runner;
  ModelBuilder b(*runner.module);
  InitializerAttr zero = constantInit(&runner.context, 0.0);
  runner.build(b, {}, [&]() -> std::vector<Output> {
    mlir::Value online, twin;
    {
      Layer layer(b, "encoder");
      online = b.parameter("weight", {2}, zero);
      b.parameter("unused", {}, zero);
    }
    {
      Layer other(b, "head");
      b.parameter("weight", {2}, zero);
    }
    {
      TwinScope scope(b, 0.75);
      Layer layer(b, "encoder_m");
      twin = b.parameter("weight", {2}, zero);
      EXPECT_EQ(b.parameter("weight", {2}, zero), twin) << "averaged once";
    }
    b.averageOtherTwins();
    return {{"online", online}, {"twin", twin}};
  });
  EXPECT_FALSE(runner.module->lookupSymbol("head_m.weight"));
  auto twin = runner.module->lookupSymbol<ParameterOp>("encoder_m.weight");
  ASSERT_TRUE(twin);
  EXPECT_FALSE(twin.getTrainable());
  EXPECT_FALSE(twin.getDecay());
  EXPECT_EQ(twin.getTwinOf(), "encoder.weight");
  runner.state = {{"encoder.weight", makeArray({2}, {1, 2})},
                  {"encoder_m.weight", makeArray({2}, {5, -2})},
                  {"encoder.unused", makeArray({}, {8})},
                  {"encoder_m.unused", makeArray({}, {0})},
                  {"head.weight", makeArray({2}, {0, 0})}};
  auto results = runner.run({});
  EXPECT_EQ(results[0].values, (std::vector<double>{1, 2}));
  EXPECT_EQ(results[1].values, (std::vector<double>{4, -1}));
  EXPECT_EQ(runner.state["encoder_m.weight"].values, (std::vector<double>{4, -1}));
  EXPECT_EQ(runner.state["encoder_m.unused"].values, std::vector<double>{2});
  EXPECT_EQ(runner.state["encoder.weight"].values, (std::vector<double>{1, 2}));
}
