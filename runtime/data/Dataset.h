// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A packed set of pictures with captions: one memory-mapped file, `DIR/dataset.vlpdata`, its reader and its writer.
//
// Layout, little-endian: a 64-byte preamble (magic "VLPDATA\0", u32 version, u32 side, u64 items, u64 pixel offset, u64
// metadata offset, u64 metadata bytes, u32 CRC of pixels, u32 CRC of metadata, u32 zero, u32 CRC of the preamble before
// it), the pixels (items x side x side x 3 uint8 RGB), and the metadata as JSON.
#pragma once

#include "runtime/data/File.h"
#include "runtime/data/Split.h"

#include <memory>

namespace vlp::data {

inline constexpr const char *datasetFileName = "dataset.vlpdata";

struct Item {
  /// At least one, none empty. The first is the item's name, which evaluation uses as its text.
  std::vector<std::string> captions;
  std::vector<std::string> keywords;
  std::string style;       ///< drawing style ("noto", "gemojione") or "" in a user's folder
  std::string group;       ///< Unicode group, or ""
  std::string key;         ///< code points joined by '_', or the file name
  std::string conceptName; ///< conceptKey(name) for emoji, else ""
  Split split = Split::Train;
  /// Items with the same name have the same id: they are positives of one another.
  int32_t pairId = 0;
  /// False where a mirrored picture would contradict its caption (flags, arrows, clocks, letters).
  bool mirrorable = false;

  const std::string &name() const { return captions.front(); }
};

/// What a dataset says of itself.
struct DatasetInfo {
  std::string kind;                    ///< "emoji", "folder" or "shapes"
  std::string salt;                    ///< of the split
  int valPercent = 0, testPercent = 0; ///< of a folder's split
  int side = 0;                        ///< pixels are side x side
};

/// An opened dataset. Immutable, and safe to read from several threads.
class Dataset {
public:
  struct OpenOptions {
    /// Check the CRC of all pixels (about 1 GB/s). Without it damage of pixels shows as a wrong picture.
    bool verifyPixels = true;
  };

  /// `path` is the directory or the file itself. A missing, truncated or damaged file, or one of another version, gives
  /// one line.
  static Expected<std::shared_ptr<const Dataset>> open(const std::filesystem::path &path, OpenOptions options);
  static Expected<std::shared_ptr<const Dataset>> open(const std::filesystem::path &path) {
    return open(path, OpenOptions());
  }

  const DatasetInfo &info() const { return about; }
  const std::string &path() const { return file; }
  size_t size() const { return items.size(); }
  int side() const { return about.side; }
  const Item &item(size_t index) const { return items[index]; }
  /// side x side x 3, row-major RGB.
  ByteView pixels(size_t index) const { return pixelData.subspan(index * itemBytes(), itemBytes()); }
  size_t itemBytes() const { return size_t(about.side) * about.side * 3; }

  /// The items of a split, in order.
  std::vector<uint32_t> indices(Split split) const;
  /// The items of an evaluation split that are scored (isScored), in order.
  std::vector<uint32_t> scored(Split split) const;
  /// The evaluation splits that have scored items: the validation ones, or the test ones.
  std::vector<Split> evaluationSplits(bool test) const;
  /// Hash of pixels and metadata (16 hexadecimal digits): checkpoints record it.
  const std::string &fingerprint() const { return identity; }
  /// Captions and keywords of the training items only: what a tokenizer may be fitted on.
  std::vector<std::string> trainingTexts() const;
  /// Compares the pixels with their checksum.
  Status verifyPixels() const;

private:
  Dataset() = default;
  friend Expected<std::shared_ptr<const Dataset>> openDatasetBytes(ByteView bytes, const std::string &what);

  MappedFile mapping;
  std::string file, identity;
  DatasetInfo about;
  std::vector<Item> items;
  ByteView pixelData;
  uint32_t expectedPixelCrc = 0;
};

/// Reads a dataset that lies in memory (its pixels are not verified); `bytes` must outlive it. For tests and fuzzing.
Expected<std::shared_ptr<const Dataset>> openDatasetBytes(ByteView bytes, const std::string &what);

/// Writes a dataset file item by item; it appears under its name only when finish() succeeds. Pair ids are given by
/// name here.
class DatasetWriter {
public:
  /// `directory` is created when absent.
  static Expected<std::unique_ptr<DatasetWriter>> create(const std::filesystem::path &directory, DatasetInfo info);
  ~DatasetWriter();
  /// `rgb` holds side x side x 3 bytes. `pairId` is ignored and `conceptName` is filled for emoji.
  Status add(Item item, ByteView rgb);
  Status finish();

private:
  DatasetWriter() = default;
  struct State;
  std::unique_ptr<State> state;
};

/// Checks that nothing held out can be learnt from: recomputes the split of every item and compares it with the stored
/// one, and for emoji applies the rules themselves (no training item shares an unseen concept, a composed name, or a
/// crossed drawing). A training item that repeats a held-out picture and name is refused too. All offending items are
/// named, up to ten.
Status verifyNoLeak(const Dataset &dataset);

/// A dataset and the items of it that are trained on (none for a dataset that is only evaluated).
struct LeakSource {
  const Dataset *dataset;
  std::span<const uint32_t> trained;
};

/// As above for several datasets at once: every dataset's own marks, and the items trained on against what any of them
/// holds out.
Status verifyNoLeak(std::span<const LeakSource> sources);

} // namespace vlp::data
