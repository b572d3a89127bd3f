// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Folders of pictures: compares the caption file with the files that are there, then decodes and packs.
#include "runtime/data/PrepareFolder.h"
#include "runtime/data/Dataset.h"
#include "runtime/data/Image.h"
#include "runtime/data/Resize.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

namespace vlp::data {

namespace fs = std::filesystem;

static bool isPicture(const fs::path &path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

/// Pictures below the folder by relative path, hidden files and directories left out.
static Expected<std::set<std::string>> listPictures(const fs::path &folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return Status(StatusCode::NotFound, "no folder of pictures " + folder.string());
  std::set<std::string> pictures;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    bool hidden = at->path().filename().string().starts_with('.');
    if (hidden && at->is_directory(error))
      at.disable_recursion_pending();
    if (!hidden && isPicture(at->path()) && at->is_regular_file(error))
      pictures.insert(fs::relative(at->path(), folder, error).generic_string());
  }
  if (error)
    return Status(StatusCode::Unavailable, "cannot list " + folder.string() + ": " + error.message());
  return pictures;
}

static Expected<fs::path> locateCaptions(const PrepareFolderOptions &options) {
  if (!options.captionsFile.empty())
    return fs::path(options.captionsFile);
  std::error_code error;
  for (const char *name : {"captions.tsv", "captions.jsonl"})
    if (fs::path path = fs::path(options.imagesDir) / name; fs::exists(path, error))
      return path;
  return Status(StatusCode::NotFound,
                "no captions.tsv or captions.jsonl in " + options.imagesDir + "; name the caption file");
}

static Expected<CaptionFile> readCaptions(const fs::path &path) {
  Expected<Bytes> bytes = readFile(path);
  if (!bytes)
    return bytes.status();
  std::string_view text(reinterpret_cast<const char *>(bytes->data()), bytes->size());
  if (path.extension() == ".tsv")
    return parseCaptionTsv(text, path.filename().string());
  if (path.extension() == ".jsonl")
    return parseCaptionJsonl(text, path.filename().string());
  return Status::invalid(path.string() + ": caption files end in .tsv or .jsonl");
}

/// Lists what keeps the captions and the pictures from fitting together.
static void compare(const CaptionFile &captions, const std::set<std::string> &pictures, const std::string &what,
                    std::vector<std::string> &problems) {
  std::map<std::string, size_t> lineOf;
  for (const CaptionEntry &entry : captions.entries) {
    std::string where = what + ":" + std::to_string(entry.line);
    std::string image = fs::path(entry.image).lexically_normal().generic_string();
    auto [first, isNew] = lineOf.emplace(image, entry.line);
    if (!isNew)
      problems.push_back(where + ": " + image + " has captions in line " + std::to_string(first->second) + " already");
    else if (!pictures.contains(image))
      problems.push_back(where + ": missing picture " + image);
  }
  for (const std::string &picture : pictures)
    if (!lineOf.contains(picture))
      problems.push_back("picture without caption: " + picture);
}

static Status report(const PrepareFolderOptions &options, const std::vector<std::string> &problems) {
  constexpr size_t shown = 20;
  std::string message = options.imagesDir + ": " + std::to_string(problems.size()) +
                        (problems.size() == 1 ? " problem: " : " problems: ");
  for (size_t i = 0; i < problems.size() && i < shown; ++i)
    message += (i ? "; " : "") + problems[i];
  if (problems.size() > shown)
    message += "; and " + std::to_string(problems.size() - shown) + " more";
  return {StatusCode::InvalidArgument, message};
}

static void count(PrepareSummary &summary, Split split) {
  ++summary.items;
  ++(split == Split::Train ? summary.train : split == Split::Val ? summary.validation : summary.test);
}

/// Decodes every picture and adds it. Corrupt ones are noted in `problems`, after which nothing more is added.
static Status addPictures(const PrepareFolderOptions &options, const CaptionFile &captions, DatasetWriter &writer,
                          PrepareSummary &summary, std::vector<std::string> &problems) {
  for (size_t i = 0; i < captions.entries.size(); ++i) {
    if (options.progress)
      options.progress("pictures", i, captions.entries.size());
    const CaptionEntry &entry = captions.entries[i];
    Expected<Bytes> bytes = readFile(fs::path(options.imagesDir) / entry.image);
    Expected<RgbaImage> picture = bytes ? decodeRgba(*bytes, entry.image) : Expected<RgbaImage>(bytes.status());
    if (!picture) {
      // A missing picture was noted when captions and files were compared.
      if (picture.status().code() != StatusCode::NotFound)
        problems.push_back(picture.status().message());
      continue;
    }
    if (!problems.empty())
      continue;
    Item item;
    item.captions = entry.captions;
    item.keywords = entry.keywords;
    item.key = fs::path(entry.image).lexically_normal().generic_string();
    item.split =
        entry.split ? *entry.split : folderSplit(item.key, options.salt, options.valPercent, options.testPercent);
    item.mirrorable = std::all_of(item.captions.begin(), item.captions.end(),
                                  [](const std::string &caption) { return isMirrorable(caption, ""); });
    count(summary, item.split);
    VLP_RETURN_IF_ERROR(writer.add(std::move(item), letterbox(*picture, options.size).rgb));
  }
  return Status::ok();
}

Expected<PrepareSummary> prepareFolder(const PrepareFolderOptions &options) {
  if (options.outDir.empty())
    return Status::invalid("data prepare folder: no output directory given; use --out=DIR");
  if (options.valPercent < 0 || options.testPercent < 0 || options.valPercent + options.testPercent > 99)
    return Status::invalid("validation and test shares must be 0 or more and together at most 99 percent");
  Expected<std::set<std::string>> pictures = listPictures(options.imagesDir);
  if (!pictures)
    return pictures.status();
  Expected<fs::path> path = locateCaptions(options);
  if (!path)
    return path.status();
  Expected<CaptionFile> captions = readCaptions(*path);
  if (!captions)
    return captions.status();
  std::vector<std::string> problems = captions->problems;
  compare(*captions, *pictures, path->filename().string(), problems);
  if (captions->entries.empty() && problems.empty())
    return Status::invalid(path->string() + " holds no captions");

  DatasetInfo info{"folder", options.salt, options.valPercent, options.testPercent, options.size};
  Expected<std::unique_ptr<DatasetWriter>> writer = DatasetWriter::create(options.outDir, std::move(info));
  if (!writer)
    return writer.status();
  PrepareSummary summary;
  VLP_RETURN_IF_ERROR(addPictures(options, *captions, **writer, summary, problems));
  if (!problems.empty())
    return report(options, problems);
  VLP_RETURN_IF_ERROR((*writer)->finish());
  summary.path = (fs::path(options.outDir) / datasetFileName).string();
  return summary;
}

} // namespace vlp::data
