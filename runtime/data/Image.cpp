// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// PNG through libpng's simplified interface and JPEG through libjpeg-turbo, both with their failures turned into
// statuses.
#include "runtime/data/Image.h"

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <jerror.h>
#include <jpeglib.h>
#include <png.h>

namespace vlp::data {

static Status tooLarge(const std::string &what, uint64_t width, uint64_t height) {
  return Status::invalid(what + ": picture of " + std::to_string(width) + " x " + std::to_string(height) +
                         " pixels, the limit is " + std::to_string(maxPixels) + " pixels");
}

static Expected<RgbaImage> decodePng(ByteView bytes, const std::string &what) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  auto failure = [&] {
    Status status(StatusCode::DataLoss, what + ": damaged PNG: " + png.message);
    png_image_free(&png);
    return status;
  };
  if (!png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()))
    return failure();
  if (uint64_t(png.width) * png.height > maxPixels) {
    Status status = tooLarge(what, png.width, png.height);
    png_image_free(&png);
    return status;
  }
  png.format = PNG_FORMAT_RGBA;
  // 16-bit pictures are taken as sRGB like 8-bit ones, not as linear light.
  png.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  RgbaImage image{int(png.width), int(png.height), Bytes(size_t(png.width) * png.height * 4)};
  if (!png_image_finish_read(&png, nullptr, image.rgba.data(), 0, nullptr))
    return failure();
  return image;
}

namespace {
struct JpegErrors {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
};

/// What the decoder hands over; filled between setjmp and longjmp, so nothing with a destructor lives in that function.
struct JpegOutput {
  RgbaImage image;
  Bytes row;
  Status refused;
};
} // namespace

[[noreturn]] static void jpegFail(j_common_ptr info) {
  auto *errors = reinterpret_cast<JpegErrors *>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->jump, 1);
}

/// libjpeg goes on after warnings of damage and paints grey; we stop. Bytes between markers are harmless.
static void jpegMessage(j_common_ptr info, int level) {
  if (level < 0 && info->err->msg_code != JWRN_EXTRANEOUS_DATA)
    jpegFail(info);
}

static bool readJpeg(jpeg_decompress_struct &jpeg, JpegErrors &errors, ByteView bytes, const std::string &what,
                     JpegOutput &output) {
  if (setjmp(errors.jump)) {
    jpeg_destroy_decompress(&jpeg);
    return false;
  }
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, bytes.data(), static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(&jpeg, TRUE);
  if (uint64_t(jpeg.image_width) * jpeg.image_height > maxPixels) {
    output.refused = tooLarge(what, jpeg.image_width, jpeg.image_height);
    jpeg_destroy_decompress(&jpeg);
    return false;
  }
  jpeg.out_color_space = JCS_RGB;
  jpeg_start_decompress(&jpeg);
  size_t width = jpeg.output_width;
  output.image.width = int(width);
  output.image.height = int(jpeg.output_height);
  output.image.rgba.resize(width * jpeg.output_height * 4);
  output.row.resize(width * 3);
  uint8_t *target = output.image.rgba.data();
  while (jpeg.output_scanline < jpeg.output_height) {
    uint8_t *row = output.row.data();
    jpeg_read_scanlines(&jpeg, &row, 1);
    for (size_t x = 0; x < width; ++x, target += 4) {
      std::memcpy(target, row + 3 * x, 3);
      target[3] = 255;
    }
  }
  jpeg_finish_decompress(&jpeg);
  jpeg_destroy_decompress(&jpeg);
  return true;
}

static Expected<RgbaImage> decodeJpeg(ByteView bytes, const std::string &what) {
  jpeg_decompress_struct jpeg{};
  JpegErrors errors{};
  jpeg.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = jpegFail;
  errors.manager.emit_message = jpegMessage;
  JpegOutput output;
  if (readJpeg(jpeg, errors, bytes, what, output))
    return std::move(output.image);
  if (!output.refused)
    return output.refused;
  return Status(StatusCode::DataLoss, what + ": damaged or unsupported JPEG: " + errors.message);
}

Expected<RgbaImage> decodeRgba(ByteView bytes, const std::string &what) {
  static constexpr uint8_t pngMagic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  if (bytes.empty())
    return Status(StatusCode::DataLoss, what + ": empty, expected a PNG or JPEG picture");
  if (bytes.size() >= sizeof pngMagic && std::memcmp(bytes.data(), pngMagic, sizeof pngMagic) == 0)
    return decodePng(bytes, what);
  if (bytes.size() >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff)
    return decodeJpeg(bytes, what);
  return Status(StatusCode::DataLoss, what + ": neither a PNG nor a JPEG picture by its first bytes");
}

Expected<Image> decodeImage(ByteView bytes, const std::string &what) {
  Expected<RgbaImage> image = decodeRgba(bytes, what);
  if (!image)
    return image.status();
  return compositeOnWhite(*image);
}

/// Division by 255 as Pillow does it; exact to rounding for the values that occur.
static uint32_t divideBy255(uint32_t value) { return ((value >> 8) + value) >> 8; }

Image compositeOnWhite(const RgbaImage &source) {
  constexpr int precision = 7;
  size_t pixels = size_t(source.width) * source.height;
  Image image{source.width, source.height, Bytes(pixels * 3, 255)};
  for (size_t i = 0; i < pixels; ++i) {
    const uint8_t *from = &source.rgba[4 * i];
    uint32_t alpha = from[3];
    if (alpha == 0)
      continue;
    uint32_t outAlpha = alpha * 255 + 255 * (255 - alpha);
    uint32_t coefficient = alpha * 255 * 255 * (1u << precision) / outAlpha;
    uint32_t ground = 255 * (1u << precision) - coefficient;
    for (int c = 0; c < 3; ++c)
      image.rgb[3 * i + c] =
          uint8_t(divideBy255(from[c] * coefficient + 255 * ground + (0x80u << precision)) >> precision);
  }
  return image;
}

Expected<Bytes> encodePng(const Image &image) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = png_uint_32(image.width);
  png.height = png_uint_32(image.height);
  png.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  Bytes bytes(size);
  if (image.width <= 0 || image.height <= 0 || image.rgb.size() != size_t(image.width) * image.height * 3)
    return Status(StatusCode::Internal, "encodePng: pixels do not match the size of the picture");
  if (!png_image_write_to_memory(&png, bytes.data(), &size, 0, image.rgb.data(), 0, nullptr))
    return Status(StatusCode::Internal, std::string("encodePng: ") + png.message);
  bytes.resize(size);
  return bytes;
}

} // namespace vlp::data
