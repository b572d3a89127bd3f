// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// libFuzzer target: any bytes; an even first byte puts a right header length before the rest.
#include "runtime/checkpoint/Safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string bytes(reinterpret_cast<const char *>(data), size);
  if (size > 0 && data[0] % 2 == 0) {
    size_t brace = bytes.rfind('}');
    uint64_t length = brace == std::string::npos ? 0 : brace;
    bytes = std::string(reinterpret_cast<const char *>(&length), sizeof length) + bytes.substr(1);
  }
  auto file = vlp::SafetensorsFile::parse(bytes, "fuzz");
  if (!file)
    return 0;
  for (const vlp::SafetensorsTensor &tensor : file->tensors()) {
    std::vector<float> singles(tensor.elements());
    std::vector<int64_t> longs(tensor.elements());
    (void)tensor.read(std::span(singles));
    (void)tensor.read(std::span(longs));
  }
  return 0;
}
