// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Timelines in the trace-event format.
#include "runtime/report/ChromeTrace.h"

#include "runtime/data/File.h"

#include <nlohmann/json.hpp>

namespace vlp::report {

using Json = nlohmann::ordered_json;

void ChromeTrace::nameTrack(int track, std::string name) { tracks[track] = std::move(name); }

void ChromeTrace::add(std::string name, std::string category, int track, double begin, double end,
                      std::vector<std::pair<std::string, double>> numbers,
                      std::vector<std::pair<std::string, std::string>> texts) {
  events.push_back({std::move(name), std::move(category), track, begin, end, std::move(numbers), std::move(texts)});
}

std::string ChromeTrace::json() const {
  Json list = Json::array();
  for (const auto &[track, name] : tracks)
    list.push_back({{"name", "thread_name"}, {"ph", "M"}, {"pid", 0}, {"tid", track}, {"args", {{"name", name}}}});
  for (const Event &event : events) {
    Json arguments = Json::object();
    for (const auto &[key, value] : event.texts)
      arguments[key] = value;
    for (const auto &[key, value] : event.numbers)
      arguments[key] = value;
    list.push_back({{"name", event.name},
                    {"cat", event.category},
                    {"ph", "X"},
                    {"ts", event.begin * 1e6},
                    {"dur", (event.end - event.begin) * 1e6},
                    {"pid", 0},
                    {"tid", event.track},
                    {"args", std::move(arguments)}});
  }
  Json document = {{"traceEvents", std::move(list)}, {"displayTimeUnit", "ms"}};
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Status ChromeTrace::save(const std::string &path) const {
  std::string text = json();
  return data::writeFileAtomically(path, {reinterpret_cast<const uint8_t *>(text.data()), text.size()});
}

} // namespace vlp::report
