// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the trace-event form: microseconds, complete events, track names.
#include "runtime/report/ChromeTrace.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace vlp::report;

TEST(ChromeTrace, Events) {
  ChromeTrace trace;
  trace.nameTrack(0, "cpu");
  trace.add("matmul \"x\"", "forward", 0, 0.5, 0.75, {{"gflops", 12.5}}, {{"layer", "visual"}});
  auto document = nlohmann::json::parse(trace.json());
  auto events = document["traceEvents"];
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]["ph"], "M");
  EXPECT_EQ(events[1]["ph"], "X");
  EXPECT_EQ(events[1]["name"], "matmul \"x\"");
  EXPECT_DOUBLE_EQ(events[1]["ts"], 0.5e6);
  EXPECT_DOUBLE_EQ(events[1]["dur"], 0.25e6);
  EXPECT_DOUBLE_EQ(events[1]["args"]["gflops"], 12.5);
  EXPECT_EQ(events[1]["args"]["layer"], "visual");
}

TEST(ChromeTrace, EmptyAndDamagedText) {
  EXPECT_EQ(nlohmann::json::parse(ChromeTrace().json())["traceEvents"].size(), 0u);
  ChromeTrace trace;
  trace.add("\xff\xfe", "", 0, 0, 1);
  EXPECT_TRUE(nlohmann::json::accept(trace.json()));
}
