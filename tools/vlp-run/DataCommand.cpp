// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-run data: makes datasets and describes them.
#include "tools/vlp-run/Commands.h"
#include "tools/vlp-run/Common.h"

#include "runtime/data/PrepareEmoji.h"
#include "runtime/data/PrepareFolder.h"
#include "runtime/report/Format.h"
#include "runtime/report/Table.h"

#include <iostream>
#include <map>

namespace vlp::run {

namespace {

/// A progress line a stage.
data::ProgressCallback stageProgress() {
  auto shown = std::make_shared<std::pair<std::string, std::unique_ptr<report::Progress>>>();
  return [shown](const std::string &stage, size_t done, size_t total) {
    if (shown->first != stage || !shown->second) {
      shown->second.reset();
      shown->second = std::make_unique<report::Progress>(stage, total);
      shown->first = stage;
    }
    shown->second->setTotal(total);
    shown->second->update(done);
  };
}

int finish(const Expected<data::PrepareSummary> &summary) {
  if (!summary)
    return fail(summary.status());
  std::cout << summary->path << ": " << summary->items << " items; " << summary->train << " for training, "
            << summary->validation << " for validation, " << summary->test << " for the test, " << summary->unused
            << " unused\n";
  return 0;
}

int describe(const std::string &directory, int samples) {
  auto dataset = openDataset(directory);
  if (!dataset)
    return fail(dataset.status());
  const data::Dataset &all = **dataset;
  std::cout << all.path() << ": " << all.info().kind << ", " << all.size() << " pictures of " << all.side() << " x "
            << all.side() << ", split salt '" << all.info().salt << "', fingerprint " << all.fingerprint() << "\n\n";
  std::map<std::pair<int, std::string>, std::vector<uint32_t>> groups;
  for (uint32_t i = 0; i < all.size(); ++i)
    groups[{int(all.item(i).split), all.item(i).style}].push_back(i);
  report::Table table({{"split", report::Align::Left},
                       {"style", report::Align::Left},
                       {"items"},
                       {"scored"},
                       {"for example", report::Align::Left}});
  for (const auto &[key, items] : groups) {
    data::Split split = data::Split(key.first);
    bool evaluated = data::isTest(split) || data::isValidation(split);
    size_t scored = 0;
    for (uint32_t item : items)
      scored += evaluated && data::isScored(split, all.item(item).name(), all.item(item).style);
    std::string examples;
    for (int i = 0; i < samples && size_t(i) < items.size(); ++i)
      examples += (i ? " | " : "") + all.item(items[items.size() * size_t(i) / size_t(samples)]).name();
    table.addRow({std::string(data::splitName(split)), key.second, std::to_string(items.size()),
                  evaluated ? std::to_string(scored) : "", examples});
  }
  std::cout << table.text();
  return 0;
}

void addPrepareEmoji(CLI::App &prepare, int &exitCode) {
  auto options = std::make_shared<data::PrepareEmojiOptions>();
  CLI::App *command = prepare.add_subcommand(
      "emoji", "Noto and Gemojione drawings with Unicode names and keywords, from Debian packages");
  command->add_option("--out", options->outDir, "Directory for the dataset")->required();
  command->add_option("--packages", options->packagesDir,
                      "Directory with the packages, as .deb files or unpacked (default: apt-get download)");
  command->add_option("--size", options->size, "Side of the stored pictures in pixels")->capture_default_str();
  command->add_option("--split-salt", options->salt, "Redraws the split into training, validation and test");
  command->footer("Example:\n  vlp-run data prepare emoji --out=data/emoji");
  command->callback([options, &exitCode] {
    options->progress = stageProgress();
    auto summary = data::prepareEmoji(*options);
    options->progress = nullptr; // ends the last line
    exitCode = finish(summary);
  });
}

void addPrepareFolder(CLI::App &prepare, int &exitCode) {
  auto options = std::make_shared<data::PrepareFolderOptions>();
  CLI::App *command = prepare.add_subcommand("folder", "A folder of PNG and JPEG files with captions as TSV or JSONL");
  command->add_option("--images", options->imagesDir, "The folder")->required();
  command->add_option("--captions", options->captionsFile,
                      "FILE.tsv: picture<TAB>caption[<TAB>caption...]; or FILE.jsonl: {\"image\": ..., \"caption\": "
                      "...} (default: captions.tsv or captions.jsonl in the folder)");
  command->add_option("--out", options->outDir, "Directory for the dataset")->required();
  command->add_option("--size", options->size, "Side of the stored pictures in pixels; others are letterboxed")
      ->capture_default_str();
  command->add_option("--split-salt", options->salt, "Redraws the split into training, validation and test");
  command->add_option("--val", options->valPercent, "Percent of the pictures for validation")->capture_default_str();
  command->add_option("--test", options->testPercent, "Percent of the pictures for the test")->capture_default_str();
  command->footer("Example:\n  vlp-run data prepare folder --images=photos --captions=photos.tsv --out=data/photos");
  command->callback([options, &exitCode] {
    options->progress = stageProgress();
    auto summary = data::prepareFolder(*options);
    options->progress = nullptr;
    exitCode = finish(summary);
  });
}

} // namespace

void addData(CLI::App &app, int &exitCode) {
  CLI::App *command = app.add_subcommand("data", "Make a dataset, or describe one");
  command->require_subcommand(1);
  CLI::App *prepare = command->add_subcommand("prepare", "Make a dataset");
  prepare->require_subcommand(1);
  addPrepareEmoji(*prepare, exitCode);
  addPrepareFolder(*prepare, exitCode);
  struct Options {
    std::string directory;
    int samples = 3;
  };
  auto options = std::make_shared<Options>();
  CLI::App *about = command->add_subcommand("info", "Count a dataset's items by split and style");
  about->add_option("DIR", options->directory, "The dataset's directory")->required();
  about->add_option("--samples", options->samples, "Names to show of each")->capture_default_str();
  about->footer("Example:\n  vlp-run data info data/emoji");
  about->callback([options, &exitCode] { exitCode = describe(options->directory, options->samples); });
}

} // namespace vlp::run
