// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards that a page needs nothing from elsewhere and that no text can break out of its element.
#include "runtime/report/Html.h"

#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::report;

static std::string encoded(std::string text) {
  return base64({reinterpret_cast<const uint8_t *>(text.data()), text.size()});
}

TEST(Html, Base64) { // the vectors of RFC 4648
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
}

TEST(Html, PageIsSelfContained) {
  HtmlPage page("a <title>");
  page.heading("h");
  page.paragraph("</p><script>");
  page.preformatted("x\ny");
  std::vector<Card> cards(1);
  cards[0].image = {2, 1, {255, 0, 0, 0, 0, 255}};
  cards[0].title = "'quoted' \"name\"";
  cards[0].marked = true;
  ASSERT_TRUE(page.contactSheet(cards).isOk());
  std::string html = page.render();
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("http://"), std::string::npos);
  EXPECT_EQ(html.find("https://"), std::string::npos);
  EXPECT_NE(html.find("src=\"data:image/png;base64,iVBOR"), std::string::npos);
  EXPECT_NE(html.find("alt=\"&#39;quoted&#39; &quot;name&quot;\""), std::string::npos);
  EXPECT_NE(html.find("a &lt;title&gt;"), std::string::npos);
}

TEST(Html, SaveNamesTheFileThatItCannotWrite) {
  Status status = HtmlPage("x").save("/nonexistent-directory/x.html");
  ASSERT_FALSE(status.isOk());
  EXPECT_NE(status.message().find("/nonexistent-directory"), std::string::npos);
}
