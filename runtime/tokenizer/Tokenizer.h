// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the loader and the tools need of a tokenizer, whichever vocabulary it has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vlp::tokenizer {

class Tokenizer {
public:
  virtual ~Tokenizer() = default;
  /// `contextLength` ids, with the vocabulary's begin and end marks, truncated so that the end mark stays, padded with
  /// 0.
  virtual std::vector<int32_t> encode(std::string_view text, int contextLength) const = 0;
  /// The text of ids; marks and padding are left out.
  virtual std::string decode(const std::vector<int32_t> &ids) const = 0;
  virtual int vocabularySize() const = 0;
  /// SHA-256 of the vocabulary, 64 hexadecimal digits. A compiled model records it.
  virtual const std::string &hash() const = 0;
};

} // namespace vlp::tokenizer
