// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The log of a training run.
#include "runtime/train/RunLog.h"

#include "runtime/data/File.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace vlp::training {

/// With f32 as its number type, so that 0.001f is written as 0.001.
using Json = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool, int64_t, uint64_t, float>;

static Json toJson(const StepRecord &record) {
  return {{"step", record.step},
          {"loss", record.loss},
          {"learning_rate", record.learningRate},
          {"grad_norm", record.gradNorm},
          {"logit_scale", record.logitScale},
          {"pairs_per_second", record.pairsPerSecond},
          {"seconds", record.seconds}};
}

static Json toJson(const ValidationRecord &record) {
  Json sets = Json::object();
  for (const auto &[name, recall] : record.sets)
    sets[name] = {{"R@1", float(recall.at1)}, {"R@5", float(recall.at5)}, {"R@10", float(recall.at10)}};
  return {{"step", record.step}, {"validation", sets}, {"score", record.score}, {"best", record.best}};
}

/// Numbers that are not finite are written as null.
static float number(const Json &value) { return value.is_null() ? NAN : value.get<float>(); }

static void parseLine(const Json &line, RunHistory &history) {
  if (line.contains("validation")) {
    ValidationRecord record;
    record.step = line.at("step");
    for (const auto &[name, recall] : line.at("validation").items())
      record.sets.push_back({name, {number(recall.at("R@1")), number(recall.at("R@5")), number(recall.at("R@10"))}});
    record.score = number(line.at("score"));
    record.best = line.at("best");
    history.validations.push_back(std::move(record));
    return;
  }
  history.steps.push_back({line.at("step"), number(line.at("loss")), number(line.at("learning_rate")),
                           number(line.at("grad_norm")), number(line.at("logit_scale")),
                           number(line.at("pairs_per_second")), number(line.at("seconds"))});
}

Expected<RunHistory> readRunLog(const std::string &path) {
  auto bytes = data::readFile(path);
  if (!bytes)
    return bytes.status();
  std::string_view text(reinterpret_cast<const char *>(bytes->data()), bytes->size());
  RunHistory history;
  for (size_t number = 1; !text.empty(); ++number) {
    size_t end = text.find('\n');
    if (end == text.npos)
      break;
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    Json parsed = Json::parse(line, nullptr, false);
    try {
      if (!parsed.is_object())
        return Status(StatusCode::DataLoss, path + ":" + std::to_string(number) + ": expected a JSON object");
      if (parsed.contains("step"))
        parseLine(parsed, history);
      else if (history.header.empty())
        history.header = line;
    } catch (const Json::exception &error) {
      return Status(StatusCode::DataLoss, path + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  return history;
}

Expected<RunLog> RunLog::create(const std::string &path, const std::string &header) {
  RunLog log;
  log.path = path;
  log.past.header = header;
  log.file.reset(std::fopen(path.c_str(), "w"));
  if (!log.file)
    return Status::invalid("cannot write the log " + path + ": " + std::strerror(errno));
  VLP_RETURN_IF_ERROR(log.line(header));
  return log;
}

Expected<RunLog> RunLog::resume(const std::string &path, const std::string &header, uint64_t step) {
  RunHistory kept;
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    auto history = readRunLog(path);
    if (!history)
      return history.status();
    kept = std::move(*history);
  }
  auto later = [step](const auto &record) { return record.step > step; };
  std::erase_if(kept.steps, later);
  std::erase_if(kept.validations, later);
  auto log = create(path, kept.header.empty() ? header : kept.header);
  if (!log)
    return log.status();
  size_t validation = 0;
  for (const StepRecord &record : kept.steps) {
    for (; validation < kept.validations.size() && kept.validations[validation].step < record.step; ++validation)
      VLP_RETURN_IF_ERROR(log->write(kept.validations[validation]));
    VLP_RETURN_IF_ERROR(log->write(record));
  }
  for (; validation < kept.validations.size(); ++validation)
    VLP_RETURN_IF_ERROR(log->write(kept.validations[validation]));
  return log;
}

Status RunLog::line(const std::string &text) {
  if (std::fputs((text + "\n").c_str(), file.get()) < 0 || std::fflush(file.get()) != 0)
    return Status::invalid("cannot write the log " + path + ": " + std::strerror(errno));
  return Status::ok();
}

Status RunLog::write(const StepRecord &record) {
  past.steps.push_back(record);
  return line(toJson(record).dump());
}

Status RunLog::write(const ValidationRecord &record) {
  past.validations.push_back(record);
  return line(toJson(record).dump());
}

} // namespace vlp::training
