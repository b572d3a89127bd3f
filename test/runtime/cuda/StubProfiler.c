/* Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a profiler that listens to NVTX 3 looks like from inside of the process: it fills the tables that it is shown,
 * and writes ranges down. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef void (*Function)(void);
static char record[1 << 14];
static int depth;

static int push(const char *name) {
  size_t used = strlen(record);
  snprintf(record + used, sizeof record - used, "%*s%s\n", 2 * depth, "", name);
  return depth++;
}
static int pop(void) { return --depth; }

const char *stub_ranges(void) { return record; }
int stub_depth(void) { return depth; }

int InitializeInjectionNvtx2(const void *(*export_table)(uint32_t)) {
  const struct {
    size_t size;
    int (*functions)(int module, Function ***table, unsigned *size);
  } *callbacks = export_table(1);
  const struct {
    size_t size;
    uint32_t version, reserved;
    void (*set_version)(uint32_t);
  } *version = export_table(3);
  Function **table = NULL;
  unsigned size = 0;
  if (!callbacks || callbacks->size != sizeof *callbacks || !version || version->version != 3 || export_table(99))
    return 0;
  version->set_version(3);
  if (callbacks->functions(2, &table, &size) || !callbacks->functions(1, &table, &size) || size != 16 || table[16])
    return 0;
  for (unsigned i = 1; i < size; ++i)
    if (!table[i])
      return 0;
  *table[9] = (Function)push;
  *table[11] = (Function)pop;
  return 1;
}
