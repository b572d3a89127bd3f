// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A compiled file that has been loaded for a device, and sessions that run its entries.
#pragma once

#include "runtime/core/Status.h"
#include "runtime/format/Container.h"

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vlp {

/// Where and how to run.
struct DeviceOptions {
  /// "cpu", or "cpu:x86-64-v3" to take the code of that chip where a file has several.
  /// "cuda" for the first NVIDIA GPU, "cuda:N" for another.
  /// "sim" for the simulated GPU: correctness, not speed.
  ///
  /// Options follow the colon, separated by commas ("cuda:1,graph=off", "sim:checked,order=random,seed=3"):
  ///   graph=off                          launch kernels one by one, rather than as a graph from the second run on
  ///   sync                               wait after each launch, so that an error names the kernel that made it
  /// and for sim alone:
  ///   checked                            watch every memory access: races, bounds, uninitialised values, barriers
  ///   order=forward|reverse|random       in which threads take turns
  ///   seed=N                             of the random order, and of the order in which streams take turns
  ///   copies=late|early                  asynchronous copies to shared memory land when waited for, or at once
  ///   memory=BYTES                       device memory (512M, 16G); all that the host has free otherwise
  ///   chip=sm_80                         the code of that chip where a file has several
  std::string device = "cpu";
  /// Worker threads of the host, the caller included; 0 means one per available core.
  unsigned threads = 0;
  /// Memory for intermediate values that the caller owns, at least Module::arenaSize() bytes, 64-byte aligned; null:
  /// the session's own. It must outlive the session and holds garbage between runs. On cuda: memory of the device, in
  /// its primary context.
  void *arena = nullptr;
  uint64_t arenaSize = 0;
  /// cuda: the caller's stream (a CUstream of the primary context, not the default one) that entries run on; null: the
  /// session's own.
  void *stream = nullptr;
  /// Fill arena, outputs and scratch with NaN before each run: shows kernels that read what nobody wrote.
  bool poison = false;
};

/// A loaded compiled file: its manifest and the code for one device. Immutable; shared by sessions.
class Module {
public:
  /// Opens `path` and loads the code section for the device. Refuses, in one line, a file that is truncated, of another
  /// version, without code for this device, or compiled for instructions that this machine lacks; and a machine without
  /// such a device, or whose driver is too old.
  static Expected<std::shared_ptr<Module>> load(const std::string &path, const DeviceOptions &options = {});

  const format::Manifest &manifest() const;
  /// What the device runs: the entries as planned for it.
  const format::Program &program() const;
  /// The entry called `name`, or an error that lists the entries there are.
  Expected<const format::Entry *> entry(std::string_view name) const;
  const format::StateTensor *findState(std::string_view name) const;
  /// The bytes that the intermediate values of the largest entry take.
  uint64_t arenaSize() const;
  /// The file it was loaded from, for messages.
  const std::string &path() const;
  /// "cpu", "NVIDIA A100-SXM4-80GB (sm_80)", "simulated GPU (sm_80)".
  const std::string &device() const;
  /// Something that the user should know though nothing is wrong, as one line (the driver had to compile PTX); or
  /// empty.
  const std::string &note() const;
  ~Module();

private:
  friend class Session;
  struct Impl;
  explicit Module(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

/// What happened in one op of a run, for profiles. Times are seconds from the start of the run.
struct OpTiming {
  const format::Op *op;
  double begin;
  double end;
};

/// The state of a model (parameters, moments, counters, scalars) and the memory to run its entries on.
/// Not thread-safe: one run at a time.
class Session {
public:
  static Expected<std::unique_ptr<Session>> create(std::shared_ptr<Module> module, const DeviceOptions &options = {});
  ~Session();

  const Module &module() const;

  /// Fills every state tensor from its initialiser; random values depend on (seed, name, element) only.
  void initialize(uint64_t seed);

  /// The bytes of a state tensor, for reading and writing until the next run. Its address stays, but on a GPU it is a
  /// copy on the host: ask again after a run, to read what it left and to write for the next. Empty when there is no
  /// such name, or when a GPU has failed (readState() says how).
  std::span<std::byte> state(std::string_view name);
  /// The same for reading alone, which saves a GPU the way back.
  Expected<std::span<const std::byte>> readState(std::string_view name) const;
  /// Named scalars (learning rate and the like); an unknown name is an error that lists the known ones.
  Status setScalar(std::string_view name, float value);
  Expected<float> scalar(std::string_view name) const;
  Expected<int32_t> counter(std::string_view name) const;

  /// The memory of an entry's input or output tensor on the host; its address stays. Outputs are those of the entry's
  /// last run that has ended.
  Expected<std::span<std::byte>> input(std::string_view entry, std::string_view tensor);
  Expected<std::span<const std::byte>> output(std::string_view entry, std::string_view tensor) const;

  /// Runs one entry on what its inputs hold. Outputs are then in place, state is updated. A GPU that has failed stays
  /// failed: every later call says so.
  Status run(std::string_view entry);
  /// run() in two parts, so that the host can work while a GPU runs. start() returns as soon as the inputs may be
  /// written anew, wait() when the run has ended. Whatever else needs the run's results waits by itself.
  Status start(std::string_view entry);
  Status wait();
  /// Begins to bring the inputs to the device, where they wait for the next start() of the entry. Call it after a
  /// start() to overlap the copy with that run. The inputs must then be left alone; asking for them with input() undoes
  /// it.
  Status stage(std::string_view entry);
  /// The same, with a time per op.
  Status runTimed(std::string_view entry, std::vector<OpTiming> &timings);
  /// Runs the entry op by op and stops at the first op whose f32 results hold a value that is not finite; returns its
  /// layer and kernel ("layer 'visual.ln_pre' (kernel ...)"), or an empty string when all were finite. State is left as
  /// it was.
  Expected<std::string> findNonFinite(std::string_view entry);
  /// After each op, calls `visit(op index, op)` so that a tool can look at results; state is left as it was when
  /// `keepState`.
  Status runObserved(std::string_view entry, const std::function<Status(size_t, const format::Op &)> &visit,
                     bool keepState);
  /// The bytes behind a slot right now (for observers).
  std::span<const std::byte> slot(std::string_view entry, const format::Slot &slot) const;

private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace vlp
