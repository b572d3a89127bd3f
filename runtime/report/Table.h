// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A table for terminals and for HTML pages.
#pragma once

#include <string>
#include <vector>

namespace vlp::report {

enum class Align { Left, Right };

struct Column {
  std::string title;
  Align align = Align::Right;
};

class Table {
public:
  explicit Table(std::vector<Column> columns) : columns(std::move(columns)) {}

  /// Missing cells are empty; cells beyond the columns are dropped.
  void addRow(std::vector<std::string> cells);
  /// A line between the rows before and after it.
  void addRule();
  size_t numRows() const { return rows.size(); }

  /// Columns padded to equal width, two spaces apart, one line a row; widths count UTF-8 characters. No trailing
  /// blanks.
  std::string text(const std::string &indent = "") const;
  std::string html() const;

private:
  struct Row {
    std::vector<std::string> cells;
    bool rule = false;
  };
  std::vector<Column> columns;
  std::vector<Row> rows;
};

/// Characters (code points) of a UTF-8 text.
size_t displayWidth(const std::string &text);

} // namespace vlp::report
