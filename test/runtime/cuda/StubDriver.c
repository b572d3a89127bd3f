/* Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A libcuda that does nothing but what environment variables tell it, for the paths that lead to an error:
 *   STUB_INIT=CODE             what cuInit returns                STUB_VERSION=N        what cuDriverGetVersion says
 *   STUB_DEVICES=N             how many GPUs there are            STUB_CAPABILITY=N     90 for compute capability 9.0
 *   STUB_MEMORY=BYTES          device memory                      STUB_RETAIN=CODE      cuDevicePrimaryCtxRetain fails
 *   STUB_MODULE=CODE:TEXT      cuModuleLoadDataEx fails, the compiler says TEXT
 *   STUB_LAUNCH=N:CODE         launch N (from 1) is refused with CODE
 *   STUB_FAULT=N:CODE          launch N goes wrong: every later call says CODE, as sticky errors do
 *   STUB_LACKS_KERNEL=NAME     that kernel is not in the module
 * Memory is the host's, copies are done at once, kernels do nothing. stub_log() tells what was called. Built with
 * -DSTUB_OLD it lacks a function, as an old driver does. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int Result;

static char record[1 << 16];
static int launches, sticky, nesting, capturing;
static uint64_t allocated;

static void note(const char *text) {
  size_t used = strlen(record);
  snprintf(record + used, sizeof record - used, "%s\n", text);
}

static long variable(const char *name, long fallback) {
  const char *text = getenv(name);
  return text && *text ? atol(text) : fallback;
}

/* Of "N:CODE" when N is `number`; else 0. */
static int planned(const char *name, int number) {
  const char *text = getenv(name), *colon = text ? strchr(text, ':') : NULL;
  return colon && atoi(text) == number ? atoi(colon + 1) : 0;
}

/* A function's handle is its name, which stays. */
static char *keep(const char *name) {
  static char names[256][64];
  static int used;
  for (int i = 0; i < used; ++i)
    if (strcmp(names[i], name) == 0)
      return names[i];
  return strncpy(names[used++], name, sizeof names[0] - 1);
}

const char *stub_log(void) { return record; }
void stub_reset(void) {
  record[0] = 0;
  launches = sticky = nesting = capturing = 0;
  allocated = 0;
}
/* Contexts that were pushed and not popped. */
int stub_nesting(void) { return nesting; }
uint64_t stub_allocated(void) { return allocated; }

Result cuInit(unsigned flags) { return flags ? 1 : (Result)variable("STUB_INIT", 0); }
Result cuDriverGetVersion(int *version) { return *version = (int)variable("STUB_VERSION", 13000), 0; }
Result cuGetErrorName(Result error, const char **text) {
  *text = error == 2     ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == 34  ? "CUDA_ERROR_STUB_LIBRARY"
          : error == 100 ? "CUDA_ERROR_NO_DEVICE"
          : error == 222 ? "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"
          : error == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS"
          : error == 701 ? "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"
          : error == 46  ? "CUDA_ERROR_DEVICE_UNAVAILABLE"
                         : NULL;
  return *text ? 0 : 1;
}
Result cuGetErrorString(Result error, const char **text) {
  return *text = error == 700 ? "an illegal memory access was encountered" : NULL, 0;
}
Result cuDeviceGetCount(int *count) { return *count = (int)variable("STUB_DEVICES", 1), 0; }
Result cuDeviceGet(int *device, int ordinal) { return *device = ordinal, 0; }
Result cuDeviceGetName(char *name, int size, int device) { return snprintf(name, (size_t)size, "Stub %d", device), 0; }
Result cuDeviceGetAttribute(int *value, int attribute, int device) {
  long capability = variable("STUB_CAPABILITY", 80);
  (void)device;
  *value = (int)(attribute == 75 ? capability / 10 : attribute == 76 ? capability % 10 : attribute == 97 ? 166912 : 0);
  return 0;
}
Result cuDevicePrimaryCtxRetain(void **context, int device) {
  *context = record;
  note("retain");
  (void)device;
  return (Result)variable("STUB_RETAIN", 0);
}
Result cuDevicePrimaryCtxRelease_v2(int device) { return (void)device, note("release"), 0; }
Result cuCtxPushCurrent_v2(void *context) { return (void)context, ++nesting, 0; }
Result cuCtxPopCurrent_v2(void **context) { return *context = record, --nesting, 0; }

