/* Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How the simulator runs GPU kernels that were retargeted to x86. Shared by the compiler, which emits this, and the
 * engine. */
#ifndef VLP_RUNTIME_FORMAT_SIMABI_H
#define VLP_RUNTIME_FORMAT_SIMABI_H

#include <stdint.h>

#define VLP_SIM_VERSION 1

/* Products of tiles on the tensor cores, one after the other: accumulator c += tile a * tile b. Those of a basic block
   come in one call, so that a warp meets once. A lane's registers lie in one array: the fragments of the A tiles (four
   words each), of the B tiles (two), and the accumulators (four), which are read and written. */
enum { VLP_SIM_BF16_K16 = 0, VLP_SIM_TF32_K8 = 1 };
typedef struct vlp_sim_step {
  uint16_t a, b, c; /* number of the fragment among its kind */
} vlp_sim_step;
typedef struct vlp_sim_products {
  uint32_t kind;
  uint32_t a_count, b_count, c_count;
  uint32_t step_count;
  const vlp_sim_step *steps;
} vlp_sim_products;

/* Loads by ldmatrix that no write or barrier separates, in one call as well. */
typedef struct vlp_sim_matrix_load {
  uint32_t site;
  uint16_t matrices, transposed;
} vlp_sim_matrix_load;
typedef struct vlp_sim_matrices {
  uint32_t count; /* instructions */
  const vlp_sim_matrix_load *loads;
} vlp_sim_matrices;

/* What a kernel asks of the engine. `site` numbers an instruction of the device code; see vlp_sim_module. Warp
   operations are asked for by each lane and done when all 32 have come. Registers of one lane travel through arrays of
   32-bit words. */
struct vlp_sim_context;
typedef struct vlp_sim_calls {
  void (*barrier)(struct vlp_sim_context *, uint32_t site);
  void (*warp_barrier)(struct vlp_sim_context *, uint32_t site, uint32_t mask);
  /* mode: 0 up, 1 down, 2 bfly, 3 idx; operands as in PTX shfl.sync */
  uint32_t (*shuffle)(struct vlp_sim_context *, uint32_t site, uint32_t mode, uint32_t mask, uint32_t value, uint32_t b,
                      uint32_t c);
  void (*mma)(struct vlp_sim_context *, uint32_t site, const vlp_sim_products *, uint32_t *registers);
  /* rows: one address an instruction; out: the words of the first instruction, then of the next */
  void (*ldmatrix)(struct vlp_sim_context *, uint32_t site, const vlp_sim_matrices *, const void *const *rows,
                   uint32_t *out);
  /* copies `read` bytes of `size` and zeros behind them */
  void (*copy_async)(struct vlp_sim_context *, uint32_t site, void *to, const void *from, uint32_t size, uint32_t read);
  void (*commit_copies)(struct vlp_sim_context *);
  void (*wait_copies)(struct vlp_sim_context *, uint32_t groups_left);
  /* checked code only: flags as below */
  void (*access)(struct vlp_sim_context *, uint32_t site, void *address, uint32_t size, uint32_t flags,
                 uint32_t alignment);
} vlp_sim_calls;

enum { VLP_SIM_READ = 1, VLP_SIM_WRITE = 2, VLP_SIM_SHARED = 4, VLP_SIM_GLOBAL = 8 };

/* What a thread sees. */
typedef struct vlp_sim_context {
  const vlp_sim_calls *calls;
  uint8_t *shared; /* dynamic shared memory of the block */
  uint32_t thread, block, threads, blocks;
} vlp_sim_context;

/* `parameters`: one 8-byte word each. */
typedef void (*vlp_sim_function)(vlp_sim_context *, const uint64_t *parameters);

typedef struct vlp_sim_kernel {
  const char *name;
  vlp_sim_function plain, checked;
  uint32_t parameters;
  uint32_t threads;      /* of a block */
  uint32_t communicates; /* whether threads meet: barriers, warp operations, asynchronous copies */
} vlp_sim_kernel;

/* The object's one exported symbol is a vlp_sim_module called "vlp_sim_module". */
typedef struct vlp_sim_module {
  uint32_t version;
  uint32_t kernel_count;
  const vlp_sim_kernel *kernels;
  uint32_t site_count;
  const char *const *sites; /* what the instruction is and which layer it belongs to, where known */
  /* Which instruction a fault of plain code comes from, in runs: one or more negative words, each the distance from
     itself to a machine instruction (code lies before this table), then the number of the site that these belong to. */
  const int32_t *places, *places_end;
} vlp_sim_module;

#endif
