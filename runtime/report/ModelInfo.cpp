// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a compiled file says of itself.
#include "runtime/report/ModelInfo.h"

#include "runtime/cpu/CpuFeatures.h"
#include "runtime/report/Format.h"
#include "runtime/report/Table.h"

#include <nlohmann/json.hpp>

namespace vlp::report {

using Json = nlohmann::ordered_json;
using StateTensor = format::StateTensor;

EntryCosts costsOf(const format::Entry &entry) {
  EntryCosts costs;
  for (const format::Op &op : entry.ops()) {
    if (op.has_copy()) {
      ++costs.copies;
      costs.bytes += 2.0 * double(op.copy().src().size());
      continue;
    }
    ++costs.launches;
    costs.flops += op.launch().flops();
    costs.bytes += op.launch().bytes();
  }
  return costs;
}

int64_t batchOf(const format::Entry &entry) {
  return entry.inputs_size() && entry.inputs(0).shape_size() ? entry.inputs(0).shape(0) : 0;
}

std::string typeOf(const format::Tensor &tensor) {
  std::string text = tensor.dtype() == format::F32 ? "f32[" : "i32[";
  for (int i = 0; i < tensor.shape_size(); ++i)
    text += (i ? ", " : "") + std::to_string(tensor.shape(i));
  return text + "]";
}

std::string runnableCode(const format::Manifest &manifest, std::string &why) {
  auto code = chooseCpuProgram(manifest, "", "this file");
  if (code)
    return (*code)->target() + " " + (*code)->chip();
  for (const format::Program &program : manifest.programs())
    if (program.target() == "sim" && missingCpuFeatures(program.features()).empty())
      return "sim " + program.chip();
  why = code.status().message();
  for (const format::Program &program : manifest.programs())
    if (program.target() == "cuda")
      return why += "; its code for cuda needs an NVIDIA GPU (--device=cuda)", "";
  return "";
}

namespace {

double elements(const format::Tensor &tensor) {
  double n = 1;
  for (int64_t extent : tensor.shape())
    n *= double(extent);
  return n;
}

struct StateSums {
  int tensors = 0;
  double parameters = 0, decayed = 0, frozen = 0, momentBytes = 0;
};

StateSums sumState(const format::Manifest &manifest) {
  StateSums sums;
  for (const StateTensor &state : manifest.state()) {
    double n = elements(state.tensor());
    if (state.kind() == StateTensor::MOMENT)
      sums.momentBytes += double(state.tensor().slot().size());
    if (state.kind() != StateTensor::PARAMETER)
      continue;
    ++sums.tensors;
    sums.parameters += n;
    sums.decayed += state.decay() ? n : 0;
    sums.frozen += state.trainable() ? 0 : n;
  }
  return sums;
}

std::string shortNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string tensorList(const google::protobuf::RepeatedPtrField<format::Tensor> &tensors) {
  std::string text;
  size_t shown = 0;
  for (const format::Tensor &tensor : tensors) {
    if (++shown > 6) // the entry that gives gradients has one a parameter
      return text + ", ... (" + std::to_string(tensors.size()) + " in all)";
    text += (text.empty() ? "" : ", ") + tensor.name() + " " + typeOf(tensor);
  }
  return text.empty() ? "none" : text;
}

std::string programList(const format::Manifest &manifest) {
  std::string text;
  for (const format::Program &program : manifest.programs()) {
    text += (text.empty() ? "" : "; ") + program.target() + " " + program.chip() + ", " +
            std::to_string(program.kernels_size()) + " kernels";
    for (int i = 0; i < program.features_size(); ++i)
      text += (i ? ", " : " (") + program.features(i);
    text += program.features_size() ? ")" : "";
  }
  return text.empty() ? "none" : text;
}

std::string configList(const format::Manifest &manifest) {
  std::map<std::string, double> sorted(manifest.config().begin(), manifest.config().end());
  std::string text;
  for (const auto &[name, value] : sorted)
    text += (text.empty() ? "" : ", ") + name + " " + shortNumber(value);
  return text;
}

std::string entryTables(const format::Manifest &manifest) {
  Table costs({{"entry", Align::Left},
               {"target", Align::Left},
               {"batch"},
               {"launches"},
               {"copies"},
               {"peak arena"},
               {"flops"},
               {"bytes"},
               {"flops a row"}});
  std::string types;
  for (const format::Program &program : manifest.programs())
    for (const format::Entry &entry : program.entries()) {
      EntryCosts sum = costsOf(entry);
      int64_t batch = batchOf(entry);
      costs.addRow({entry.name(), program.target() + " " + program.chip(), std::to_string(batch),
                    std::to_string(sum.launches), std::to_string(sum.copies), bytes(double(entry.arena_size())),
                    count(sum.flops), bytes(sum.bytes), batch ? count(sum.flops / double(batch)) : "-"});
      if (&program == &manifest.programs(0))
        types += "  " + entry.name() + "\n    inputs   " + tensorList(entry.inputs()) + "\n    outputs  " +
                 tensorList(entry.outputs()) + "\n";
    }
  return costs.text() + "\n" + types;
}

std::string scalarTable(const format::Manifest &manifest) {
  Table table({{"scalar", Align::Left}, {"default"}, {"meaning", Align::Left}});
  for (const StateTensor &state : manifest.state())
    if (state.kind() == StateTensor::SCALAR)
      table.addRow({state.tensor().name(), shortNumber(state.init().a()), state.doc()});
  return table.numRows() ? "\n" + table.text() : "";
}

} // namespace

std::string describeModel(const format::Manifest &manifest, const std::string &path) {
  StateSums sums = sumState(manifest);
  std::string why, code = runnableCode(manifest, why);
  std::string out = path + ": " + manifest.model() + " (" + manifest.architecture() + "), compiled by vlpc " +
                    manifest.compiler_version() + "\n";
  out += "configuration  " + configList(manifest) + "\n";
  const format::Preprocessing &given = manifest.preprocessing();
  out += "preprocessing  pictures " + std::to_string(given.image_size()) + " x " + std::to_string(given.image_size()) +
         ", texts of " + std::to_string(given.context_length()) + " tokens out of at most " +
         std::to_string(given.vocabulary_size()) + "\n";
  out += "parameters     " + count(sums.parameters) + " in " + std::to_string(sums.tensors) + " tensors, " +
         count(sums.decayed) + " with weight decay, " + count(sums.frozen) + " frozen\n";
  out += "state          " + bytes(double(manifest.state_bytes())) + ", of which " + bytes(sums.momentBytes) +
         " moments\n";
  out += "machine code   " + programList(manifest) + "\n";
  out += "this machine   " + (code.empty() ? "cannot run it: " + why : "runs its code for " + code) + "\n\n";
  return out + entryTables(manifest) + scalarTable(manifest);
}

static Json tensorsJson(const google::protobuf::RepeatedPtrField<format::Tensor> &tensors) {
  Json list = Json::array();
  for (const format::Tensor &tensor : tensors)
    list.push_back({{"name", tensor.name()},
                    {"dtype", tensor.dtype() == format::F32 ? "f32" : "i32"},
                    {"shape", std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end())}});
  return list;
}

