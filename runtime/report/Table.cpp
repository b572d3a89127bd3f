// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A table for terminals and for HTML pages.
#include "runtime/report/Table.h"

#include "runtime/report/Format.h"

#include <algorithm>

namespace vlp::report {

size_t displayWidth(const std::string &text) {
  return size_t(std::count_if(text.begin(), text.end(), [](char c) { return (uint8_t(c) & 0xC0) != 0x80; }));
}

void Table::addRow(std::vector<std::string> cells) {
  cells.resize(columns.size());
  rows.push_back({std::move(cells), false});
}

void Table::addRule() { rows.push_back({{}, true}); }

static void appendLine(std::string &out, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

std::string Table::text(const std::string &indent) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns.size(); ++i) {
    widths.push_back(displayWidth(columns[i].title));
    for (const Row &row : rows)
      if (!row.rule)
        widths[i] = std::max(widths[i], displayWidth(row.cells[i]));
  }
  auto line = [&](auto &&cell) {
    std::string text = indent;
    for (size_t i = 0; i < columns.size(); ++i) {
      std::string content = cell(i);
      std::string padding(widths[i] - displayWidth(content), ' ');
      text += columns[i].align == Align::Left ? content + padding : padding + content;
      text += "  ";
    }
    return text;
  };
  size_t total = 0;
  for (size_t width : widths)
    total += width + 2;
  std::string rule = indent + std::string(total > 2 ? total - 2 : 0, '-');
  std::string out;
  appendLine(out, line([&](size_t i) { return columns[i].title; }));
  appendLine(out, rule);
  for (const Row &row : rows)
    appendLine(out, row.rule ? rule : line([&](size_t i) { return row.cells[i]; }));
  return out;
}

std::string Table::html() const {
  auto attribute = [&](size_t i) { return columns[i].align == Align::Left ? " class=\"left\"" : ""; };
  std::string out = "<div class=\"scroll\"><table><thead><tr>";
  for (size_t i = 0; i < columns.size(); ++i)
    out += std::string("<th") + attribute(i) + ">" + escapeHtml(columns[i].title) + "</th>";
  out += "</tr></thead><tbody>\n";
  bool rule = false;
  for (const Row &row : rows) {
    if (row.rule) {
      rule = true;
      continue;
    }
    out += rule ? "<tr class=\"rule\">" : "<tr>";
    rule = false;
    for (size_t i = 0; i < columns.size(); ++i)
      out += std::string("<td") + attribute(i) + ">" + escapeHtml(row.cells[i]) + "</td>";
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

} // namespace vlp::report
