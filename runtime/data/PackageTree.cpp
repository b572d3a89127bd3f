// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Packages by apt-get and dpkg-deb, neither of which needs root for this.
#include "runtime/data/PackageTree.h"

#include <algorithm>

namespace vlp::data {

namespace fs = std::filesystem;

static std::vector<fs::path> list(const fs::path &directory) {
  std::vector<fs::path> result;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    result.push_back(at->path());
  std::sort(result.begin(), result.end());
  return result;
}

static std::vector<fs::path> findArchives(const fs::path &directory) {
  std::vector<fs::path> result;
  for (const fs::path &path : list(directory))
    for (const char *package : emojiPackages)
      if (path.extension() == ".deb" && path.filename().string().starts_with(std::string(package) + "_"))
        result.push_back(fs::absolute(path));
  return result;
}

static Status download(const fs::path &directory, const ProgressCallback &progress) {
  for (size_t i = 0; i < emojiPackages.size(); ++i) {
    if (progress)
      progress("download", i, emojiPackages.size());
    Status status = runProgram({"apt-get", "-q", "download", emojiPackages[i]}, directory);
    if (!status)
      return {status.code(),
              std::string("cannot download the Debian package ") + emojiPackages[i] + ": " + status.message() +
                  "; run `apt-get update` first, or give a directory with the packages (--packages=DIR)"};
  }
  if (progress)
    progress("download", emojiPackages.size(), emojiPackages.size());
  return Status::ok();
}

static Status unpack(const std::vector<fs::path> &archives, const fs::path &directory,
                     const ProgressCallback &progress) {
  for (size_t i = 0; i < archives.size(); ++i) {
    if (progress)
      progress("unpack", i, archives.size());
    VLP_RETURN_IF_ERROR(runProgram({"dpkg-deb", "-x", archives[i].string(), directory.string()}, directory));
  }
  return Status::ok();
}

Expected<PackageTree> PackageTree::open(const std::string &directory, const ProgressCallback &progress) {
  PackageTree tree;
  std::vector<fs::path> archives;
  if (!directory.empty()) {
    std::error_code error;
    if (!fs::is_directory(directory, error))
      return Status(StatusCode::NotFound, "no directory " + directory + " with packages");
    for (const fs::path &path : list(directory))
      if (fs::is_directory(path / "usr", error))
        tree.roots.push_back(path);
    if (fs::is_directory(fs::path(directory) / "usr", error))
      tree.roots.push_back(directory);
    archives = findArchives(directory);
    if (tree.roots.empty() && archives.empty())
      return Status(StatusCode::NotFound,
                    directory + " holds neither unpacked packages (a usr directory) nor .deb files");
    if (!tree.roots.empty())
      return tree;
  }
  Expected<TemporaryDirectory> temporary = TemporaryDirectory::create();
  if (!temporary)
    return temporary.status();
  if (directory.empty()) {
    VLP_RETURN_IF_ERROR(download(temporary->path(), progress));
    archives = findArchives(temporary->path());
  }
  VLP_RETURN_IF_ERROR(unpack(archives, temporary->path(), progress));
  tree.roots.push_back(temporary->path());
  tree.temporary.emplace(std::move(*temporary));
  return tree;
}

Expected<Bytes> PackageTree::read(const std::string &path, const std::string &package) const {
  std::error_code error;
  for (const fs::path &root : roots)
    if (fs::exists(root / path, error))
      return readFile(root / path);
  return Status(StatusCode::NotFound,
                "no " + path + " in " + roots.front().string() + "; it is part of the Debian package " + package);
}

Expected<fs::path> PackageTree::find(const std::string &folder, const std::string &prefix,
                                     const std::string &package) const {
  for (const fs::path &root : roots)
    for (const fs::path &path : list(root / folder))
      if (path.filename().string().starts_with(prefix))
        return path;
  return Status(StatusCode::NotFound, "no " + folder + "/" + prefix + "* in " + roots.front().string() +
                                          "; it is part of the Debian package " + package);
}

} // namespace vlp::data