Result cuMemGetInfo_v2(size_t *available, size_t *total) {
  *total = (size_t)variable("STUB_MEMORY", 1 << 30);
  *available = *total > allocated ? *total - allocated : 0;
  return sticky;
}
Result cuMemAlloc_v2(unsigned long long *pointer, size_t size) {
  if (sticky)
    return sticky;
  if (allocated + size > (uint64_t)variable("STUB_MEMORY", 1 << 30))
    return 2;
  uint64_t *memory = malloc(size + 64);
  memory[0] = size; /* 64 bytes before what is handed out */
  allocated += size;
  *pointer = (unsigned long long)(uintptr_t)memory + 64;
  return 0;
}
Result cuMemFree_v2(unsigned long long pointer) {
  uint64_t *memory = (uint64_t *)(uintptr_t)(pointer - 64);
  allocated -= memory[0];
  free(memory);
  return sticky;
}
Result cuMemHostAlloc(void **pointer, size_t size, unsigned flags) {
  return (void)flags, *pointer = malloc(size), sticky;
}
Result cuMemFreeHost(void *pointer) { return free(pointer), sticky; }
Result cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, size_t size, void *stream) {
  (void)stream;
  return sticky ? sticky : (memcpy((void *)(uintptr_t)to, from, size), 0);
}
Result cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, size_t size, void *stream) {
  (void)stream;
  return sticky ? sticky : (memcpy(to, (const void *)(uintptr_t)from, size), 0);
}
Result cuMemcpyDtoDAsync_v2(unsigned long long to, unsigned long long from, size_t size, void *stream) {
  (void)stream;
  return sticky ? sticky : (memmove((void *)(uintptr_t)to, (const void *)(uintptr_t)from, size), 0);
}
Result cuMemsetD8Async(unsigned long long to, unsigned char value, size_t size, void *stream) {
  (void)stream;
  return sticky ? sticky : (memset((void *)(uintptr_t)to, value, size), 0);
}

Result cuModuleLoadDataEx(void **module, const void *image, unsigned count, unsigned *options, void **values) {
  char line[128];
  const char *plan = getenv("STUB_MODULE"), *colon = plan ? strchr(plan, ':') : NULL;
  snprintf(line, sizeof line, "load %.60s", (const char *)image);
  note(line);
  *module = record;
  if (!colon)
    return 0;
  for (unsigned i = 0; i < count; ++i)
    if (options[i] == 5)
      strcpy(values[i], colon + 1);
  return atoi(plan);
}
Result cuModuleUnload(void *module) { return (void)module, note("unload"), sticky; }
Result cuModuleGetFunction(void **function, void *module, const char *name) {
  const char *missing = getenv("STUB_LACKS_KERNEL");
  (void)module;
  *function = keep(name);
  return missing && strcmp(missing, name) == 0 ? 500 : 0;
}
Result cuFuncSetAttribute(void *function, int attribute, int value) {
  char line[128];
  snprintf(line, sizeof line, "attribute %d of %s = %d", attribute, (const char *)function, value);
  return note(line), 0;
}
Result cuLaunchKernel(void *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                      unsigned blockZ, unsigned shared, void *stream, void **parameters, void **extra) {
  char line[128];
  int refusal;
  (void)gridY, (void)gridZ, (void)blockY, (void)blockZ, (void)stream, (void)parameters, (void)extra;
  snprintf(line, sizeof line, "%s %s %u x %u, %u", capturing ? "capture" : "launch", (const char *)function, gridX,
           blockX, shared);
  note(line);
  if (sticky)
    return sticky;
  ++launches;
  refusal = planned("STUB_LAUNCH", launches);
  if (planned("STUB_FAULT", launches))
    sticky = planned("STUB_FAULT", launches);
  return refusal; /* a fault shows later */
}

Result cuStreamCreate(void **stream, unsigned flags) { return (void)flags, *stream = malloc(1), sticky; }
Result cuStreamDestroy_v2(void *stream) { return free(stream), sticky; }
Result cuStreamSynchronize(void *stream) { return (void)stream, sticky; }
Result cuStreamWaitEvent(void *stream, void *event, unsigned flags) {
  return (void)stream, (void)event, (void)flags, sticky;
}
Result cuEventCreate(void **event, unsigned flags) { return (void)flags, *event = malloc(1), sticky; }
Result cuEventDestroy_v2(void *event) { return free(event), sticky; }
Result cuEventRecord(void *event, void *stream) { return (void)event, (void)stream, sticky; }
Result cuEventSynchronize(void *event) { return (void)event, sticky; }
Result cuEventElapsedTime(float *milliseconds, void *begin, void *end) {
  return (void)begin, (void)end, *milliseconds = 2, sticky;
}
Result cuStreamBeginCapture_v2(void *stream, unsigned mode) { return (void)stream, (void)mode, capturing = 1, sticky; }
Result cuStreamEndCapture(void *stream, void **graph) {
  return (void)stream, capturing = 0, *graph = malloc(1), sticky;
}
#ifndef STUB_OLD
Result cuGraphInstantiateWithFlags(void **exec, void *graph, unsigned long long flags) {
  return (void)graph, (void)flags, *exec = malloc(1), note("instantiate"), sticky;
}
#endif
Result cuGraphLaunch(void *exec, void *stream) {
  (void)exec, (void)stream;
  note("replay");
  if (sticky)
    return sticky;
  sticky = planned("STUB_FAULT", 0); /* 0: the first replay */
  return 0;
}
Result cuGraphExecDestroy(void *exec) { return free(exec), sticky; }
Result cuGraphDestroy(void *graph) { return free(graph), sticky; }
