// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The files of the Debian packages that the emoji dataset is made of, wherever they lie. Not part of the library's
// interface.
#pragma once

#include "runtime/data/File.h"
#include "runtime/data/PrepareEmoji.h"

#include <array>
#include <optional>

namespace vlp::data {

inline constexpr std::array<const char *, 4> emojiPackages = {"fonts-noto-color-emoji", "unicode-data",
                                                              "unicode-cldr-core", "ruby-gemojione"};

class PackageTree {
public:
  /// With a directory: its unpacked packages, or its .deb files, unpacked into a temporary directory. Without:
  /// downloads.
  static Expected<PackageTree> open(const std::string &directory, const ProgressCallback &progress);

  /// Reads a file by its path within a package.
  Expected<Bytes> read(const std::string &path, const std::string &package) const;
  /// The one entry of `folder` whose name begins with `prefix` (package versions are part of such names).
  Expected<std::filesystem::path> find(const std::string &folder, const std::string &prefix,
                                       const std::string &package) const;

private:
  std::optional<TemporaryDirectory> temporary;
  /// Directories with a `usr` inside.
  std::vector<std::filesystem::path> roots;
};

} // namespace vlp::data
