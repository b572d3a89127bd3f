// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pictures and files that several tests need.
#pragma once

#include "runtime/data/Image.h"

#include <gtest/gtest.h>

namespace vlp::data::testing {

/// The picture whose value at (x, y, channel) is (37x + 71y + 101c + 3xy) mod 256: what the stored Pillow results were
/// made from.
Image patternImage(int width, int height);
RgbaImage patternRgba(int width, int height);

Bytes encodeJpeg(const Image &image, int quality = 95);
void writeFile(const std::filesystem::path &path, ByteView bytes);
void writeFile(const std::filesystem::path &path, std::string_view text);

/// A directory that is gone after the test.
class ScratchDirectory {
public:
  ScratchDirectory() : directory(std::move(*TemporaryDirectory::create())) {}
  std::filesystem::path operator/(const std::string &name) const { return directory.path() / name; }
  std::filesystem::path path() const { return directory.path(); }

private:
  TemporaryDirectory directory;
};

} // namespace vlp::data::testing
