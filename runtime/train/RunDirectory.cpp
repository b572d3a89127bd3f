// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The files of a training run.
#include "runtime/train/RunDirectory.h"

#include "runtime/train/Vocabulary.h"

#include <algorithm>
#include <unistd.h>

namespace vlp::training {

namespace fs = std::filesystem;

Expected<RunDirectory> RunDirectory::open(const std::string &path, bool resume, bool overwrite) {
  std::error_code error;
  RunDirectory run{fs::path(path)};
  bool exists = fs::exists(run.latest(), error);
  if (resume && !exists)
    return Status(StatusCode::NotFound, path + ": expected a run's checkpoint.safetensors to resume from, found none");
  if (resume)
    return run;
  if (exists && !overwrite)
    return Status::invalid(
        path + " already holds a run: go on with it (--resume), replace it (--overwrite), or choose another --out");
  fs::create_directories(run.directory, error);
  if (error || !fs::is_directory(run.directory))
    return Status::invalid("cannot create the directory " + path + ": " +
                           (error ? error.message() : "a file is in the way"));
  // Only what a run writes is removed: the directory may hold more.
  std::vector<fs::path> old = run.numberedFiles();
  for (const char *name : {"checkpoint.safetensors", "best.safetensors", mergesFileName, "log.jsonl", "report.html"})
    old.push_back(run.directory / name);
  for (const fs::path &file : old)
    fs::remove(file, error);
  return run;
}

std::string RunDirectory::numbered(uint64_t step) const {
  std::string digits = std::to_string(step);
  return file(
      ("step-" + std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits + ".safetensors").c_str());
}

std::vector<fs::path> RunDirectory::numberedFiles() const {
  std::vector<fs::path> files;
  std::error_code error;
  for (const fs::directory_entry &entry : fs::directory_iterator(directory, error)) {
    std::string name = entry.path().filename();
    if (name.starts_with("step-") && name.ends_with(".safetensors"))
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end(), [](const fs::path &a, const fs::path &b) {
    std::string left = a.filename(), right = b.filename();
    return left.size() != right.size() ? left.size() < right.size() : left < right;
  });
  return files;
}

/// Gives `source` a second name, which replaces what had it in one step: a reader sees the old file or the new one.
static Status giveName(const std::string &source, const std::string &target) {
  std::string temporary = target + ".new-" + std::to_string(getpid());
  std::error_code error;
  fs::create_hard_link(source, temporary, error);
  if (error) // file systems without hard links
    fs::copy_file(source, temporary, fs::copy_options::overwrite_existing, error);
  if (!error)
    fs::rename(temporary, target, error);
  // Renaming one link over another of the same file does nothing and leaves both.
  std::error_code ignored;
  fs::remove(temporary, ignored);
  if (error)
    return Status::invalid("cannot write " + target + ": " + error.message());
  return Status::ok();
}

Status RunDirectory::save(Session &session, uint64_t step, const CheckpointMetadata &metadata, bool isBest,
                          unsigned keep) const {
  std::string path = numbered(step);
  VLP_RETURN_IF_ERROR(saveCheckpoint(session, path, metadata));
  VLP_RETURN_IF_ERROR(giveName(path, latest()));
  if (isBest)
    VLP_RETURN_IF_ERROR(giveName(path, best()));
  std::vector<fs::path> files = numberedFiles();
  std::error_code ignored;
  for (size_t i = 0; i + keep < files.size(); ++i)
    fs::remove(files[i], ignored);
  return Status::ok();
}

} // namespace vlp::training
