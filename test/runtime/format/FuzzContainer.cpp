// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// libFuzzer target: any bytes, with a right header and checksum put before them so that the fuzzer reaches the
// manifest.
#include "runtime/format/Container.h"

#include <cstring>
#include <zlib.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::vector<char> bytes(data, data + size);
  // An odd first byte: the file as it is. An even one: the rest is a manifest.
  if (size > 0 && data[0] % 2 == 0) {
    uint32_t crc = uint32_t(crc32_z(0, data + 1, size - 1));
    uint64_t manifestSize = size - 1, fileSize = 32 + manifestSize;
    std::vector<char> file(32);
    std::memcpy(file.data(), "VLPCFILE", 8);
    std::memcpy(file.data() + 8, &vlp::format::kFormatVersion, 4);
    std::memcpy(file.data() + 12, &crc, 4);
    std::memcpy(file.data() + 16, &manifestSize, 8);
    std::memcpy(file.data() + 24, &fileSize, 8);
    file.insert(file.end(), bytes.begin() + 1, bytes.end());
    bytes = std::move(file);
  }
  auto container = vlp::format::Container::parse(std::move(bytes), "fuzz");
  if (container)
    for (int i = 0; i < container->manifest().sections_size(); ++i)
      (void)container->section(uint32_t(i));
  return 0;
}
