// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The harness behind every CPU kernel test.
#include "KernelHarness.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/CPU/CompileCPU.h"
#include "passes/CPU/Emitters.h"
#include "passes/Plan/EmitKernels.h"
#include "runtime/format/KernelABI.h"
#include "test/passes/Kernels/PreparedCase.h"
#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;
using namespace vlp;

namespace {

/// A buffer with guard words before and after it.
class Guarded {
public:
  explicit Guarded(int64_t words) : words(words), memory(words + 2 * kGuard, kPattern) {}
  uint32_t *data() { return memory.data() + kGuard; }
  bool intact() const {
    return std::all_of(memory.begin(), memory.begin() + kGuard, [](uint32_t w) { return w == kPattern; }) &&
           std::all_of(memory.end() - kGuard, memory.end(), [](uint32_t w) { return w == kPattern; });
  }
  std::vector<uint32_t> contents() const { return {memory.begin() + kGuard, memory.begin() + kGuard + words}; }
  bool hasPattern() const {
    return std::find(memory.begin() + kGuard, memory.end() - kGuard, kPattern) != memory.end() - kGuard;
  }

  static constexpr uint32_t kPattern = 0x7fc0dead; // a NaN that no kernel produces
private:
  static constexpr int64_t kGuard = 64;
  int64_t words;
  std::vector<uint32_t> memory;
};

/// The shared object of one compiled kernel.
class Library {
public:
  explicit Library(const std::string &bytes) {
    descriptor = memfd_create("kernel", 0);
    EXPECT_EQ(write(descriptor, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    handle = dlopen(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(handle, nullptr) << dlerror();
  }
  ~Library() {
    if (handle)
      dlclose(handle);
    close(descriptor);
  }
  vlp_cpu_kernel find(const std::string &symbol) {
    return reinterpret_cast<vlp_cpu_kernel>(dlsym(handle, symbol.c_str()));
  }

private:
  int descriptor;
  void *handle = nullptr;
};

int64_t wordsOf(Type type) { return cast<RankedTensorType>(type).getNumElements(); }

enum class Schedule { Whole, OneByOneBackwards, Uneven };

class Run {
public:
  Run(KernelOp kernel, const KernelPlan &plan, Library &library, const std::vector<std::string> &symbols,
      const std::vector<Array<double>> &inputs) {
    for (auto [value, input] : llvm::zip_equal(kernel.getInputs(), inputs)) {
      this->inputs.emplace_back(input.size());
      std::vector<char> bytes = test::toMemory(input, cast<RankedTensorType>(value.getType()));
      std::memcpy(this->inputs.back().data(), bytes.data(), bytes.size());
    }
    for (Value result : kernel.getOutputs())
      results.emplace_back(wordsOf(result.getType()));
    for (int64_t bytes : plan.partials)
      partials.emplace_back((bytes + 3) / 4);
    for (auto [i, launch] : llvm::enumerate(plan.launches))
      functions.push_back({library.find(symbols[i]), &launch});
  }

  void execute(Schedule schedule) {
    for (auto [function, launch] : functions) {
      ASSERT_NE(function, nullptr);
      std::vector<void *> pointers;
      for (LaunchArgument argument : launch->arguments)
        pointers.push_back(at(argument).data());
      auto call = [&](int64_t begin, int64_t end) {
        std::vector<uint32_t> scratch(launch->scratch / 4 + 16, Guarded::kPattern);
        auto address = (reinterpret_cast<uintptr_t>(scratch.data()) + 63) / 64 * 64;
        function(pointers.data(), begin, end, reinterpret_cast<void *>(address));
      };
      int64_t tasks = launch->tasks;
      if (schedule == Schedule::Whole) {
        call(0, tasks);
      } else if (schedule == Schedule::OneByOneBackwards) {
        for (int64_t t = tasks - 1; t >= 0; --t)
          call(t, t + 1);
      } else {
        call(tasks / 3, tasks);
        call(0, tasks / 3);
      }
    }
  }

  std::vector<Guarded> inputs, results, partials;

private:
  Guarded &at(LaunchArgument argument) {
    switch (argument.kind) {
    case LaunchArgument::Kind::Input: return inputs[argument.index];
    case LaunchArgument::Kind::Result: return results[argument.index];
    case LaunchArgument::Kind::Partial: return partials[argument.index];
    }
    llvm_unreachable("argument kind");
  }
  std::vector<std::pair<vlp_cpu_kernel, const LaunchPlan *>> functions;
};

void checkOn(const std::string &chip, KernelOp kernel, const test::KernelCase &c,
             const std::vector<Array<double>> &inputs, const std::vector<Array<double>> &expected) {
  SCOPED_TRACE(chip);
  TargetInfo target{"cpu", chip};
  const Emitter *emitter = cpu::findEmitter(c.anchor);
  ASSERT_NE(emitter, nullptr);
  std::string why;
  ASSERT_TRUE(emitter->supports(kernel, target, why)) << why;
  KernelPlan plan = emitter->plan(kernel, target);
  std::vector<KernelToEmit> items;
  std::vector<std::string> symbols;
  for (unsigned i = 0; i < plan.launches.size(); ++i) {
    symbols.push_back("kernel" + plan.launches[i].suffix);
    bool isNew = std::count(symbols.begin(), symbols.end(), symbols.back()) == 1;
    if (isNew)
      items.push_back({kernel, &plan, i, symbols.back()});
  }
  auto module = emitKernels(kernel->getContext(), items, target, cpu::findEmitter);
  ASSERT_TRUE(succeeded(module));
  ASSERT_TRUE(succeeded((*module)->verify()));
  FailureOr<std::string> object = cpu::compileModule(**module, target);
  ASSERT_TRUE(succeeded(object));
  Library library(*object);
  std::vector<std::vector<uint32_t>> first;
  for (Schedule schedule : {Schedule::Whole, Schedule::OneByOneBackwards, Schedule::Uneven}) {
    Run run(kernel, plan, library, symbols, inputs);
    run.execute(schedule);
    for (unsigned i = 0; i < run.results.size(); ++i) {
      EXPECT_TRUE(run.results[i].intact()) << "wrote outside result " << i;
      EXPECT_FALSE(run.results[i].hasPattern()) << "left elements of result " << i << " unwritten";
      if (schedule == Schedule::Whole) {
        first.push_back(run.results[i].contents());
        auto type = cast<RankedTensorType>(kernel.getOutputs()[i].getType());
        auto *bytes = reinterpret_cast<const char *>(first.back().data());
        test::compare(expected[i], test::fromMemory(bytes, type), type, c, i);
      } else {
        EXPECT_EQ(first[i], run.results[i].contents()) << "result " << i << " depends on the schedule";
      }
    }
    for (Guarded &partial : run.partials)
      EXPECT_TRUE(partial.intact()) << "wrote outside a partial buffer";
    for (unsigned i = 0; i < run.inputs.size(); ++i)
      EXPECT_TRUE(run.inputs[i].intact());
  }
}

} // namespace

void test::checkKernel(const KernelCase &c) {
  SCOPED_TRACE(moduleText(c));
  DialectRegistry registry;
  registry.insert<VLPDialect>();
  cpu::registerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  PreparedCase prepared = prepare(c, context);
  ASSERT_TRUE(prepared.kernel);
  checkOn("x86-64-v3", prepared.kernel, c, prepared.inputs, prepared.expected);
  if (cpu::hostChip() == "x86-64-v4")
    checkOn("x86-64-v4", prepared.kernel, c, prepared.inputs, prepared.expected);
}
