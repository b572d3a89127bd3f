// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards what is printed when: plain lines at intervals, a bar that redraws in place, times left that survive a resumed
// start.
#include "runtime/report/Progress.h"

#include <gtest/gtest.h>

using namespace vlp::report;

namespace {
struct Captured {
  std::FILE *file = std::tmpfile();
  double time = 0;
  ~Captured() { std::fclose(file); }
  Progress::Settings settings(bool bar) {
    Progress::Settings settings;
    settings.stream = file;
    settings.bar = bar;
    settings.clock = [this] { return time; };
    return settings;
  }
  std::string text() {
    std::fflush(file);
    std::rewind(file);
    std::string out(4096, '\0');
    out.resize(std::fread(out.data(), 1, out.size(), file));
    return out;
  }
};
} // namespace

TEST(Progress, PlainLines) {
  Captured out;
  {
    Progress progress("train", 100, out.settings(false));
    progress.update(0);
    out.time = 5;
    progress.update(20, "loss 3.0");
    out.time = 10;
    progress.update(40, "loss 2.5");
    progress.note("validation 12 %");
    out.time = 25;
    progress.update(100, "loss 2.0");
  }
  EXPECT_EQ(out.text(), "train 40/100  loss 2.5  0:15 left\nvalidation 12 %\ntrain 100/100  loss 2.0  in 0:25\n");
}

TEST(Progress, ShortWorkPrintsItsEndOnly) {
  Captured out;
  {
    Progress progress("x", 2, out.settings(false));
    progress.update(1);
    progress.update(2);
  }
  EXPECT_EQ(out.text(), "x 2/2  in 0:00\n");
}

TEST(Progress, NothingWithoutUpdates) {
  Captured out;
  { Progress progress("x", 2, out.settings(true)); }
  EXPECT_EQ(out.text(), "");
}

TEST(Progress, TimeLeftCountsFromTheResumedStep) {
  Captured out;
  {
    Progress progress("train", 100, out.settings(false));
    progress.update(50);
    out.time = 10;
    progress.update(75);
  }
  EXPECT_NE(out.text().find("0:10 left"), std::string::npos) << out.text();
}

TEST(Progress, BarRedrawsAndNotesStayAbove) {
  Captured out;
  {
    Progress progress("t", 4, out.settings(true));
    progress.update(0);
    out.time = 1;
    progress.update(2);
    progress.note("hello");
    progress.finish();
  }
  std::string text = out.text();
  EXPECT_NE(text.find("\r\033[Khello\n"), std::string::npos);
  EXPECT_NE(text.find("2/4"), std::string::npos);
  EXPECT_EQ(text.back(), '\n');
}

TEST(Progress, UnknownTotal) {
  Captured out;
  {
    Progress progress("read", 0, out.settings(false));
    progress.update(0);
    out.time = 11;
    progress.update(7);
  }
  EXPECT_EQ(out.text(), "read 7\n");
}
