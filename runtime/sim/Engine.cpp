// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Launches: limits, the order of blocks, host threads.
#include "runtime/sim/Engine.h"

#include "runtime/cpu/ThreadPool.h"
#include "runtime/sim/Checker.h"
#include "runtime/sim/Faults.h"

#include <numeric>

namespace vlp::sim {

using Kind = Finding::Kind;

struct Engine::Impl {
  Impl(GlobalMemory &memory, EngineOptions options) : memory(memory), options(options) {}

  bool checkLimits(const vlp_sim_kernel &kernel, const LaunchConfig &config);
  unsigned workersFor(const LaunchConfig &config);
  void runBlocks(Launch &launch, unsigned workers);

  GlobalMemory &memory;
  EngineOptions options;
  Findings findings;
  std::unique_ptr<Checker> checker;
  std::unique_ptr<ThreadPool> pool;
  std::vector<std::unique_ptr<Block>> blocks; // one a worker
};

Engine::Engine(GlobalMemory &memory, EngineOptions options) : impl(std::make_unique<Impl>(memory, options)) {
  if (options.checked)
    impl->checker = std::make_unique<Checker>();
}
Engine::~Engine() = default;

const std::vector<Finding> &Engine::findings() const { return impl->findings.list(); }
void Engine::clearFindings() { impl->findings.clear(); }

bool Engine::Impl::checkLimits(const vlp_sim_kernel &kernel, const LaunchConfig &config) {
  auto refuse = [&](const std::string &expected, uint64_t got) {
    findings.add(Kind::LaunchLimit, kernel, Findings::kNoSite, [&] {
      return std::string("kernel ") + kernel.name + ": expected " + expected + ", got " + std::to_string(got);
    });
    return false;
  };
  if (config.blocks < 1 || config.blocks > INT32_MAX)
    return refuse("1 to 2147483647 blocks", config.blocks);
  if (config.threads < 1 || config.threads > kMaxThreads)
    return refuse("1 to 1024 threads in a block", config.threads);
  if (kernel.threads && config.threads != kernel.threads)
    return refuse(std::to_string(kernel.threads) + " threads in a block, for which it was compiled", config.threads);
  if (config.shared > config.largestShared)
    return refuse("at most " + std::to_string(config.largestShared) + " bytes of shared memory", config.shared);
  return true;
}

unsigned Engine::Impl::workersFor(const LaunchConfig &config) {
  if (options.checked || options.workers == 1 || config.blocks == 1)
    return 1;
  if (!pool)
    pool = std::make_unique<ThreadPool>(options.workers);
  return pool->size();
}

/// The block that runs in place of number `i`.
static uint32_t blockAt(uint32_t i, uint32_t count, const EngineOptions &options) {
  if (options.order == ThreadOrder::Reverse)
    return count - 1 - i;
  if (options.order == ThreadOrder::Forward)
    return i;
  // A line modulo the number of blocks, with a slope that has no common divisor with it.
  RandomOrder random(options.seed);
  uint64_t start = random.below(count), slope = 1 + random.below(count);
  while (std::gcd(slope, uint64_t(count)) != 1)
    ++slope;
  return uint32_t((start + slope * i) % count);
}

void Engine::Impl::runBlocks(Launch &launch, unsigned workers) {
  struct Work {
    Launch &launch;
    Impl &impl;
  } work{launch, *this};
  auto body = [](void *context, int64_t begin, int64_t end, unsigned worker) {
    auto &[launch, impl] = *static_cast<Work *>(context);
    Block &block = *impl.blocks[worker];
    FaultGuard guard(block, launch.options.watchdogSeconds);
    DefaultFloatMode floats;
    for (int64_t i = begin; i < end && !launch.stopped.load(std::memory_order_relaxed); ++i) {
      block.run(launch, blockAt(uint32_t(i), launch.config.blocks, launch.options));
      guard.reportFault();
    }
  };
  if (workers == 1)
    body(&work, 0, launch.config.blocks, 0);
  else
    pool->run(launch.config.blocks, body, &work);
}

Status Engine::launch(const Code &code, const vlp_sim_kernel &kernel, const LaunchConfig &config,
                      std::span<const uint64_t> parameters) {
  if (parameters.size() != kernel.parameters)
    return Status(StatusCode::Internal, std::string("kernel ") + kernel.name + ": expected " +
                                            std::to_string(kernel.parameters) + " parameters, got " +
                                            std::to_string(parameters.size()));
  impl->findings.beginLaunch();
  if (!impl->checkLimits(kernel, config))
    return impl->findings.launchStatus();
  unsigned workers = impl->workersFor(config);
  while (impl->blocks.size() < workers)
    impl->blocks.push_back(std::make_unique<Block>());
  for (unsigned i = 0; i < workers; ++i)
    if (!impl->blocks[i]->reserve(config, kernel.communicates))
      return Status(StatusCode::Unavailable,
                    "the simulator has no memory for the stacks of " + std::to_string(config.threads) + " threads");
  Launch launch{
      code, kernel, config, impl->options, parameters.data(), impl->memory, impl->findings, impl->checker.get()};
  if (impl->checker)
    impl->checker->beginLaunch(impl->memory, launch);
  else // plain code keeps no account of what it writes
    for (uint64_t parameter : parameters)
      if (GlobalMemory::Allocation *allocation = impl->memory.find(parameter))
        allocation->untracked = true;
  impl->runBlocks(launch, workers);
  return impl->findings.launchStatus();
}

} // namespace vlp::sim
