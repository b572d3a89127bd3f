// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Makes a dataset of a user's own pictures: a folder of PNG and JPEG files with captions as TSV or JSONL.
#pragma once

#include "runtime/data/PrepareEmoji.h"
#include "runtime/data/Split.h"

#include <optional>
#include <string_view>
#include <vector>

namespace vlp::data {

struct PrepareFolderOptions {
  std::string imagesDir;
  /// `.tsv`: file<TAB>caption[<TAB>caption...]; `.jsonl`: {"image": "a.png", "caption": "..." | "captions": [...],
  /// "keywords": [...], "split": "train|val|test"}. Empty: captions.tsv or captions.jsonl in `imagesDir`. UTF-8.
  std::string captionsFile;
  std::string outDir;
  int size = 64;    ///< side of the stored pictures; others are letterboxed on white
  std::string salt; ///< redraws the hashed split
  int valPercent = 5, testPercent = 10;
  ProgressCallback progress;
};

/// One line of a caption file.
struct CaptionEntry {
  std::string image;
  std::vector<std::string> captions, keywords;
  std::optional<Split> split;
  size_t line = 0; ///< from 1
};

struct CaptionFile {
  std::vector<CaptionEntry> entries;
  /// "captions.tsv:3: empty caption", ...
  std::vector<std::string> problems;
};

/// Parse caption files; `what` names the file in problems. Never fail: what is wrong is listed.
CaptionFile parseCaptionTsv(std::string_view text, const std::string &what);
CaptionFile parseCaptionJsonl(std::string_view text, const std::string &what);

/// Writes `outDir/dataset.vlpdata`. Everything wrong with the folder is reported at once in one line: missing, corrupt
/// and doubly captioned pictures, empty captions, pictures without a caption.
Expected<PrepareSummary> prepareFolder(const PrepareFolderOptions &options);

} // namespace vlp::data
