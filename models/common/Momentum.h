// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What momentum distillation consists of (MoCo, arXiv 1911.05722; ALBEF, arXiv 2107.07651): queues of features,
// contrast with soft targets, and negatives that are drawn. B is the batch, E the width of features, K the length of a
// queue.
#pragma once

#include "models/common/ModelBuilder.h"

namespace vlp::models {

/// The features of pictures or texts, of the model and of the momentum model, and the momentum model's older ones.
struct ContrastSide {
  mlir::Value features, momentumFeatures; ///< [B, E], unit rows
  mlir::Value queue;                      ///< [E, K], unit columns
};

/// The similarities of one side's rows to the other's keys (this batch's, then the queue's), and their loss.
struct Contrast {
  mlir::Value similarity; ///< [B, B + K]
  mlir::Value losses;     ///< [B]
};

/// Contrast of `queries` with `keys` at `temperature`, a scalar. Targets: alpha of what the momentum model says, the
/// rest where they belong together.
Contrast contrastWithQueue(ModelBuilder &b, const ContrastSide &queries, const ContrastSide &keys,
                           mlir::Value temperature, mlir::Value alpha);

/// Contrast of pictures with texts and of texts with pictures, over the queues image_queue and text_queue [E,
/// `length`], which take this batch's momentum features in (written). `loss`: the mean over both directions.
struct Alignment {
  mlir::Value loss, imageToText, textToImage; ///< similarities [B, B + K]
};
Alignment alignWithQueues(ModelBuilder &b, ContrastSide image, ContrastSide text, int64_t length,
                          mlir::Value temperature, mlir::Value alpha);

/// `queue` [E, K] with `rows` [B, E] in place of the columns from `position` on, a multiple of B, which divides K.
mlir::Value enqueue(ModelBuilder &b, mlir::Value queue, mlir::Value rows, mlir::Value position);
/// The position behind them.
mlir::Value advance(ModelBuilder &b, mlir::Value position, int64_t batch, int64_t length);

/// Rows x[index[b]] of x [B, ...].
mlir::Value gatherItems(ModelBuilder &b, mlir::Value x, mlir::Value index);

/// One column other than its own for each row of `similarity` [B, B], drawn with the probabilities of the rows' softmax
/// (and `least` more for each, before they are normed): the largest of their logarithms plus Gumbel noise. A saturated
/// softmax is no special case. `uniform` [B, B]: numbers in (0, 1).
mlir::Value drawNegatives(ModelBuilder &b, mlir::Value similarity, mlir::Value uniform, double least = 0);

/// The negatives of a step: of each text a picture of another row, and of each picture a text.
struct Negatives {
  mlir::Value imageForText, textForImage; ///< [B]
};
/// Those `given`, or, where that has none, drawn from an alignment's similarities with `uniform` [2, B, B].
Negatives chooseNegatives(ModelBuilder &b, const Negatives &given, const Alignment &alignment, mlir::Value uniform,
                          double least = 0);

/// The matching loss: cross entropy of scores [3 B, 2] whose first B rows are pairs that belong together (class 1).
mlir::Value matchingLoss(ModelBuilder &b, mlir::Value scores);

} // namespace vlp::models
