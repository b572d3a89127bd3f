/* Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Encodes an image and a text with a compiled file and prints their cosine: the C API from end to end.
 *
 *   encode FILE.vlp WEIGHTS.safetensors    weights from a checkpoint or from others
 *   encode FILE.vlp SEED                   random weights from a seed (a number)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <vlp/vlp.h>

/* Prints the error and ends the program: 1 for the user's mistake, 2 for the library's. */
static void check(vlp_status *status) {
  if (!status)
    return;
  int code = vlp_status_code(status) == VLP_INTERNAL ? 2 : 1;
  fprintf(stderr, "error: %s\n", vlp_status_message(status));
  vlp_status_free(status);
  exit(code);
}

/* A seed when the whole argument is a number, else a file of weights. */
static void take_weights(vlp_session *session, const char *argument) {
  char *end = NULL;
  errno = 0;
  unsigned long long seed = strtoull(argument, &end, 10);
  if (errno == 0 && end != argument && *end == '\0')
    check(vlp_session_initialize(session, seed));
  else
    check(vlp_session_load_weights(session, argument));
}

/* A grey ramp from top left to bottom right in every channel, normalised as the model expects. [batch, 3, size, size]
 */
static void fill_image(const vlp_module *module, vlp_session *session) {
  vlp_preprocessing pre;
  vlp_tensor_info info;
  void *data;
  check(vlp_module_preprocessing(module, &pre));
  check(vlp_module_find_input(module, "encode_image", "image", &info));
  check(vlp_session_input(session, "encode_image", "image", &data, NULL));
  float *pixels = data;
  if (info.rank != 4 || info.shape[1] != 3) {
    fprintf(stderr, "error: expected input 'image' of shape [batch, 3, size, size], got rank %u\n", info.rank);
    exit(1);
  }
  int64_t height = info.shape[2], width = info.shape[3];
  for (int64_t plane = 0; plane < info.shape[0] * 3; ++plane)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        float grey = (float)(x + y) / (float)(width + height);
        *pixels++ = (grey - pre.mean[plane % 3]) / pre.std[plane % 3];
      }
}

/* A row of tokens as a CLIP text has them: start, two words, end, padding. The two highest ids are start and end.
 * [batch, length] */
static void fill_text(const vlp_module *module, vlp_session *session) {
  vlp_preprocessing pre;
  vlp_tensor_info info;
  void *data;
  check(vlp_module_preprocessing(module, &pre));
  check(vlp_module_find_input(module, "encode_text", "text", &info));
  check(vlp_session_input(session, "encode_text", "text", &data, NULL));
  int32_t *tokens = data;
  int32_t vocabulary = pre.vocabulary_size > 4 ? (int32_t)pre.vocabulary_size : 4;
  int32_t caption[4] = {vocabulary - 2, 1, 2, vocabulary - 1};
  if (info.rank != 2 || info.shape[1] < 4) {
    fprintf(stderr, "error: expected input 'text' of shape [batch, length] with a length of 4 or more\n");
    exit(1);
  }
  for (int64_t row = 0; row < info.shape[0]; ++row)
    for (int64_t i = 0; i < info.shape[1]; ++i)
      *tokens++ = i < 4 ? caption[i] : 0;
}

/* Runs `entry` and returns the first row of its embedding; its length goes to `width`. */
static const float *encode(const vlp_module *module, vlp_session *session, const char *entry, const char *output,
                           int64_t *width) {
  vlp_tensor_info info;
  const void *data;
  check(vlp_session_run(session, entry));
  check(vlp_module_find_output(module, entry, output, &info));
  check(vlp_session_output(session, entry, output, &data, NULL));
  *width = info.rank ? info.shape[info.rank - 1] : 1;
  return data;
}

int main(int argc, char **argv) {
  vlp_module *module = NULL;
  vlp_session *session = NULL;
  if (argc != 3) {
    fprintf(stderr, "usage: encode FILE.vlp (WEIGHTS.safetensors | SEED)\n");
    return 1;
  }
  check(vlp_module_load(argv[1], NULL, &module));
  check(vlp_session_create(module, NULL, &session));
  take_weights(session, argv[2]);
  fill_image(module, session);
  fill_text(module, session);
  int64_t image_width, text_width;
  const float *image = encode(module, session, "encode_image", "image_embedding", &image_width);
  const float *text = encode(module, session, "encode_text", "text_embedding", &text_width);
  if (image_width != text_width) {
    fprintf(stderr, "error: embeddings of %lld and %lld numbers cannot be compared\n", (long long)image_width,
            (long long)text_width);
    return 1;
  }
  /* Embeddings have length 1, so that their dot product is the cosine. */
  double cosine = 0;
  for (int64_t i = 0; i < image_width; ++i)
    cosine += (double)image[i] * text[i];
  printf("%s: cosine of image and text %.6f\n", vlp_module_model(module), cosine);
  vlp_session_free(session);
  vlp_module_free(module);
  return 0;
}
