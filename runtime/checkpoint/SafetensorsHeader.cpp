// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A SAX handler of nlohmann-json that accepts the safetensors header and nothing else.
#include "runtime/checkpoint/SafetensorsHeader.h"

#include <nlohmann/json.hpp>
#include <set>

namespace vlp {

namespace {

constexpr char kMetadata[] = "__metadata__";
/// More axes than any tensor has; keeps a hostile header small.
constexpr size_t kMostAxes = 32;

class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
public:
  explicit HeaderReader(SafetensorsHeader &header) : header(header) {}

  std::string problem;

  bool start_object(size_t) override {
    if (depth == 1 && !name.empty() && name != kMetadata)
      header.tensors.push_back({name, {}, {}, {}});
    return ++depth <= 2 && !inArray ? true : fail("unexpected object");
  }

  bool key(std::string &text) override {
    std::set<std::string> &seen = depth == 1 ? names : fields;
    if (depth == 1)
      fields.clear();
    if (!seen.insert(text).second)
      return fail("'" + text + "' occurs twice");
    (depth == 1 ? name : field) = text;
    if (depth == 1 && text.empty())
      return fail("a tensor without a name");
    if (depth == 2 && name != kMetadata && text != "dtype" && text != "shape" && text != "data_offsets")
      return fail("unknown field '" + text + "'");
    return true;
  }

  bool end_object() override {
    --depth;
    if (depth == 1 && name != kMetadata && fields.size() != 3)
      return fail("expected dtype, shape and data_offsets");
    return true;
  }

  bool string(std::string &text) override {
    if (depth == 2 && name == kMetadata)
      header.metadata[field] = text;
    else if (depth == 2 && !inArray && field == "dtype")
      header.tensors.back().type = text;
    else
      return fail("unexpected string");
    return true;
  }

  bool start_array(size_t) override {
    if (depth != 2 || inArray || name == kMetadata || field == "dtype")
      return fail("unexpected array");
    inArray = true;
    return true;
  }

  bool end_array() override {
    inArray = false;
    if (field == "data_offsets" && header.tensors.back().offsets.size() != 2)
      return fail("data_offsets are not two numbers");
    return true;
  }

  bool number_unsigned(uint64_t number) override {
    if (!inArray)
      return fail("unexpected number");
    auto &numbers = field == "shape" ? header.tensors.back().shape : header.tensors.back().offsets;
    if (numbers.size() == kMostAxes)
      return fail("too many numbers");
    numbers.push_back(number);
    return true;
  }

  bool number_integer(int64_t) override { return fail("unexpected negative number"); }
  bool number_float(double, const std::string &) override { return fail("unexpected fraction"); }
  bool boolean(bool) override { return fail("unexpected true or false"); }
  bool null() override { return fail("unexpected null"); }
  bool binary(nlohmann::json::binary_t &) override { return fail("unexpected binary value"); }

  bool parse_error(size_t position, const std::string &, const nlohmann::json::exception &) override {
    if (problem.empty())
      problem = "not JSON at byte " + std::to_string(position);
    return false;
  }

private:
  bool fail(const std::string &what) {
    problem = (name.empty() ? "" : "'" + name + "': ") + what;
    return false;
  }

  SafetensorsHeader &header;
  unsigned depth = 0;
  bool inArray = false;
  /// The key at depth 1 and at depth 2, and all keys met so far on those levels.
  std::string name, field;
  std::set<std::string> names, fields;
};

} // namespace

std::string parseSafetensorsHeader(std::string_view json, SafetensorsHeader &header) {
  HeaderReader reader(header);
  bool read = nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  return read || !reader.problem.empty() ? reader.problem : "not JSON";
}

} // namespace vlp
