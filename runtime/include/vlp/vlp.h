/* Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The C API of the VLPC runtime: load a compiled file (model.vlp), give it weights, run its entries. C99; link with
 * -lvlp.
 *
 *   vlp_module *module = NULL;
 *   vlp_status *status = vlp_module_load("model.vlp", NULL, &module);
 *   if (status) {
 *     fprintf(stderr, "error: %s\n", vlp_status_message(status));
 *     vlp_status_free(status);
 *   }
 *
 * Errors.   A function that can fail returns a vlp_status *: NULL when all went well, else an object that the caller
 * frees. Output arguments are then left as they were. No C++ exception leaves this library. Lifetime. Modules are
 * immutable and may be shared by sessions and threads. A session keeps its module alive; names and shapes returned by
 * queries live as long as the module or a session of it. A session serves one thread at a time. Layout.   Tensors are
 * dense and row-major, f32 or i32, little-endian. Sizes are bytes unless said otherwise. */
#ifndef VLP_VLP_H
#define VLP_VLP_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define VLP_API
#else
#define VLP_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status ---- */

typedef struct vlp_status vlp_status;

typedef enum vlp_code {
  VLP_OK = 0,
  VLP_INVALID_ARGUMENT = 1, /* a wrong option, name, file or input */
  VLP_NOT_FOUND = 2,        /* no such file, entry, tensor, scalar */
  VLP_DATA_LOSS = 3,        /* a file is damaged, truncated or of another version */
  VLP_NOT_FINITE = 4,       /* a loss or gradient is not finite */
  VLP_UNAVAILABLE = 5,      /* the machine lacks memory, instructions or a device */
  VLP_INTERNAL = 6          /* a defect of this library */
} vlp_code;

/* VLP_OK for NULL. */
VLP_API vlp_code vlp_status_code(const vlp_status *status);
/* What was expected, what was found, where, what to do; one line, except that lists of tensors follow one a line. ""
 * for NULL. */
VLP_API const char *vlp_status_message(const vlp_status *status);
/* The place in this library's source that found the problem. "" and 0 for NULL. */
VLP_API const char *vlp_status_file(const vlp_status *status);
VLP_API uint32_t vlp_status_line(const vlp_status *status);
/* NULL is allowed. */
VLP_API void vlp_status_free(vlp_status *status);

/* ---- Options ---- */

/* How to load and run. Start from {sizeof(vlp_options)} in C ({0} in all other fields) and set what differs. */
typedef struct vlp_options {
  size_t struct_size; /* sizeof(vlp_options), so that later versions can add fields */
  const char *device; /* "cpu" (also when NULL), or "cpu:x86-64-v3" for the code of that chip where a file has several;
                         "cuda" or "cuda:N": an NVIDIA GPU; "sim": a simulated one. Options of the latter two follow a
                         colon, separated by commas: "cuda:1,graph=off", "sim:checked,order=random,seed=3" */
  uint32_t threads;   /* worker threads, the caller included; 0: one per available core. Results never depend on it */
  void *arena;        /* memory for intermediate values, 64-byte aligned, outlives the session; NULL: the session's own.
                         On cuda: memory of the device's primary context */
  uint64_t arena_size; /* at least vlp_module_arena_size() */
  void *stream;        /* cuda: the CUstream that entries run on; NULL: the session's own. Else NULL */
} vlp_options;

/* ---- Module: a compiled file ---- */

typedef struct vlp_module vlp_module;

typedef enum vlp_dtype { VLP_F32 = 0, VLP_I32 = 1 } vlp_dtype;

typedef struct vlp_tensor_info {
  const char *name;
  vlp_dtype dtype;
  uint32_t rank;
  const int64_t *shape; /* `rank` extents; a scalar has rank 0 */
  uint64_t size;        /* bytes */
} vlp_tensor_info;

/* How raw inputs become an entry's inputs. */
typedef struct vlp_preprocessing {
  uint32_t image_size;      /* pixels of the square image */
  float mean[3], std[3];    /* of R, G, B in 0..1: (value - mean) / std */
  uint32_t context_length;  /* tokens of a text row */
  uint32_t vocabulary_size; /* tokens must be below */
} vlp_preprocessing;

typedef enum vlp_state_kind {
  VLP_PARAMETER = 0, /* learned */
  VLP_MOMENT = 1,    /* optimizer state */
  VLP_COUNTER = 2,   /* one i32, e.g. train.step */
  VLP_SCALAR = 3,    /* one f32 that may be set between runs, e.g. train.learning_rate */
  VLP_BUFFER = 4     /* what a step carries along besides, e.g. a queue of features */
} vlp_state_kind;

/* Loads `path` and the machine code in it for options->device (options may be NULL). */
VLP_API vlp_status *vlp_module_load(const char *path, const vlp_options *options, vlp_module **module);
VLP_API void vlp_module_free(vlp_module *module);

/* The preset or file that was compiled, its architecture ("clip"), and the compiler's version. */
VLP_API const char *vlp_module_model(const vlp_module *module);
VLP_API const char *vlp_module_architecture(const vlp_module *module);
VLP_API const char *vlp_module_compiler_version(const vlp_module *module);
/* What it was loaded for: "cpu", or a GPU's name. And what the user should know though nothing is wrong, in one line
 * (the driver had to compile PTX), or "". */
