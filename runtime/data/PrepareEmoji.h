// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Makes the "emoji" dataset: Noto and Gemojione drawings with Unicode names and CLDR keywords, from four Debian
// packages.
#pragma once

#include "runtime/core/Status.h"

#include <cstddef>
#include <functional>
#include <string>

namespace vlp::data {

/// Called with a stage ("download", "noto", ...), items done and items in all (0 when unknown).
using ProgressCallback = std::function<void(const std::string &stage, size_t done, size_t total)>;

struct PrepareEmojiOptions {
  std::string outDir;
  /// Where the packages lie: as .deb files, or unpacked (with a `usr` inside, or one directory per package). Empty:
  /// they are got with `apt-get download` and unpacked with `dpkg-deb -x`, which needs neither root nor their
  /// dependencies.
  std::string packagesDir;
  int size = 64;    ///< side of the stored pictures, in pixels
  std::string salt; ///< redraws the split
  ProgressCallback progress;
};

struct PrepareSummary {
  size_t items = 0;
  size_t train = 0, validation = 0, test = 0, unused = 0;
  size_t noto = 0, gemojione = 0; ///< emoji only
  std::string path;               ///< of the dataset file
};

/// Writes `outDir/dataset.vlpdata` and `outDir/LICENSES.txt`. Fails when the packages hold implausibly few drawings.
Expected<PrepareSummary> prepareEmoji(const PrepareEmojiOptions &options);

/// Whether a mirrored drawing still fits its name, by group and words (no flags, symbols, arrows, clocks, letters,
/// "left").
bool isMirrorable(const std::string &name, const std::string &group);

} // namespace vlp::data
