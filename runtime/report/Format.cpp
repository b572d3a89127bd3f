// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Numbers as people read them.
#include "runtime/report/Format.h"

#include <cmath>
#include <cstdio>

namespace vlp::report {

std::string fixed(double value, int digits) {
  if (!std::isfinite(value))
    return "-";
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

/// Three significant digits for values from 1 to 999.
static std::string threeDigits(double value) {
  return fixed(value, std::fabs(value) < 9.995 ? 2 : std::fabs(value) < 99.95 ? 1 : 0);
}

static std::string scaled(double value, double base, const char *const *units, int numUnits) {
  if (!std::isfinite(value))
    return "-";
  int unit = 0;
  while (unit + 1 < numUnits && std::fabs(value) >= base * 0.9995) {
    value /= base;
    ++unit;
  }
  std::string number = unit == 0 && value == std::floor(value) ? fixed(value, 0) : threeDigits(value);
  return units[unit][0] ? number + " " + units[unit] : number;
}

std::string count(double value) {
  static const char *const units[] = {"", "k", "M", "G", "T", "P"};
  return scaled(value, 1000, units, 6);
}

std::string bytes(double value) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  return scaled(value, 1024, units, 5);
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds))
    return "-";
  if (seconds < 0.9995e-3)
    return threeDigits(seconds * 1e6) + " us";
  if (seconds < 0.9995)
    return threeDigits(seconds * 1e3) + " ms";
  if (seconds < 119.95)
    return threeDigits(seconds) + " s";
  char text[64];
  long whole = std::lround(seconds);
  if (whole < 7200)
    std::snprintf(text, sizeof text, "%ld min %02ld s", whole / 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld h %02ld min", whole / 3600, whole / 60 % 60);
  return text;
}

std::string clockTime(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e8)
    return "-:--";
  char text[64];
  long whole = std::lround(seconds);
  if (whole < 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  return text;
}

std::string escapeHtml(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '>': out += "&gt;"; break;
    case '"': out += "&quot;"; break;
    case '\'': out += "&#39;"; break;
    default: out += c;
    }
  }
  return out;
}

} // namespace vlp::report
