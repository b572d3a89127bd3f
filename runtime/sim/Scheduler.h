// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Streams, events and graphs of the simulated driver: work waits until somebody waits for it, then runs in an order
// that the API permits, drawn by a seed.
#pragma once

#include "runtime/cuda/DriverApi.h"

#include <chrono>
#include <deque>
#include <functional>
#include <random>
#include <utility>
#include <vector>

namespace vlp::sim {

using cuda::Result;

/// Something that a stream is given to do.
struct Work {
  std::function<Result()> run;
  /// Called when the work is given to the stream, which may be long before it runs. May be empty.
  std::function<void()> given;
};

/// Work in the order of its dependencies: each node comes after the nodes that it names.
struct WorkGraph {
  struct Node {
    Work work;
    std::vector<size_t> after;
  };
  std::vector<Node> nodes;
};

struct SimStream;

/// A graph in the making: what is given to some streams goes there.
struct Capture {
  WorkGraph graph;
  SimStream *origin = nullptr;
  bool broken = false;
};

struct SimEvent {
  /// How often it has been recorded, and the last of these that has come to pass.
  uint64_t asked = 0, done = 0;
  bool timed = true;
  std::chrono::steady_clock::time_point when;
  /// Where it was recorded last, if that was in a capture.
  std::weak_ptr<Capture> capture;
  std::vector<size_t> nodes;
};

/// A graph on its way through a stream.
struct GraphRun {
  std::shared_ptr<const WorkGraph> graph;
  std::vector<bool> done;
  size_t left = 0;
};

struct SimStream {
  struct Item {
    enum Kind { Run, Record, Wait, Graph } kind = Run;
    Work work;
    std::shared_ptr<SimEvent> event;
    uint64_t version = 0;
    GraphRun graph;
  };
  std::deque<Item> items;
  std::shared_ptr<Capture> capture;
  /// In a capture: what the next node comes after.
  std::vector<size_t> tail;
  /// Lower ones run first; for a graph's nodes, one after the other.
  static constexpr size_t kRanks = 7;
  uint64_t rank[kRanks] = {};
};

/// Runs the streams of a device. The first failure is final: later work is dropped.
class Scheduler {
public:
  Scheduler(uint64_t seed, uint64_t forgottenWait) : random(seed), forgottenWait(forgottenWait) {}

  SimStream *addStream();
  bool knows(const SimStream *stream) const;
  /// Does what the stream has to do, and removes it.
  Result removeStream(SimStream *stream);

  Result give(SimStream &stream, Work work);
  Result record(SimStream &stream, const std::shared_ptr<SimEvent> &event);
  Result wait(SimStream &stream, const std::shared_ptr<SimEvent> &event);
  Result launch(SimStream &stream, std::shared_ptr<const WorkGraph> graph);

  Result beginCapture(SimStream &stream);
  Result endCapture(SimStream &stream, WorkGraph &graph);
  /// Calls that may not be made while a capture is under way break it.
  Result refuseInCapture();

  Result synchronize(SimStream &stream);
  Result synchronize(const SimEvent &event);
  Result synchronizeAll();
  Result failure() const { return failed; }
  void fail(Result result) { failed = failed == cuda::kSuccess ? result : failed; }

private:
  Result until(const std::function<bool()> &done);
  std::vector<std::pair<SimStream *, size_t>> ready() const;
  bool step();
  void drawRanks();
  void run(SimStream &stream, size_t node);
  void runWork(const Work &work);

  std::vector<std::unique_ptr<SimStream>> streams;
  std::mt19937_64 random;
  uint64_t forgottenWait, waits = 0;
  std::weak_ptr<Capture> capturing;
  Result failed = cuda::kSuccess;
};

} // namespace vlp::sim
