// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One JSON document; the HTML page shows the same.
#include "tools/vlpc/ReportFile.h"

#include "dialect/Plan/Plan.h"
#include "models/common/Architecture.h"
#include "runtime/report/KernelReport.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;
namespace json = llvm::json;

static json::Object toJson(const ModuleCost &cost) {
  return json::Object{{"flops", cost.flops}, {"bytes", cost.bytes}, {"ops", cost.ops}};
}

static json::Object toJson(const PassRecord &pass) {
  return json::Object{{"name", pass.name},           {"seconds", pass.seconds},
                      {"fired", pass.changed},       {"before", toJson(pass.before)},
                      {"after", toJson(pass.after)}, {"remarks", json::Array(pass.remarks)}};
}

static json::Object toJson(plan::EntryOp entry) {
  double flops = 0, bytes = 0;
  int64_t launches = 0, copies = 0;
  for (Operation &op : entry.getBody().front()) {
    if (auto launch = dyn_cast<plan::LaunchOp>(op)) {
      ++launches;
      flops += launch.getFlops().convertToDouble();
      bytes += launch.getBytes().convertToDouble();
    } else if (isa<plan::CopyOp>(op)) {
      ++copies;
    }
  }
  return json::Object{{"name", entry.getSymName()},
                      {"arena_bytes", entry.getArenaSize()},
                      {"launches", launches},
                      {"copies", copies},
                      {"flops", flops},
                      {"bytes", bytes}};
}

static json::Object toJson(const CompileReport &report) {
  json::Array passes, entries;
  for (const PassRecord &pass : report.passes)
    passes.push_back(toJson(pass));
  ModuleOp plan = report.plan;
  for (auto entry : plan.getOps<plan::EntryOp>())
    entries.push_back(toJson(entry));
  auto kernels = plan.getOps<plan::KernelOp>();
  return json::Object{{"model", report.model},
                      {"targets", json::Array(report.targets)},
                      {"seconds", report.seconds},
                      {"file_bytes", int64_t(report.fileBytes)},
                      {"kernels", int64_t(std::distance(kernels.begin(), kernels.end()))},
                      {"entries", std::move(entries)},
                      {"passes", std::move(passes)}};
}

static std::string escape(StringRef text) {
  std::string out;
  for (char c : text)
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

static std::string number(double value) {
  for (auto [unit, name] : {std::pair<double, const char *>{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}})
    if (value >= unit)
      return llvm::formatv("{0:f2} {1}", value / unit, name).str();
  return llvm::formatv("{0:f0}", value).str();
}

static void writeHtml(const CompileReport &report, llvm::raw_ostream &out) {
  out << "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>" << escape(report.model)
      << "</title><style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}"
         "table{border-collapse:collapse;width:100%}td,th{padding:.3rem .6rem;text-align:right;border-bottom:1px solid "
         "#ddd}"
         "td:first-child,th:first-child{text-align:left}.idle{color:#888}li{font-size:.85em}</style></head><body>\n";
  out << "<h1>" << escape(report.model) << "</h1><p>Compiled for " << escape(llvm::join(report.targets, ", ")) << " in "
      << llvm::formatv("{0:f1}", report.seconds) << " s; the file has " << number(report.fileBytes) << "B.</p>\n";
  out << "<h2>Entries</h2><table><tr><th>entry</th><th>arena</th><th>launches</th><th>copies</th><th>flops</"
         "th><th>bytes</th></tr>\n";
  ModuleOp plan = report.plan;
  for (auto entry : plan.getOps<plan::EntryOp>()) {
    json::Object item = toJson(entry);
    out << "<tr><td>" << escape(*item.getString("name")) << "</td><td>" << number(*item.getInteger("arena_bytes"))
        << "B</td><td>" << *item.getInteger("launches") << "</td><td>" << *item.getInteger("copies") << "</td><td>"
        << number(*item.getNumber("flops")) << "</td><td>" << number(*item.getNumber("bytes")) << "</td></tr>\n";
  }
  out << "</table><h2>Passes</h2><table><tr><th>pass</th><th>time</th><th>fired</th><th>ops</th><th>flops</"
         "th><th>bytes</th></tr>\n";
  for (const PassRecord &pass : report.passes) {
    out << "<tr" << (pass.changed ? "" : " class=\"idle\"") << "><td>" << escape(pass.name) << "</td><td>"
        << llvm::formatv("{0:f1} ms", 1e3 * pass.seconds) << "</td><td>" << (pass.changed ? "yes" : "no") << "</td><td>"
        << pass.before.ops << " &rarr; " << pass.after.ops << "</td><td>" << number(pass.before.flops) << " &rarr; "
        << number(pass.after.flops) << "</td><td>" << number(pass.before.bytes) << " &rarr; "
        << number(pass.after.bytes) << "</td></tr>\n";
    if (pass.remarks.empty())
      continue;
    out << "<tr><td colspan=\"6\"><details><summary>" << pass.remarks.size() << " remarks</summary><ul>\n";
    for (const std::string &remark : pass.remarks)
      out << "<li>" << escape(remark) << "</li>\n";
    out << "</ul></details></td></tr>\n";
  }
  out << "</table>\n";
  for (const format::Program &program : report.manifest.programs())
    if (program.target() == "cuda")
      out << "<h2>Kernels for " << program.chip() << "</h2>\n" << report::kernelsHtml(program);
  out << "</body></html>\n";
}

llvm::Error tools::writeReport(const CompileReport &report, const std::string &path) {
  return llvm::writeToOutput(path, [&](llvm::raw_ostream &out) {
    if (StringRef(path).ends_with(".html"))
      writeHtml(report, out);
    else
      out << llvm::formatv("{0:2}\n", json::Value(toJson(report)));
    return llvm::Error::success();
  });
}
