// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Parsing of options and their values.
#include "tools/vlpc/CommandLine.h"

#include "passes/CUDA/MatmulTile.h"
#include "passes/Pipelines/CodeGenerators.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

using namespace vlp;
using namespace vlp::tools;
using llvm::StringRef;

bool tools::parseCommandLine(int argc, char **argv, const char *overview) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (llvm::cl::ParseCommandLineOptions(argc, argv, overview, &stream))
    return true;
  // LLVM says "tool: message.  Try: 'tool --help'", and perhaps a suggestion on a line of its own.
  llvm::SmallVector<StringRef> lines;
  StringRef(text).split(lines, '\n', -1, false);
  for (StringRef &line : lines) {
    line = line.substr(0, line.find("  Try:"));
    line.consume_front((StringRef(argv[0]) + ": ").str());
    line.consume_front((StringRef(argv[0]).rsplit('/').second + ": ").str());
    if (size_t colon = line.find(": ");
        colon != StringRef::npos && line.substr(0, colon).ends_with(StringRef(argv[0]).rsplit('/').second))
      line = line.substr(colon + 2);
    line = line.trim();
  }
  llvm::errs() << "error: " << llvm::join(lines, " ") << "\n";
  return false;
}

int tools::reportError(llvm::Error error) {
  llvm::handleAllErrors(std::move(error), [](const llvm::ErrorInfoBase &info) {
    llvm::SmallVector<StringRef> lines;
    std::string message = info.message();
    StringRef(message).split(lines, '\n', -1, false);
    for (auto [index, line] : llvm::enumerate(lines))
      llvm::errs() << (index ? "  " : "error: ") << line << "\n";
  });
  return 1;
}

llvm::Expected<std::vector<models::EntryRequest>> tools::parseEntries(llvm::ArrayRef<std::string> items) {
  std::vector<models::EntryRequest> entries;
  for (StringRef item : items) {
    llvm::SmallVector<StringRef> parts;
    item.split(parts, ':');
    models::EntryRequest entry{parts[0].str(), {}};
    for (StringRef option : llvm::drop_begin(parts)) {
      auto [name, text] = option.split('=');
      int64_t value;
      if (name.empty() || text.getAsInteger(10, value))
        return models::makeError("--entry: expected NAME:OPTION=NUMBER, got '" + item + "'");
      entry.options[name.str()] = value;
    }
    if (entry.name.empty())
      return models::makeError("--entry: expected NAME or NAME:OPTION=NUMBER, got '" + item + "'");
    entries.push_back(std::move(entry));
  }
  return entries;
}

llvm::Expected<models::Settings> tools::parseSettings(llvm::ArrayRef<std::string> items) {
  models::Settings settings;
  for (StringRef item : items) {
    auto [name, value] = item.split('=');
    if (name.empty() || value.empty())
      return models::makeError("--set: expected NAME=VALUE, got '" + item + "'");
    settings.emplace_back(name, value);
  }
  return settings;
}

llvm::Error tools::setMatmulTile(StringRef text, std::vector<TargetInfo> &targets) {
  if (!cuda::parseTile(text))
    return models::makeError("--matmul-tile: expected a tile like " + cuda::kTileExample + ", got '" + text + "'");
  bool used = false;
  for (TargetInfo &target : targets)
    if (getEmitterTarget(target.target) == "cuda") {
      target.matmulTile = text.str();
      used = true;
    }
  if (used || targets.empty())
    return llvm::Error::success();
  return models::makeError("--matmul-tile is for GPUs, expected a cuda or sim --target, got " +
                           getName(targets.front()));
}

llvm::Expected<Precision> tools::parsePrecision(StringRef text) {
  if (text == "f32" || text == "bf16")
    return text == "f32" ? Precision::F32 : Precision::BF16;
  return models::makeError("--precision: expected f32 or bf16, got '" + text + "'");
}

std::string tools::getName(const TargetInfo &target) { return target.target + ":" + target.chip; }

llvm::Expected<std::vector<TargetInfo>> tools::parseTargets(llvm::ArrayRef<std::string> items) {
  std::vector<TargetInfo> targets;
  std::vector<std::string> known, problems;
  for (StringRef name : getTargetNames()) {
    known.push_back(name.str());
    for (StringRef chip : getChips(name))
      known.push_back((name + ":" + chip).str());
  }
  for (const std::string &item : items) {
    if (!llvm::is_contained(known, item)) {
      problems.push_back("unknown target '" + item + "'; " + models::suggest(item, known));
      continue;
    }
    auto [name, chip] = StringRef(item).split(':');
    TargetInfo target{name.str(), chip.empty() ? getDefaultChip(name) : chip.str()};
    if (llvm::none_of(targets, [&](const TargetInfo &other) { return getName(other) == getName(target); }))
      targets.push_back(target);
  }
  if (!problems.empty())
    return models::makeError("--target: " + llvm::join(problems, "; "));
  return targets;
}
