// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the fuzzers call: every parser of bytes from outside. None may crash, hang or read out of range, whatever it
// gets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vlp::data::testing {

void fuzzFont(const uint8_t *data, size_t size);
/// Reads the bytes as they are, and with the checksums made right, so that damage reaches what lies behind them.
void fuzzDataset(const uint8_t *data, size_t size);
void fuzzAnnotations(const uint8_t *data, size_t size);
void fuzzEmojiTest(const uint8_t *data, size_t size);
void fuzzCaptions(const uint8_t *data, size_t size);
void fuzzImages(const uint8_t *data, size_t size);
void fuzzMerges(const uint8_t *data, size_t size);

} // namespace vlp::data::testing
