// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Batches of pictures, tokens and pair ids for training, drawn from named, weighted streams, replayable from any step.
#pragma once

#include "runtime/data/Augment.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <optional>

namespace vlp::data {

/// Where training items come from.
struct Stream {
  std::string name;
  std::shared_ptr<const Dataset> dataset;
  double weight = 1; ///< share of the rows, relative to the other streams'
  /// The items to draw from; empty means all training items. An item that is not of the training split is refused.
  std::vector<uint32_t> items = {};
  /// Without a value: CaptionOptions::forKind of the dataset.
  std::optional<CaptionOptions> captions = std::nullopt;
};

struct LoaderOptions {
  int batch = 128;
  int contextLength = 20; ///< T: tokens a text
  uint64_t seed = 0;
  ImageOptions image;
  AugmentOptions augment;
  /// From 0, every item once an epoch, to 1, every concept (conceptKey of the item's name) as often: an item is drawn in
  /// proportion to (number of the stream's items of its concept)^-conceptBalance. An epoch keeps its length.
  float conceptBalance = 0;
  /// Batches made ahead on a background thread; 0 makes them on demand. Does not change what they hold.
  int prefetch = 2;
  /// Datasets whose held-out items must not appear in any stream, besides the streams' own.
  std::vector<std::shared_ptr<const Dataset>> heldOut;
};

struct Batch {
  uint64_t step = 0;
  int rows = 0;
  std::vector<float> images;     ///< [rows, 3, R, R]
  std::vector<int32_t> tokens;   ///< [rows, T]
  std::vector<int32_t> pairIds;  ///< [rows]; equal ids are positives of one another
  std::vector<uint32_t> items;   ///< [rows], index into the stream's dataset
  std::vector<uint16_t> streams; ///< [rows]
};

/// The training loader. Batch `step` depends only on (streams, options, step): not on what was read before, nor on
/// threads.
class Loader {
public:
  /// Fails when a stream is empty or holds a held-out item (verifyNoLeak), or when options make no sense.
  static Expected<std::unique_ptr<Loader>>
  create(std::vector<Stream> streams, std::shared_ptr<const tokenizer::Tokenizer> tokenizer, LoaderOptions options);
  ~Loader();

  /// The next batch; the loader's position moves by one step.
  std::shared_ptr<const Batch> next();
  /// The step that next() will return.
  uint64_t step() const;
  /// Moves to a step, in constant time.
  void seek(uint64_t step);
  /// Items that a whole pass over all streams' items needs (the sum of their sizes): 60,000 pairs / this = epochs.
  size_t itemsPerEpoch() const;

  /// Position as JSON: step, seed, batch, and each stream's name, weight, dataset fingerprint, epoch and place in it.
  std::string position() const { return position(step()); }
  /// The position from which `step` is the next one.
  std::string position(uint64_t step) const;
  /// Moves to a position; fails when the streams, seed or batch are not those it was saved with, naming what differs.
  Status restore(const std::string &position);

private:
  Loader();
  struct State;
  std::unique_ptr<State> state;
};

/// An evaluation batch: centre crops, names as texts, in the given order.
Batch evaluationBatch(const Dataset &dataset, std::span<const uint32_t> items, const tokenizer::Tokenizer &tokenizer,
                      int contextLength, const ImageOptions &image);

} // namespace vlp::data
