// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One self-contained HTML page.
#include "runtime/report/Html.h"

namespace vlp::report {

static const char *const style = R"css(
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5d6675; --paper: #ffffff; --card: #f4f6f9; --line: #d9dee6;
  --c0: #2563c9; --c1: #d9600a; --c2: #16875a; --c3: #b0308d; --c4: #8a6d00; --c5: #4b5b75; --c6: #c22f2f; --c7: #0f8799; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaf2; --soft: #9aa5b8; --paper: #14181f; --card: #1d232d; --line: #343d4b;
    --c0: #6ea8ff; --c1: #ff9f5a; --c2: #55d19b; --c3: #f08bd3; --c4: #e2c24b; --c5: #a9b8d0; --c6: #ff8080; --c7: #5fd0e0; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto; padding: 24px;
  max-width: 1080px; }
h1 { font-size: 24px; margin: 0 0 16px; } h2 { font-size: 18px; margin: 28px 0 8px; } p { margin: 6px 0 12px; }
pre { background: var(--card); padding: 10px 14px; overflow-x: auto; border-radius: 6px; font-size: 13px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 8px 0; }
th, td { text-align: right; padding: 3px 12px; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; } .left { text-align: left; } tr.rule td { border-top: 2px solid var(--soft); }
.sheet { display: flex; flex-wrap: wrap; gap: 12px; } .card { background: var(--card); border-radius: 8px; padding: 8px;
  border: 2px solid transparent; font-size: 12px; overflow-wrap: anywhere; } .card.marked { border-color: var(--c2); }
.card img { display: block; border-radius: 4px; image-rendering: auto; background: #fff; margin-bottom: 4px; }
.card small { color: var(--soft); } svg { max-width: 100%; height: auto; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; } svg .soft { fill: var(--soft); }
svg .grid { stroke: var(--line); } svg .title { font-weight: 600; font-size: 14px; }
)css";

std::string base64(data::ByteView bytes) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    size_t left = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = uint32_t(bytes[i]) << 16;
    if (left > 1)
      word |= uint32_t(bytes[i + 1]) << 8;
    if (left > 2)
      word |= bytes[i + 2];
    for (size_t j = 0; j < 4; ++j)
      out += j <= left ? digits[word >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

void HtmlPage::heading(std::string_view text) { body += "<h2>" + escapeHtml(text) + "</h2>\n"; }
void HtmlPage::paragraph(std::string_view text) { body += "<p>" + escapeHtml(text) + "</p>\n"; }
void HtmlPage::preformatted(std::string_view text) { body += "<pre>" + escapeHtml(text) + "</pre>\n"; }
void HtmlPage::markup(std::string_view html) { body += std::string(html) + "\n"; }

Status HtmlPage::contactSheet(const std::vector<Card> &cards, int side) {
  std::string width = std::to_string(side);
  body += "<div class=\"sheet\">\n";
  for (const Card &card : cards) {
    auto png = data::encodePng(card.image);
    if (!png)
      return png.status();
    std::string alt = escapeHtml(card.title);
    body += std::string("<div class=\"card") + (card.marked ? " marked" : "") + "\" style=\"width:" + width + "px\">";
    body += "<img width=\"" + width + "\" alt=\"" + alt + "\" src=\"data:image/png;base64," + base64(*png) + "\">";
    body += "<div>" + alt + "</div><small>" + escapeHtml(card.subtitle) + "</small></div>\n";
  }
  body += "</div>\n";
  return Status::ok();
}

std::string HtmlPage::render() const {
  std::string name = escapeHtml(title);
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         name + "</title>\n<style>" + style + "</style>\n</head>\n<body>\n<h1>" + name + "</h1>\n" + body +
         "</body>\n</html>\n";
}

Status HtmlPage::save(const std::string &path) const {
  std::string text = render();
  return data::writeFileAtomically(path, {reinterpret_cast<const uint8_t *>(text.data()), text.size()});
}

} // namespace vlp::report
