// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where the time of an entry goes.
#include "runtime/report/Profile.h"

#include "runtime/report/Format.h"
#include "runtime/report/Statistics.h"
#include "runtime/report/Svg.h"

#include <algorithm>

namespace vlp::report {

namespace {

const std::string &layerOf(const format::Op &op) { return op.has_copy() ? op.copy().layer() : op.launch().layer(); }

/// Sums rows by name.
class Grouping {
public:
  ProfileRow &row(const std::string &name, const std::string &detail = "") {
    auto [place, fresh] = index.emplace(name, rows.size());
    if (fresh)
      rows.push_back({name.empty() ? "(none)" : name, detail});
    return rows[place->second];
  }
  std::vector<ProfileRow> sorted() {
    std::sort(rows.begin(), rows.end(), [](const ProfileRow &a, const ProfileRow &b) {
      return a.seconds != b.seconds ? a.seconds > b.seconds : a.name < b.name;
    });
    return std::move(rows);
  }

private:
  std::map<std::string, size_t> index;
  std::vector<ProfileRow> rows;
};

void add(ProfileRow &row, const format::Op &op, double seconds) {
  ++row.ops;
  row.seconds += seconds;
  if (op.has_copy()) {
    row.forwardSeconds += seconds;
    row.bytes += 2.0 * double(op.copy().src().size());
    return;
  }
  row.forwardSeconds += op.launch().backward() ? 0 : seconds;
  row.flops += op.launch().flops();
  row.bytes += op.launch().bytes();
}

std::string kernelName(const format::Op &op, const format::Program &program) {
  return op.has_copy() ? "copy" : program.kernels(int(op.launch().kernel())).name();
}

std::string anchorName(const format::Op &op, const format::Program &program) {
  return op.has_copy() ? "copy" : program.kernels(int(op.launch().kernel())).anchor();
}

} // namespace

Expected<EntryProfile> profileEntry(Session &session, const std::string &entryName, int repeats) {
  auto entry = session.module().entry(entryName);
  if (!entry)
    return entry.status();
  EntryProfile profile;
  profile.entry = entryName;
  profile.repeats = std::max(1, repeats);
  std::vector<std::vector<double>> times(size_t((*entry)->ops_size()));
  std::vector<double> walls;
  for (int i = -1; i < profile.repeats; ++i) {
    profile.timeline.clear();
    VLP_RETURN_IF_ERROR(session.runTimed(entryName, profile.timeline));
    if (profile.timeline.size() != times.size())
      return Status(StatusCode::Internal, "entry '" + entryName + "': " + std::to_string(profile.timeline.size()) +
                                              " timings for " + std::to_string(times.size()) + " ops");
    if (i < 0)
      continue;
    for (size_t op = 0; op < times.size(); ++op)
      times[op].push_back(profile.timeline[op].end - profile.timeline[op].begin);
    walls.push_back(profile.timeline.empty() ? 0 : profile.timeline.back().end - profile.timeline.front().begin);
  }
  profile.wall = median(walls);
  const format::Program &program = session.module().program();
  Grouping layers, kernels, anchors;
  for (size_t i = 0; i < times.size(); ++i) {
    const format::Op &op = *profile.timeline[i].op;
    double seconds = median(times[i]);
    profile.seconds += seconds;
    std::string anchor = anchorName(op, program);
    add(layers.row(layerOf(op)), op, seconds);
    add(kernels.row(kernelName(op, program), anchor), op, seconds);
    add(anchors.row(anchor), op, seconds);
  }
  profile.layers = layers.sorted();
  profile.kernels = kernels.sorted();
  profile.anchors = anchors.sorted();
  return profile;
}

Table profileTable(const std::vector<ProfileRow> &rows, const std::string &what, const EntryProfile &profile,
                   const MachinePeak &peak, size_t limit) {
  Table table({{what, Align::Left},
               {"ops"},
               {"time"},
               {"share"},
               {"forward"},
               {"flops"},
               {"bytes"},
               {"GF/s"},
               {"of peak"},
               {"GB/s"}});
  auto addRow = [&](const ProfileRow &row) {
    double gflops = row.seconds > 0 ? row.flops / row.seconds * 1e-9 : 0;
    double share = profile.seconds > 0 ? 100 * row.seconds / profile.seconds : 0;
    table.addRow({row.name, std::to_string(row.ops), duration(row.seconds), fixed(share, 1) + " %",
                  duration(row.forwardSeconds), count(row.flops), bytes(row.bytes), fixed(gflops, 1),
                  shareOfPeak(gflops, peak), fixed(row.seconds > 0 ? row.bytes / row.seconds * 1e-9 : 0, 1)});
  };
  ProfileRow rest{"(others)", ""}, all{"all", ""};
  for (size_t i = 0; i < rows.size(); ++i) {
    bool shown = !limit || i < limit;
    if (shown)
      addRow(rows[i]);
    for (ProfileRow *sum : {&rest, &all}) {
      if (sum == &rest && shown)
        continue;
      sum->ops += rows[i].ops;
      sum->seconds += rows[i].seconds;
      sum->forwardSeconds += rows[i].forwardSeconds;
      sum->flops += rows[i].flops;
      sum->bytes += rows[i].bytes;
    }
  }
  if (rest.ops)
    addRow(rest);
  table.addRule();
  addRow(all);
  return table;
}

ChromeTrace profileTrace(const EntryProfile &profile, const format::Program &program) {
  ChromeTrace trace;
  trace.nameTrack(0, "layers");
  trace.nameTrack(1, "kernels");
  const std::vector<OpTiming> &ops = profile.timeline;
  for (size_t i = 0; i < ops.size();) {
    size_t end = i + 1;
    while (end < ops.size() && layerOf(*ops[end].op) == layerOf(*ops[i].op))
      ++end;
    trace.add(layerOf(*ops[i].op), "layer", 0, ops[i].begin, ops[end - 1].end);
    i = end;
  }
  for (const OpTiming &timing : ops) {
    const format::Op &op = *timing.op;
    double seconds = std::max(timing.end - timing.begin, 1e-12);
    std::vector<std::pair<std::string, double>> numbers;
    if (op.has_launch())
      numbers = {{"flops", op.launch().flops()},
                 {"bytes", op.launch().bytes()},
                 {"GF/s", op.launch().flops() / seconds * 1e-9},
                 {"tasks", double(op.launch().tasks())}};
    trace.add(kernelName(op, program), anchorName(op, program), 1, timing.begin, timing.end, std::move(numbers),
              {{"layer", layerOf(op)}});
  }
  return trace;
}

static BarChart bars(const char *title, const std::vector<ProfileRow> &rows, const EntryProfile &profile,
                     size_t limit) {
  BarChart chart;
  chart.title = title;
  for (size_t i = 0; i < std::min(limit, rows.size()); ++i)
    chart.bars.push_back({rows[i].name, rows[i].seconds,
                          duration(rows[i].seconds) + ", " + fixed(100 * rows[i].seconds / profile.seconds, 1) + " %",
                          0});
  return chart;
}

Status saveProfileHtml(const std::string &path, const EntryProfile &profile, const format::Manifest &manifest,
                       const MachinePeak &peak) {
  HtmlPage page("Profile of " + manifest.model() + ", entry " + profile.entry);
  page.paragraph("A run takes " + duration(profile.wall) + " (median of " + std::to_string(profile.repeats) +
                 "), its ops together " + duration(profile.seconds) + "; " + describePeak(peak) + ".");
  page.markup(bars("Kinds of kernel", profile.anchors, profile, 12).svg());
  page.markup(bars("Layers", profile.layers, profile, 24).svg());
  page.markup(bars("Kernels", profile.kernels, profile, 24).svg());
  page.heading("By kind of kernel");
  page.table(profileTable(profile.anchors, "kind", profile, peak));
  page.heading("By layer");
  page.table(profileTable(profile.layers, "layer", profile, peak));
  page.heading("By kernel");
  page.table(profileTable(profile.kernels, "kernel", profile, peak));
  return page.save(path);
}

} // namespace vlp::report
