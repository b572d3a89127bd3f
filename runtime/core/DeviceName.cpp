// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Parses device names; every mistake is one line that says what can be said.
#include "runtime/core/DeviceName.h"

#include <charconv>

namespace vlp {

namespace {

template <typename Number>
bool parseNumber(std::string_view text, Number &value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

/// Bytes from "512", "64k", "512M", "2G": powers of 1024.
bool parseBytes(std::string_view text, uint64_t &value) {
  unsigned shift = text.ends_with('k') ? 10 : text.ends_with('M') ? 20 : text.ends_with('G') ? 30 : 0;
  if (shift)
    text.remove_suffix(1);
  if (!parseNumber(text, value) || value == 0 || value > UINT64_MAX >> 1 >> shift)
    return false;
  value <<= shift;
  return true;
}

bool parseSwitch(std::string_view text, const char *on, const char *off, bool &value) {
  value = text == on;
  return text == on || text == off;
}

constexpr char kGpuOptions[] = "graph=on|off, sync";
constexpr char kSimOptions[] =
    "checked, order=forward|reverse|random, seed=N, copies=late|early, memory=BYTES, chip=sm_80, graph=on|off, sync";

bool parseGpuOption(std::string_view key, std::string_view value, DeviceName &name) {
  if (key == "graph")
    return parseSwitch(value, "on", "off", name.graph);
  if (key == "sync" && value.empty())
    return name.sync = true;
  return name.kind == DeviceName::Kind::Cuda && value.empty() && parseNumber(key, name.ordinal) && name.ordinal >= 0;
}

bool parseSimOption(std::string_view key, std::string_view value, DeviceName &name) {
  sim::DriverOptions &options = name.sim;
  if (key == "checked" && value.empty())
    return options.engine.checked = true;
  if (key == "seed")
    return parseNumber(value, options.engine.seed);
  if (key == "copies")
    return parseSwitch(value, "late", "early", options.engine.lateCopies);
  if (key == "memory")
    return parseBytes(value, options.memory);
  if (key == "forget-wait")
    return parseNumber(value, options.forgottenWait);
  if (key == "chip") {
    name.chip = value;
    return !value.empty();
  }
  if (key == "order") {
    options.engine.order = value == "reverse"  ? sim::ThreadOrder::Reverse
                           : value == "random" ? sim::ThreadOrder::Random
                                               : sim::ThreadOrder::Forward;
    return value == "forward" || value == "reverse" || value == "random";
  }
  return parseGpuOption(key, value, name);
}

Status parseOptions(const std::string &text, std::string_view list, DeviceName &name) {
  bool simulated = name.kind == DeviceName::Kind::Sim;
  while (!list.empty()) {
    std::string_view option = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), option.size() + 1));
    size_t equals = option.find('=');
    std::string_view key = option.substr(0, equals);
    std::string_view value = equals == std::string_view::npos ? "" : option.substr(equals + 1);
    if (!(simulated ? parseSimOption(key, value, name) : parseGpuOption(key, value, name)))
      return Status::invalid("device '" + text + "': unknown option '" + std::string(option) + "'; " +
                             (simulated ? std::string("sim takes ") + kSimOptions
                                        : std::string("cuda takes a GPU's number, ") + kGpuOptions));
  }
  return Status::ok();
}

} // namespace

Expected<DeviceName> DeviceName::parse(const std::string &text) {
  DeviceName name;
  size_t colon = text.find(':');
  std::string_view family = std::string_view(text).substr(0, colon), rest;
  if (colon != std::string::npos)
    rest = std::string_view(text).substr(colon + 1);
  bool empty = colon != std::string::npos && rest.empty();
  if (family == "cpu" && !empty) {
    name.chip = rest;
    return name;
  }
  if ((family == "cuda" || family == "sim") && !empty) {
    name.kind = family == "cuda" ? Kind::Cuda : Kind::Sim;
    VLP_RETURN_IF_ERROR(parseOptions(text, rest, name));
    return name;
  }
  return Status::invalid("unknown device '" + text +
                         "'; this runtime knows cpu, cpu:CHIP (as in cpu:x86-64-v3), cuda, cuda:N and sim");
}

} // namespace vlp
