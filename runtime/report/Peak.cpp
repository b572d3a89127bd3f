// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What this machine can do at most.
#include "runtime/report/Peak.h"

#include "runtime/report/Format.h"

#include "runtime/cpu/CpuFeatures.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace vlp::report {

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

namespace {

/// Operations that one call with this many rounds makes, and a number that depends on all of them.
using PeakLoop = float (*)(long rounds);
constexpr long roundsPerCall = 20000;

float sink(const float *values, int n) {
  float sum = 0;
  for (int i = 0; i < n; ++i)
    sum += values[i];
  return sum;
}

#if defined(__x86_64__)
// Twelve independent chains hide the latency of two units that are four cycles deep.
__attribute__((target("avx512f"))) float loopAvx512(long rounds) {
  __m512 chain[12];
  for (int i = 0; i < 12; ++i)
    chain[i] = _mm512_set1_ps(float(i));
  __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(0.001f);
  for (long r = 0; r < rounds; ++r) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 12; ++i)
      chain[i] = _mm512_fmadd_ps(chain[i], a, b);
  }
  alignas(64) float values[12 * 16];
  for (int i = 0; i < 12; ++i)
    _mm512_store_ps(values + 16 * i, chain[i]);
  return sink(values, 12 * 16);
}

__attribute__((target("avx2,fma"))) float loopAvx2(long rounds) {
  __m256 chain[12];
  for (int i = 0; i < 12; ++i)
    chain[i] = _mm256_set1_ps(float(i));
  __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(0.001f);
  for (long r = 0; r < rounds; ++r) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 12; ++i)
      chain[i] = _mm256_fmadd_ps(chain[i], a, b);
  }
  alignas(32) float values[12 * 8];
  for (int i = 0; i < 12; ++i)
    _mm256_store_ps(values + 8 * i, chain[i]);
  return sink(values, 12 * 8);
}
#endif

float loopGeneric(long rounds) {
  float chain[48];
  for (int i = 0; i < 48; ++i)
    chain[i] = float(i);
  for (long r = 0; r < rounds; ++r)
    for (float &value : chain)
      value = value * 0.999f + 0.001f;
  return sink(chain, 48);
}

struct ChosenLoop {
  PeakLoop run;
  double flopsPerRound;
  const char *name;
};

ChosenLoop chooseLoop() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return {loopAvx512, 12 * 16 * 2, "avx512f"};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {loopAvx2, 12 * 8 * 2, "avx2+fma"};
#endif
  return {loopGeneric, 48 * 2, "generic"};
}

/// Seconds from the first thread's start to the last one's end; the best of the attempts that fit into the time.
/// Threads take their own times: the one that waits for them may be scheduled late.
double bestTime(unsigned threads, double seconds, const std::function<void(unsigned)> &work) {
  std::barrier together{std::ptrdiff_t(threads)};
  std::vector<std::vector<std::pair<double, double>>> spans(threads);
  double deadline = now() + seconds;
  bool stop = false;
  auto run = [&](unsigned t) {
    while (!stop) {
      together.arrive_and_wait();
      double begin = now();
      work(t);
      spans[t].push_back({begin, now()});
      together.arrive_and_wait();
      if (t == 0)
        stop = now() > deadline;
      together.arrive_and_wait();
    }
  };
  std::vector<std::thread> team;
  for (unsigned t = 1; t < threads; ++t)
    team.emplace_back(run, t);
  run(0);
  for (std::thread &thread : team)
    thread.join();
  double best = 1e30;
  for (size_t attempt = 0; attempt < spans[0].size(); ++attempt) {
    double begin = 1e30, end = 0;
    for (const auto &own : spans) {
      begin = std::min(begin, own[attempt].first);
      end = std::max(end, own[attempt].second);
    }
    best = std::min(best, end - begin);
  }
  return best;
}

} // namespace

MachinePeak measurePeak(unsigned threads, double seconds) {
  MachinePeak peak;
  peak.threads = threads ? threads : availableCores();
  ChosenLoop loop = chooseLoop();
  peak.instructions = loop.name;
  std::vector<float> results(peak.threads);
  const int calls = 40; // about 3 ms: long beside the barrier, short beside the time for all attempts
  double time = bestTime(peak.threads, seconds, [&](unsigned t) {
    for (int i = 0; i < calls; ++i)
      results[t] += loop.run(roundsPerCall);
  });
  peak.gflops = loop.flopsPerRound * roundsPerCall * calls * peak.threads / time * 1e-9;

  const size_t perThread =
      size_t(2) << 20; // 8 MiB an array and thread: three of them are beyond the caches of small machines
  std::vector<float> a(perThread * peak.threads), b(a.size(), 1.0f), c(a.size(), 2.0f);
  time = bestTime(peak.threads, seconds, [&](unsigned t) {
    float *target = a.data() + t * perThread;
    const float *x = b.data() + t * perThread, *y = c.data() + t * perThread;
    for (size_t i = 0; i < perThread; ++i)
      target[i] = x[i] + 0.5f * y[i];
  });
  peak.gigabytes = 12.0 * double(a.size()) / time * 1e-9;
  return peak;
}

MachinePeak peakOf(const Module &module, unsigned threads) {
  if (module.device() == "cpu")
    return measurePeak(threads);
  MachinePeak peak;
  peak.device = module.device();
  return peak;
}

std::string describePeak(const MachinePeak &peak) {
  if (peak.device.starts_with("simulated"))
    return "on a " + peak.device + ": times are the simulator's and say nothing of a GPU";
  if (!peak.device.empty())
    return "on " + peak.device;
  return "peak of this machine on " + std::to_string(peak.threads) + " threads (" + peak.instructions +
         "): " + fixed(peak.gflops, 1) + " GF/s, " + fixed(peak.gigabytes, 1) + " GB/s";
}

std::string shareOfPeak(double gflops, const MachinePeak &peak) {
  return peak.gflops > 0 ? fixed(100 * gflops / peak.gflops, 1) + " %" : "-";
}

} // namespace vlp::report
