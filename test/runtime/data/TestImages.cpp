// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pattern pictures, and JPEG by libjpeg.
#include "test/runtime/data/TestImages.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <jpeglib.h>

namespace vlp::data::testing {

static Bytes pattern(int width, int height, int channels) {
  Bytes bytes;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        bytes.push_back(uint8_t(37 * x + 71 * y + 101 * c + 3 * x * y));
  return bytes;
}

Image patternImage(int width, int height) { return {width, height, pattern(width, height, 3)}; }
RgbaImage patternRgba(int width, int height) { return {width, height, pattern(width, height, 4)}; }

Bytes encodeJpeg(const Image &image, int quality) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char *buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &buffer, &size);
  jpeg.image_width = JDIMENSION(image.width);
  jpeg.image_height = JDIMENSION(image.height);
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, quality, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    auto *row = const_cast<uint8_t *>(&image.rgb[size_t(jpeg.next_scanline) * image.width * 3]);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  Bytes bytes(buffer, buffer + size);
  std::free(buffer);
  return bytes;
}

void writeFile(const std::filesystem::path &path, ByteView bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char *>(bytes.data()), std::streamsize(bytes.size()));
}

void writeFile(const std::filesystem::path &path, std::string_view text) {
  writeFile(path, ByteView(reinterpret_cast<const uint8_t *>(text.data()), text.size()));
}

} // namespace vlp::data::testing
