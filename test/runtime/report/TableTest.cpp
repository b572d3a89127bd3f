// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards alignment (also of names that are not ASCII) and escaping.
#include "runtime/report/Table.h"

#include <gtest/gtest.h>

using namespace vlp::report;

TEST(Table, AlignsByCharacters) {
  Table table({{"name", Align::Left}, {"R@1"}});
  table.addRow({"naïve", "7.0"});
  table.addRule();
  table.addRow({"x", "100.0"});
  EXPECT_EQ(table.text(), "name     R@1\n"
                          "------------\n"
                          "naïve    7.0\n"
                          "------------\n"
                          "x      100.0\n");
}

TEST(Table, NoRowsMissingAndSurplusCells) {
  Table table({{"a", Align::Left}, {"b", Align::Left}});
  EXPECT_EQ(table.text(), "a  b\n----\n");
  table.addRow({"1"});
  table.addRow({"1", "2", "3"});
  EXPECT_EQ(table.text("> "), "> a  b\n> ----\n> 1\n> 1  2\n");
}

TEST(Table, EscapesHtml) {
  Table table({{"<b>", Align::Left}});
  table.addRow({"a & \"b\""});
  std::string html = table.html();
  EXPECT_NE(html.find("&lt;b&gt;"), std::string::npos);
  EXPECT_NE(html.find("a &amp; &quot;b&quot;"), std::string::npos);
  EXPECT_EQ(html.find("<b>"), std::string::npos);
}