VLP_API const char *vlp_module_device(const vlp_module *module);
VLP_API const char *vlp_module_note(const vlp_module *module);
VLP_API vlp_status *vlp_module_preprocessing(const vlp_module *module, vlp_preprocessing *preprocessing);
/* Bytes of intermediate values of the largest entry: what vlp_options.arena must have. */
VLP_API uint64_t vlp_module_arena_size(const vlp_module *module);
/* Bytes of all state. */
VLP_API uint64_t vlp_module_state_size(const vlp_module *module);

VLP_API size_t vlp_module_entry_count(const vlp_module *module);
/* The name of entry `index`; NULL when there is none. */
VLP_API const char *vlp_module_entry_name(const vlp_module *module, size_t index);
VLP_API vlp_status *vlp_module_input_count(const vlp_module *module, const char *entry, size_t *count);
VLP_API vlp_status *vlp_module_output_count(const vlp_module *module, const char *entry, size_t *count);
VLP_API vlp_status *vlp_module_input(const vlp_module *module, const char *entry, size_t index, vlp_tensor_info *info);
VLP_API vlp_status *vlp_module_output(const vlp_module *module, const char *entry, size_t index, vlp_tensor_info *info);
/* The same by name. */
VLP_API vlp_status *vlp_module_find_input(const vlp_module *module, const char *entry, const char *name,
                                          vlp_tensor_info *info);
VLP_API vlp_status *vlp_module_find_output(const vlp_module *module, const char *entry, const char *name,
                                           vlp_tensor_info *info);

VLP_API size_t vlp_module_state_count(const vlp_module *module);
/* `kind` may be NULL. */
VLP_API vlp_status *vlp_module_state(const vlp_module *module, size_t index, vlp_tensor_info *info,
                                     vlp_state_kind *kind);

/* ---- Session: state, and memory to run on ---- */

typedef struct vlp_session vlp_session;

/* A session whose state is that of vlp_session_initialize(session, 0). `options` may be NULL. */
VLP_API vlp_status *vlp_session_create(const vlp_module *module, const vlp_options *options, vlp_session **session);
VLP_API void vlp_session_free(vlp_session *session);

/* Fills all state from its initialisers. Equal seeds give equal state, on every machine and number of threads. */
VLP_API vlp_status *vlp_session_initialize(vlp_session *session, uint64_t seed);
/* Takes the parameters of a safetensors file (f32, f16, bf16, f64; a checkpoint or weights of others) and resets the
 * optimizer. All tensors that are missing, left over or misshapen are listed in one error, and the session is then as
 * before. */
VLP_API vlp_status *vlp_session_load_weights(vlp_session *session, const char *path);
/* All state of a checkpoint: a run goes on as if it had not been interrupted. */
VLP_API vlp_status *vlp_session_load_checkpoint(vlp_session *session, const char *path);
/* Writes all state to `path`; an interrupted write leaves the file that was there. */
VLP_API vlp_status *vlp_session_save_checkpoint(vlp_session *session, const char *path);

/* Copies `size` bytes, which must be the tensor's size, into an entry's input. */
VLP_API vlp_status *vlp_session_set_input(vlp_session *session, const char *entry, const char *name, const void *data,
                                          uint64_t size);
/* The memory of an entry's input, to be filled in place. Valid as long as the session. */
VLP_API vlp_status *vlp_session_input(vlp_session *session, const char *entry, const char *name, void **data,
                                      uint64_t *size);
/* Runs an entry on what its inputs hold. Tokens outside of the vocabulary are an error. */
VLP_API vlp_status *vlp_session_run(vlp_session *session, const char *entry);
/* Copies an entry's output, as the last run left it, into `data` of `size` bytes, which must be the tensor's size. */
VLP_API vlp_status *vlp_session_get_output(const vlp_session *session, const char *entry, const char *name, void *data,
                                           uint64_t size);
/* The memory of an entry's output. Valid as long as the session; the next run of the entry writes it anew. */
VLP_API vlp_status *vlp_session_output(const vlp_session *session, const char *entry, const char *name,
                                       const void **data, uint64_t *size);
/* The memory of a state tensor, to be read or written until the next run. On a GPU it is a copy on the host, always at
 * the same address: call this again after a run, to read what it left or to write for the next. */
VLP_API vlp_status *vlp_session_state(vlp_session *session, const char *name, void **data, uint64_t *size);

VLP_API vlp_status *vlp_session_set_scalar(vlp_session *session, const char *name, float value);
VLP_API vlp_status *vlp_session_scalar(const vlp_session *session, const char *name, float *value);
VLP_API vlp_status *vlp_session_counter(const vlp_session *session, const char *name, int32_t *value);

/* Runs an entry op by op, state kept, and returns VLP_NOT_FINITE with the name of the first layer whose result is not
 * finite; NULL when all are finite. */
VLP_API vlp_status *vlp_session_check_finite(vlp_session *session, const char *entry);

#ifdef __cplusplus
}
#endif

#endif
