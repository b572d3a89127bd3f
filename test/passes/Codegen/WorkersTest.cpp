// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards that every request gets its own reply, and that a child's death costs one reply and no more.
#include "passes/Codegen/Workers.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/raw_ostream.h"
#include <atomic>
#include <cerrno>
#include <csignal>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace vlp;
using llvm::StringRef;

namespace {

Reply answer(StringRef request) {
  if (request == "abort")
    llvm::report_fatal_error("Cannot select: t12: f32 = mystery", /*gen_crash_diag=*/false);
  if (request == "kill")
    raise(SIGKILL);
  if (request == "exit")
    _exit(7);
  if (request == "refuse")
    return {false, "no such thing"};
  if (request == "talk")
    llvm::errs() << "a word from the assembler\n";
  if (request == "who")
    return {true, std::to_string(getpid())};
  return {true, "<" + request.str() + ">"};
}

/// All replies, by request.
std::map<std::string, Reply> ask(unsigned workers, const std::vector<std::string> &requests) {
  std::map<std::string, Reply> replies;
  Workers children(workers, answer);
  for (const std::string &request : requests)
    children.submit(request, [&replies, request](Reply reply) { replies[request] = std::move(reply); });
  children.wait();
  return replies;
}

} // namespace

TEST(Workers, EveryRequestGetsItsReply) {
  std::vector<std::string> requests = {""};
  for (int i = 0; i < 100; ++i)
    requests.push_back(std::to_string(i));
  requests.push_back(std::string(3 << 20, 'x')); // does not fit a socket's buffer
  for (unsigned workers : {1, 3}) {
    auto replies = ask(workers, requests);
    ASSERT_EQ(replies.size(), requests.size());
    for (const std::string &request : requests) {
      EXPECT_TRUE(replies[request].ok);
      EXPECT_EQ(replies[request].text, "<" + request + ">");
    }
  }
}

TEST(Workers, NothingToDoIsDone) {
  EXPECT_TRUE(ask(2, {}).empty());
  Workers unused(0, answer);
  unused.wait();
}

TEST(Workers, TheyAreSeveralProcessesAndNotThisOne) {
  std::set<std::string> processes;
  Workers children(2, [](StringRef) {
    usleep(200000);
    return answer("who");
  });
  for (int i = 0; i < 4; ++i)
    children.submit("", [&](Reply reply) { processes.insert(reply.text); });
  children.wait();
  EXPECT_EQ(processes.size(), 2u);
  EXPECT_FALSE(processes.count(std::to_string(getpid())));
}

TEST(Workers, DeadChildGivesItsLastWords) {
  for (unsigned workers : {1, 2}) {
    auto replies = ask(workers, {"1", "abort", "2", "kill", "3", "exit", "4", "refuse", "5"});
    for (const char *request : {"1", "2", "3", "4", "5"})
      EXPECT_TRUE(replies[request].ok) << request;
    EXPECT_FALSE(replies["abort"].ok);
    EXPECT_EQ(replies["abort"].text, "LLVM ERROR: Cannot select: t12: f32 = mystery");
    EXPECT_FALSE(replies["kill"].ok);
    EXPECT_EQ(replies["kill"].text, "the code generator was ended by signal 9 (Killed)");
    EXPECT_FALSE(replies["exit"].ok);
    EXPECT_EQ(replies["exit"].text, "the code generator ended with status 7");
    EXPECT_FALSE(replies["refuse"].ok);
    EXPECT_EQ(replies["refuse"].text, "no such thing");
  }
}

TEST(Workers, DoneMaySubmitMore) {
  std::vector<std::string> order;
  Workers children(2, answer);
  std::function<void(int)> next = [&](int depth) {
    children.submit(std::to_string(depth), [&, depth](Reply reply) {
      order.push_back(reply.text);
      if (depth < 5)
        next(depth + 1);
    });
  };
  next(0);
  children.wait();
  EXPECT_EQ(order, (std::vector<std::string>{"<0>", "<1>", "<2>", "<3>", "<4>", "<5>"}));
}

TEST(Workers, WhatAChildSaysIsHeard) {
  testing::internal::CaptureStderr();
  ask(1, {"talk", "silent"});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "a word from the assembler\n");
}

TEST(Workers, NoChildIsLeftBehind) {
  { ask(3, {"1", "abort", "2"}); }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Workers, AnotherThreadThatWaitsIsNoHarm) {
  // As the runtime's thread pool does while vlp-check compiles.
  std::atomic<bool> stop = false;
  std::thread waiting([&] {
    while (!stop)
      usleep(1000);
  });
  EXPECT_TRUE(ask(2, {"1"})["1"].ok);
  stop = true;
  waiting.join();
}
