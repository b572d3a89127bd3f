// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One self-contained HTML page: no scripts or files from elsewhere, pictures inlined, light and dark.
#pragma once

#include "runtime/core/Status.h"
#include "runtime/data/Image.h"
#include "runtime/report/Format.h"
#include "runtime/report/Table.h"

#include <string>
#include <string_view>

namespace vlp::report {

std::string base64(data::ByteView bytes);

/// A picture in a contact sheet.
struct Card {
  data::Image image;
  std::string title;    ///< large
  std::string subtitle; ///< small
  bool marked = false;  ///< drawn with a frame, e.g. the query or a right answer
};

class HtmlPage {
public:
  explicit HtmlPage(std::string title) : title(std::move(title)) {}

  void heading(std::string_view text);
  void paragraph(std::string_view text);
  /// Text in a fixed-width face, line breaks kept.
  void preformatted(std::string_view text);
  void table(const Table &table) { body += table.html(); }
  /// Markup made by this library (a chart).
  void markup(std::string_view html);
  /// A grid of pictures with captions. `side` is the width on the screen, in CSS pixels.
  Status contactSheet(const std::vector<Card> &cards, int side = 112);

  std::string render() const;
  Status save(const std::string &path) const;

private:
  std::string title;
  std::string body;
};

} // namespace vlp::report
