// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs of 32-bit words, as vlp_sim_module's `places` says: LLVM writes one for each instruction of the IR, which may be
// several of the machine.
#include "passes/Sim/SortSites.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/Endian.h"

using namespace llvm::support::endian;

static constexpr size_t kWord = 4;

/// Machine instructions, as distances from the table's start, and their site.
using Run = std::pair<std::vector<int64_t>, uint32_t>;

static llvm::Expected<std::vector<Run>> readRuns(const char *table, size_t size) {
  std::vector<Run> runs(1);
  for (size_t at = 0; at < size; at += kWord) {
    int32_t word = static_cast<int32_t>(read32le(table + at));
    if (word < 0) {
      runs.back().first.push_back(int64_t(at) + word);
      continue;
    }
    if (runs.back().first.empty())
      return llvm::createStringError(
          "expected instructions before a site in section vlp_sites, got two sites in a row");
    runs.back().second = static_cast<uint32_t>(word);
    runs.emplace_back();
  }
  if (!runs.back().first.empty())
    return llvm::createStringError("expected a site at the end of section vlp_sites, got an instruction");
  runs.pop_back();
  return runs;
}

static void writeRuns(const std::vector<Run> &runs, char *table) {
  size_t at = 0;
  for (const auto &[instructions, site] : runs) {
    for (int64_t instruction : instructions) {
      write32le(table + at, static_cast<uint32_t>(instruction - int64_t(at)));
      at += kWord;
    }
    write32le(table + at, site);
    at += kWord;
  }
}

llvm::Error vlp::sim::sortSites(std::string &object) {
  auto file = llvm::object::ELF64LEFile::create(object);
  if (!file)
    return file.takeError();
  auto sections = file->sections();
  if (!sections)
    return sections.takeError();
  for (const auto &section : *sections) {
    auto name = file->getSectionName(section);
    if (!name)
      return name.takeError();
    if (*name != "vlp_sites")
      continue;
    auto content = file->getSectionContents(section);
    if (!content)
      return content.takeError();
    auto runs = readRuns(object.data() + section.sh_offset, content->size());
    if (!runs)
      return runs.takeError();
    for (Run &run : *runs)
      llvm::sort(run.first);
    llvm::sort(*runs);
    writeRuns(*runs, object.data() + section.sh_offset);
  }
  return llvm::Error::success();
}
