// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Numbers as people read them.
#pragma once

#include <string>
#include <string_view>

namespace vlp::report {

/// "12.3", with this many digits after the point; "-" when it is not finite.
std::string fixed(double value, int digits);
/// 1234567 -> "1.23 M"; steps of 1000 (k, M, G, T); whole numbers below 1000 as they are.
std::string count(double value);
/// Bytes in steps of 1024: "512 B", "20.1 MiB".
std::string bytes(double value);
/// Seconds: "0.42 ms", "12.3 s", "4 min 05 s", "2 h 03 min".
std::string duration(double seconds);
/// A time left or gone, short enough for a progress bar: "0:07", "12:34", "1:02:03".
std::string clockTime(double seconds);
/// Escapes &, <, > and quotes, for text and attribute values.
std::string escapeHtml(std::string_view text);

} // namespace vlp::report
