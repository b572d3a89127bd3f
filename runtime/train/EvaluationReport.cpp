// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An evaluation as a terminal table, as JSON and as a page.
#include "runtime/train/Evaluation.h"

#include "runtime/report/Format.h"
#include "runtime/report/Svg.h"

#include <nlohmann/json.hpp>

namespace vlp::training {

using Json = nlohmann::ordered_json;
using report::fixed;

static std::string withInterval(const Estimate &estimate, const report::Interval &interval) {
  return fixed(estimate.value, 1) + " [" + fixed(interval.low, 1) + ", " + fixed(interval.high, 1) + "]";
}

static void addRecallRow(report::Table &table, std::string name, const data::Recall &recall, std::string rank = "") {
  table.addRow(
      {"", "", std::move(name), fixed(recall.at1, 1), fixed(recall.at5, 1), fixed(recall.at10, 1), std::move(rank)});
}

report::Table EvaluationReport::table() const {
  using report::Align;
  report::Table table({{"set", Align::Left},
                       {"items"},
                       {"", Align::Left},
                       {"R@1", Align::Left},
                       {"R@5", Align::Left},
                       {"R@10", Align::Left},
                       {"median rank"}});
  for (const SetReport &set : sets) {
    if (table.numRows())
      table.addRule();
    bool several = set.checkpoints.size() > 1;
    table.addRow({std::string(data::splitName(set.split)), std::to_string(set.items),
                  several ? "model, mean of " + std::to_string(set.checkpoints.size()) : "model",
                  withInterval(set.at1, set.at1.items), withInterval(set.at5, set.at5.items),
                  withInterval(set.at10, set.at10.items), fixed(set.mean.medianRank, 1)});
    if (several)
      table.addRow({"", "", "  interval over checkpoints", withInterval(set.at1, set.at1.seeds),
                    withInterval(set.at5, set.at5.seeds), withInterval(set.at10, set.at10.seeds)});
    addRecallRow(table, "  picture to text", set.mean.imageToText);
    addRecallRow(table, "  text to picture", set.mean.textToImage);
    if (!set.baseline)
      continue;
    addRecallRow(table, "pixel baseline", set.baseline->mean);
    addRecallRow(table, "oracle of the Unicode group", set.baseline->groupOracle);
    addRecallRow(table, "chance", set.baseline->chance);
  }
  return table;
}

static Json toJson(const data::Recall &recall) {
  return {{"R@1", recall.at1}, {"R@5", recall.at5}, {"R@10", recall.at10}};
}

static Json toJson(const Estimate &estimate) {
  return {{"value", estimate.value},
          {"interval_items", {estimate.items.low, estimate.items.high}},
          {"interval_checkpoints", {estimate.seeds.low, estimate.seeds.high}}};
}

static Json toJson(const RetrievalScore &score) {
  return {{"mean", toJson(score.mean)},
          {"image_to_text", toJson(score.imageToText)},
          {"text_to_image", toJson(score.textToImage)},
          {"median_rank", score.medianRank}};
}

std::string EvaluationReport::json() const {
  Json document = {{"model", model},
                   {"dataset", dataset},
                   {"split", test ? "test" : "val"},
                   {"checkpoints", checkpoints},
                   {"bootstrap_rounds", bootstrapRounds},
                   {"sets", Json::array()}};
  for (const SetReport &set : sets) {
    Json entry = {{"set", data::splitName(set.split)},
                  {"items", set.items},
                  {"R@1", toJson(set.at1)},
                  {"R@5", toJson(set.at5)},
                  {"R@10", toJson(set.at10)},
                  {"mean", toJson(set.mean)},
                  {"checkpoints", Json::array()}};
    for (const RetrievalScore &score : set.checkpoints)
      entry["checkpoints"].push_back(toJson(score));
    if (set.baseline)
      entry["baselines"] = {{"pixel", toJson(set.baseline->mean)},
                            {"unicode_group_oracle", toJson(set.baseline->groupOracle)},
                            {"chance", toJson(set.baseline->chance)}};
    document["sets"].push_back(std::move(entry));
  }
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Status EvaluationReport::saveHtml(const std::string &path) const {
  report::HtmlPage page("Image-text retrieval of " + model);
  std::string of = checkpoints.size() == 1 ? checkpoints.front() : std::to_string(checkpoints.size()) + " checkpoints";
  page.paragraph(of + " on " + dataset +
                 ". Recall in percent, both directions averaged, with 95 % bootstrap intervals over " + "the items (" +
                 std::to_string(bootstrapRounds) + " rounds).");
  page.table(table());
  for (const SetReport &set : sets) {
    report::BarChart chart;
    chart.title = std::string(data::splitName(set.split)) + ", R@10 in percent";
    chart.bars.push_back({"model", set.at10.value, withInterval(set.at10, set.at10.items), 0});
    if (set.baseline) {
      chart.bars.push_back({"pixel baseline", set.baseline->mean.at10, fixed(set.baseline->mean.at10, 1), 1});
      chart.bars.push_back(
          {"oracle of the Unicode group", set.baseline->groupOracle.at10, fixed(set.baseline->groupOracle.at10, 1), 5});
      chart.bars.push_back({"chance", set.baseline->chance.at10, fixed(set.baseline->chance.at10, 1), 5});
    }
    page.markup(chart.svg());
  }
  return page.save(path);
}

} // namespace vlp::training