static Json stateJson(const format::Manifest &manifest) {
  static const char *const kinds[] = {"parameter", "moment", "counter", "scalar"};
  Json list = Json::array();
  for (const StateTensor &state : manifest.state()) {
    Json entry = {{"name", state.tensor().name()},
                  {"kind", kinds[state.kind()]},
                  {"dtype", state.tensor().dtype() == format::F32 ? "f32" : "i32"},
                  {"shape", std::vector<int64_t>(state.tensor().shape().begin(), state.tensor().shape().end())}};
    if (state.kind() == StateTensor::PARAMETER)
      entry.update({{"trainable", state.trainable()}, {"decay", state.decay()}});
    if (state.kind() == StateTensor::SCALAR)
      entry.update({{"default", state.init().a()}, {"doc", state.doc()}});
    list.push_back(std::move(entry));
  }
  return list;
}

static Json programJson(const format::Program &program) {
  Json entries = Json::array();
  for (const format::Entry &entry : program.entries()) {
    EntryCosts sum = costsOf(entry);
    entries.push_back({{"name", entry.name()},
                       {"batch", batchOf(entry)},
                       {"launches", sum.launches},
                       {"copies", sum.copies},
                       {"arena_bytes", entry.arena_size()},
                       {"flops", sum.flops},
                       {"bytes", sum.bytes},
                       {"writes_state", entry.writes_state()},
                       {"inputs", tensorsJson(entry.inputs())},
                       {"outputs", tensorsJson(entry.outputs())}});
  }
  return {{"target", program.target()},
          {"chip", program.chip()},
          {"features", std::vector<std::string>(program.features().begin(), program.features().end())},
          {"kernels", program.kernels_size()},
          {"entries", entries}};
}

std::string modelJson(const format::Manifest &manifest, const std::string &path) {
  StateSums sums = sumState(manifest);
  std::string why, code = runnableCode(manifest, why);
  const format::Preprocessing &given = manifest.preprocessing();
  Json document = {{"file", path},
                   {"model", manifest.model()},
                   {"architecture", manifest.architecture()},
                   {"compiler_version", manifest.compiler_version()},
                   {"config", std::map<std::string, double>(manifest.config().begin(), manifest.config().end())},
                   {"image_size", given.image_size()},
                   {"context_length", given.context_length()},
                   {"vocabulary_size", given.vocabulary_size()},
                   {"parameters", sums.parameters},
                   {"state_bytes", manifest.state_bytes()},
                   {"runs_here", !code.empty()},
                   {"code_for_this_machine", code},
                   {"why_not", why},
                   {"programs", Json::array()}};
  for (const format::Program &program : manifest.programs())
    document["programs"].push_back(programJson(program));
  document["state"] = stateJson(manifest);
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace vlp::report
