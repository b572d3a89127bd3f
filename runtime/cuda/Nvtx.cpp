// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Finds who listens to NVTX ranges. A profiler of today names its library in NVTX_INJECTION64_PATH, and that library
// fills a table of functions (NVTX 3, nvtxDetail/nvtxTypes.h and nvtxInit.h of NVIDIA's headers). Older ones listen
// behind libnvToolsExt.so.1 (NVTX 2, in toolkits before CUDA 12).
#include "runtime/cuda/Nvtx.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>

namespace vlp::cuda {

namespace {

using Push = int (*)(const char *name);
using Pop = int (*)();
using AnyFunction = void (*)();

struct Listener {
  Push push = nullptr;
  Pop pop = nullptr;
};

// Of NVTX 3.
enum { kModuleCore = 1, kRangePushA = 9, kRangePop = 11, kCoreFunctions = 16 };
enum : uint32_t { kTableCallbacks = 1, kTableVersion = 3, kVersion = 3 };

AnyFunction coreFunctions[kCoreFunctions];
/// Where the profiler puts the functions that it has, by number; ends with a null.
AnyFunction *coreTable[kCoreFunctions + 1];

int functionTable(int module, AnyFunction ***table, unsigned *size) {
  if (module != kModuleCore)
    return 0;
  for (size_t i = 0; i < kCoreFunctions; ++i)
    coreTable[i] = &coreFunctions[i];
  coreTable[0] = nullptr;
  if (table)
    *table = coreTable;
  if (size)
    *size = kCoreFunctions;
  return 1;
}

void setListenersVersion(uint32_t) {}

const void *exportTable(uint32_t number) {
  static const struct {
    size_t size;
    int (*functionTable)(int, AnyFunction ***, unsigned *);
  } callbacks = {sizeof callbacks, functionTable};
  static const struct {
    size_t size;
    uint32_t version, reserved;
    void (*setListenersVersion)(uint32_t);
  } version = {sizeof version, kVersion, 0, setListenersVersion};
  return number == kTableCallbacks ? static_cast<const void *>(&callbacks)
         : number == kTableVersion ? &version
                                   : nullptr;
}

Listener findListener() {
  Listener found;
  const char *path = std::getenv("NVTX_INJECTION64_PATH");
  if (path && *path) {
    void *library = dlopen(path, RTLD_LAZY);
    using Attach = int (*)(const void *(*exportTable)(uint32_t));
    auto attach = library ? reinterpret_cast<Attach>(dlsym(library, "InitializeInjectionNvtx2")) : nullptr;
    if (attach && attach(exportTable)) {
      found.push = reinterpret_cast<Push>(coreFunctions[kRangePushA]);
      found.pop = reinterpret_cast<Pop>(coreFunctions[kRangePop]);
    }
  } else if (void *library = dlopen("libnvToolsExt.so.1", RTLD_LAZY)) {
    found.push = reinterpret_cast<Push>(dlsym(library, "nvtxRangePushA"));
    found.pop = reinterpret_cast<Pop>(dlsym(library, "nvtxRangePop"));
  }
  return found.push && found.pop ? found : Listener();
}

const Listener &listener() {
  static const Listener found = findListener();
  return found;
}

} // namespace

NvtxRange::NvtxRange(const std::string &name) : current(&name) {
  if (listener().push)
    listener().push(name.c_str());
}

NvtxRange::~NvtxRange() {
  if (listener().pop)
    listener().pop();
}

void NvtxRange::rename(const std::string &name) {
  if (!listener().push || name == *current)
    return;
  listener().pop();
  current = &name;
  listener().push(name.c_str());
}

} // namespace vlp::cuda
