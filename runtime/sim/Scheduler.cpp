// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The order in which the simulated device does what its streams were given. Rules after the CUDA driver API reference,
// "Stream Management" (capture), "Event Management" and "Graph Management".
#include "runtime/sim/Scheduler.h"

#include <algorithm>

namespace vlp::sim {

using namespace vlp::cuda;

SimStream *Scheduler::addStream() {
  streams.push_back(std::make_unique<SimStream>());
  return streams.back().get();
}

bool Scheduler::knows(const SimStream *stream) const {
  return std::any_of(streams.begin(), streams.end(), [&](auto &other) { return other.get() == stream; });
}

Result Scheduler::removeStream(SimStream *stream) {
  Result result = until([&] { return stream->items.empty(); });
  std::erase_if(streams, [&](auto &other) { return other.get() == stream; });
  return result;
}

Result Scheduler::give(SimStream &stream, Work work) {
  if (failed != kSuccess)
    return failed;
  if (stream.capture) {
    WorkGraph &graph = stream.capture->graph;
    graph.nodes.push_back({std::move(work), stream.tail});
    stream.tail = {graph.nodes.size() - 1};
    return kSuccess;
  }
  if (work.given)
    work.given();
  SimStream::Item item;
  item.work = std::move(work);
  stream.items.push_back(std::move(item));
  return kSuccess;
}

Result Scheduler::record(SimStream &stream, const std::shared_ptr<SimEvent> &event) {
  if (failed != kSuccess)
    return failed;
  event->capture = stream.capture;
  if (stream.capture) {
    event->nodes = stream.tail;
    return kSuccess;
  }
  SimStream::Item item;
  item.kind = SimStream::Item::Record;
  item.event = event;
  item.version = ++event->asked;
  stream.items.push_back(std::move(item));
  return kSuccess;
}

Result Scheduler::wait(SimStream &stream, const std::shared_ptr<SimEvent> &event) {
  if (failed != kSuccess)
    return failed;
  if (++waits == forgottenWait)
    return kSuccess;
  auto capture = event->capture.lock();
  if (capture) {
    if (stream.capture && stream.capture != capture)
      return kStreamCaptureMerge;
    stream.capture = capture; // the stream joins
    for (size_t node : event->nodes)
      if (std::find(stream.tail.begin(), stream.tail.end(), node) == stream.tail.end())
        stream.tail.push_back(node);
    return kSuccess;
  }
  if (event->asked == 0)
    return kSuccess;
  if (stream.capture) { // on work outside of it
    stream.capture->broken = true;
    return kStreamCaptureIsolation;
  }
  SimStream::Item item;
  item.kind = SimStream::Item::Wait;
  item.event = event;
  item.version = event->asked;
  stream.items.push_back(std::move(item));
  return kSuccess;
}

Result Scheduler::launch(SimStream &stream, std::shared_ptr<const WorkGraph> graph) {
  if (failed != kSuccess)
    return failed;
  if (stream.capture)
    return kStreamCaptureUnsupported;
  for (const WorkGraph::Node &node : graph->nodes)
    if (node.work.given)
      node.work.given();
  if (graph->nodes.empty())
    return kSuccess;
  SimStream::Item item;
  item.kind = SimStream::Item::Graph;
  item.graph = {graph, std::vector<bool>(graph->nodes.size()), graph->nodes.size()};
  stream.items.push_back(std::move(item));
  return kSuccess;
}

Result Scheduler::beginCapture(SimStream &stream) {
  if (failed != kSuccess)
    return failed;
  if (stream.capture)
    return kIllegalState;
  stream.capture = std::make_shared<Capture>();
  stream.capture->origin = &stream;
  capturing = stream.capture;
  return kSuccess;
}

/// Adds to `reached` all that the nodes in it come after.
static void addAncestors(const WorkGraph &graph, std::vector<bool> &reached) {
  for (size_t i = graph.nodes.size(); i-- > 0;) // nodes come after nodes of a lower number
    if (reached[i])
      for (size_t before : graph.nodes[i].after)
        reached[before] = true;
}

Result Scheduler::endCapture(SimStream &stream, WorkGraph &graph) {
  if (!stream.capture)
    return kIllegalState;
  std::shared_ptr<Capture> capture = stream.capture;
  if (capture->origin != &stream)
    return kStreamCaptureUnmatched;
  std::vector<bool> reached(capture->graph.nodes.size());
  for (size_t node : stream.tail)
    reached[node] = true;
  addAncestors(capture->graph, reached);
  bool joined = true;
  for (auto &other : streams) {
    if (other->capture != capture)
      continue;
    for (size_t node : other->tail)
      joined &= reached[node];
    other->capture = nullptr;
    other->tail.clear();
  }
  if (failed != kSuccess)
    return failed;
  if (capture->broken)
    return kStreamCaptureInvalidated;
  if (!joined)
    return kStreamCaptureUnjoined;
  graph = std::move(capture->graph);
  return kSuccess;
}

Result Scheduler::refuseInCapture() {
  auto capture = capturing.lock();
  if (!capture ||
      !std::any_of(streams.begin(), streams.end(), [&](auto &stream) { return stream->capture == capture; }))
    return failed;
  capture->broken = true;
  return kStreamCaptureUnsupported;
}

void Scheduler::runWork(const Work &work) {
  if (failed == kSuccess)
    fail(work.run());
}

/// Runs the first item of the stream, or one node of it if that is a graph.
void Scheduler::run(SimStream &stream, size_t node) {
  SimStream::Item &item = stream.items.front();
  if (item.kind == SimStream::Item::Graph) {
    runWork(item.graph.graph->nodes[node].work);
    item.graph.done[node] = true;
    if (--item.graph.left)
      return;
  }
  if (item.kind == SimStream::Item::Run)
    runWork(item.work);
  if (item.kind == SimStream::Item::Record) {
    item.event->done = std::max(item.event->done, item.version);
    item.event->when = std::chrono::steady_clock::now();
  }
  stream.items.pop_front();
}

/// What can be done now: streams, and of those whose first item is a graph, its nodes.
std::vector<std::pair<SimStream *, size_t>> Scheduler::ready() const {
  std::vector<std::pair<SimStream *, size_t>> found;
  for (auto &stream : streams) {
    if (stream->items.empty())
      continue;
    const SimStream::Item &item = stream->items.front();
    if (item.kind == SimStream::Item::Wait && item.event->done < item.version && failed == kSuccess)
      continue;
    if (item.kind != SimStream::Item::Graph) {
      found.emplace_back(stream.get(), 0);
      continue;
    }
    const std::vector<WorkGraph::Node> &nodes = item.graph.graph->nodes;
    for (size_t i = 0; i < nodes.size(); ++i)
      if (!item.graph.done[i] && std::all_of(nodes[i].after.begin(), nodes[i].after.end(),
                                             [&](size_t before) { return item.graph.done[before]; }))
        found.emplace_back(stream.get(), i);
  }
  return found;
}

/// Does one thing that can be done now; false if nothing can.
bool Scheduler::step() {
  auto candidates = ready();
  if (candidates.empty())
    return false;
  // Mostly the one of the lowest rank, now and then any.
  auto rank = [&](const std::pair<SimStream *, size_t> &candidate) {
    return candidate.first->rank[candidate.second % SimStream::kRanks];
  };
  auto chosen = random() % 8 == 0 ? candidates[random() % candidates.size()]
                                  : *std::min_element(candidates.begin(), candidates.end(),
                                                      [&](auto &x, auto &y) { return rank(x) < rank(y); });
  run(*chosen.first, chosen.second);
  return true;
}

/// Streams that nobody needs may fall behind, or run ahead, for a whole wait: random ranks that stay for a while find
/// more than a draw for each step (Burckhardt et al., "A randomized scheduler with probabilistic guarantees of finding
/// bugs", 2010).
void Scheduler::drawRanks() {
  for (auto &stream : streams)
    for (uint64_t &rank : stream->rank)
      rank = random();
}

Result Scheduler::until(const std::function<bool()> &done) {
  if (!done())
    drawRanks();
  while (!done()) {
    if (step())
      continue;
    if (failed != kSuccess)
      return failed;
    fail(kLaunchTimeout); // somebody waits for what nobody will record
  }
  return failed;
}

Result Scheduler::synchronize(SimStream &stream) {
  if (stream.capture) {
    stream.capture->broken = true;
    return kStreamCaptureUnsupported;
  }
  return until([&] { return stream.items.empty(); });
}

Result Scheduler::synchronize(const SimEvent &event) {
  if (!event.capture.expired())
    return kCapturedEvent;
  return until([&] { return event.done >= event.asked; });
}

Result Scheduler::synchronizeAll() {
  return until(
      [&] { return std::all_of(streams.begin(), streams.end(), [](auto &stream) { return stream->items.empty(); }); });
}

} // namespace vlp::sim
