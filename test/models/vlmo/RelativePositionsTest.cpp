// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the layout of the relative position table; the tables of an official model are checked by vlp-check parity.
#include "models/vlmo/RelativePositions.h"
#include <gtest/gtest.h>
#include <set>

using namespace vlp::models;

/// A grid of 2 x 2 patches, texts of up to 4 tokens: 9 + 3 rows of pictures, 2 across, 8 of texts.
static VlmoConfig makeConfig() {
  VlmoConfig config{32, 16, {32, 1, 2}, 0, 10, 3, 4};
  return config;
}

TEST(RelativePositions, OfPictures) {
  RelativePositions positions = getPicturePositions(makeConfig());
  EXPECT_EQ(positions.size, 5);
  EXPECT_EQ(positions.index,
            (std::vector<int32_t>{11, 9, 9, 9, 9, 10, 4, 3, 1, 0, 10, 5, 4, 2, 1, 10, 7, 6, 4, 3, 10, 8, 7, 5, 4}));
}

TEST(RelativePositions, OfTexts) {
  EXPECT_EQ(makeConfig().getDistances(), 22);
  EXPECT_EQ(getTextPositions(makeConfig(), 3).index, (std::vector<int32_t>{21, 19, 19, 20, 16, 17, 20, 15, 16}));
  EXPECT_EQ(getTextPositions(makeConfig(), 1).index, std::vector<int32_t>{21});
}

TEST(RelativePositions, OfPairs) {
  VlmoConfig config = makeConfig();
  RelativePositions pair = getPairPositions(config, 2), text = getTextPositions(config, 2),
                    picture = getPicturePositions(config);
  ASSERT_EQ(pair.size, 7);
  for (int i = 0; i < 7; ++i)
    for (int j = 0; j < 7; ++j) {
      int expected = i < 2 && j < 2 ? text.index[i * 2 + j]
                     : i < 2        ? 12
                     : j < 2        ? 13
                                    : picture.index[(i - 2) * 5 + j - 2];
      EXPECT_EQ(pair.index[i * 7 + j], expected) << i << ", " << j;
    }
}

// Every row of the table is used by texts as long as it is made for, but for those next to offsets that no two tokens
// behind the first have.
TEST(RelativePositions, IndicesLieInTheTable) {
  VlmoConfig config{48, 16, {32, 1, 2}, 0, 10, 6, 6};
  RelativePositions pair = getPairPositions(config, 6);
  std::set<int32_t> used(pair.index.begin(), pair.index.end());
  EXPECT_EQ(*used.begin(), 0);
  EXPECT_EQ(*used.rbegin(), config.getDistances() - 1);
}
