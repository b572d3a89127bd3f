// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The page with a run's curves.
#include "runtime/train/Trainer.h"

#include "runtime/report/Format.h"
#include "runtime/report/Svg.h"

namespace vlp::training {

static report::LineChart chartOf(const char *title, const RunHistory &history, float StepRecord::*field) {
  report::LineChart chart;
  chart.title = title;
  chart.xLabel = "step";
  report::Series series{title, {}};
  for (const StepRecord &record : history.steps)
    series.points.push_back({double(record.step), double(record.*field)});
  chart.series.push_back(std::move(series));
  return chart;
}

/// The mean of a window that grows with the run: single batches are noisy.
static report::Series smoothed(const report::Series &series) {
  report::Series result{"smoothed", {}};
  size_t window = std::max<size_t>(1, series.points.size() / 50);
  double sum = 0;
  for (size_t i = 0; i < series.points.size(); ++i) {
    sum += series.points[i].second;
    if (i >= window)
      sum -= series.points[i - window].second;
    result.points.push_back({series.points[i].first, sum / double(std::min(i + 1, window))});
  }
  return result;
}

static report::LineChart validationChart(const char *title, const RunHistory &history, double data::Recall::*which) {
  report::LineChart chart;
  chart.title = title;
  chart.xLabel = "step";
  chart.yLabel = "percent";
  chart.includeLow = 0;
  for (const ValidationRecord &record : history.validations)
    for (size_t i = 0; i < record.sets.size(); ++i) {
      if (chart.series.size() <= i)
        chart.series.push_back({record.sets[i].first, {}});
      chart.series[i].points.push_back({double(record.step), record.sets[i].second.*which});
    }
  return chart;
}

static report::Table validationTable(const RunHistory &history) {
  using report::fixed;
  std::vector<report::Column> columns = {{"step"}};
  if (!history.validations.empty())
    for (const auto &[name, recall] : history.validations.front().sets)
      columns.insert(columns.end(), {{name + " R@1"}, {"R@5"}, {"R@10"}});
  columns.insert(columns.end(), {{"mean"}, {"", report::Align::Left}});
  report::Table table(std::move(columns));
  for (const ValidationRecord &record : history.validations) {
    std::vector<std::string> cells = {std::to_string(record.step)};
    for (const auto &[name, recall] : record.sets)
      cells.insert(cells.end(), {fixed(recall.at1, 1), fixed(recall.at5, 1), fixed(recall.at10, 1)});
    cells.insert(cells.end(), {fixed(record.score, 2), record.best ? "best so far" : ""});
    table.addRow(std::move(cells));
  }
  return table;
}

Status saveTrainReport(const std::string &path, const TrainSettings &settings, const RunHistory &history) {
  report::HtmlPage page("Training of " + settings.model);
  if (!history.steps.empty()) {
    const StepRecord &last = history.steps.back();
    page.paragraph(std::to_string(last.step) + " steps of " + std::to_string(settings.batch) + " pairs in " +
                   report::duration(last.seconds) + "; seed " + std::to_string(settings.seed) + ", dataset " +
                   settings.dataset + ". The last loss is " + report::fixed(last.loss, 3) + ".");
  }
  report::LineChart loss = chartOf("loss", history, &StepRecord::loss);
  loss.series.push_back(smoothed(loss.series.front()));
  loss.series.front().name = "batch";
  page.markup("<div class=\"sheet\">" + loss.svg());
  if (!history.validations.empty()) {
    page.markup(validationChart("validation R@1", history, &data::Recall::at1).svg());
    page.markup(validationChart("validation R@10", history, &data::Recall::at10).svg());
  }
  page.markup(chartOf("learning rate", history, &StepRecord::learningRate).svg());
  report::LineChart norm = chartOf("gradient norm", history, &StepRecord::gradNorm);
  norm.logY = true;
  page.markup(norm.svg());
  page.markup(chartOf("logit scale", history, &StepRecord::logitScale).svg());
  report::LineChart speed = chartOf("pairs per second", history, &StepRecord::pairsPerSecond);
  speed.includeLow = 0;
  page.markup(speed.svg() + "</div>");
  if (!history.validations.empty()) {
    page.heading("Validation, both directions averaged, in percent");
    page.table(validationTable(history));
  }
  page.heading("Settings");
  page.preformatted(history.header.empty() ? settings.json() : history.header);
  return page.save(path);
}

} // namespace vlp::training
