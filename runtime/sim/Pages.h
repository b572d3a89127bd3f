// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Memory from the system by pages: zero until written, with pages that fault where asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace vlp::sim {

inline constexpr uint64_t kPage = 4096;
/// Forbidden pages on either side of a memory: a stray access is the likelier to hit them the more they are, and they
/// cost nothing.
inline constexpr uint64_t kGuard = 64 << 10;

inline constexpr uint64_t roundUp(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

class Pages {
public:
  Pages() = default;
  /// At least `bytes`, zero; null data() when the system has no memory left.
  explicit Pages(uint64_t bytes);
  Pages(Pages &&other) noexcept : begin(std::exchange(other.begin, nullptr)), length(std::exchange(other.length, 0)) {}
  Pages &operator=(Pages &&other) noexcept {
    std::swap(begin, other.begin);
    std::swap(length, other.length);
    return *this;
  }
  ~Pages();

  std::byte *data() const { return begin; }
  uint64_t size() const { return length; }
  bool contains(uintptr_t address) const { return address - reinterpret_cast<uintptr_t>(begin) < length; }
  template <typename T>
  T *as() const {
    return reinterpret_cast<T *>(begin);
  }

  /// Accesses to these whole pages fault from now on.
  bool forbid(uint64_t offset, uint64_t bytes);
  /// Gives the contents back to the system: all zero again.
  void clear();

private:
  std::byte *begin = nullptr;
  uint64_t length = 0;
};

} // namespace vlp::sim
