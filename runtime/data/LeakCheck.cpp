// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Proves that no training item gives a held-out one away: by the split's own rules, and by comparing pictures.
#include "runtime/data/Dataset.h"

#include <cstring>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace vlp::data {

static std::string describe(const Item &item, size_t index) {
  return "item " + std::to_string(index) + " \"" + item.name() + "\"" +
         (item.style.empty() ? "" : " (" + item.style + ")");
}

static std::string drawing(const Item &item) { return item.style + '\n' + item.name(); }

static bool isHeldOut(Split split) { return isTest(split) || isValidation(split); }

namespace {
/// What the held-out items of the datasets forbid a training item to be.
class HeldOut {
public:
  void add(const Dataset &dataset) {
    bool emoji = dataset.info().kind == "emoji";
    for (size_t i = 0; i < dataset.size(); ++i) {
      const Item &item = dataset.item(i);
      if (!isHeldOut(item.split))
        continue;
      byName.emplace(item.name(), std::pair(&dataset, i));
      if (!emoji)
        continue;
      if (item.split == Split::UnseenTest || item.split == Split::UnseenVal)
        unseenConcepts.insert(conceptKey(item.name()));
      else if (item.split == Split::CrossTest || item.split == Split::CrossVal)
        crossedDrawings.insert(drawing(item));
      else
        composedNames.insert(item.name());
    }
  }

  /// Why the item may not be trained on; empty when it may.
  std::string forbids(const Dataset &dataset, size_t index) const {
    const Item &item = dataset.item(index);
    if (dataset.info().kind == "emoji") {
      if (unseenConcepts.contains(conceptKey(item.name())))
        return "shares its concept with a held-out item";
      if (crossedDrawings.contains(drawing(item)))
        return "is a held-out drawing";
      if (composedNames.contains(item.name()))
        return "has the name of a held-out item";
    }
    auto [begin, end] = byName.equal_range(item.name());
    for (; begin != end; ++begin) {
      auto [other, place] = begin->second;
      if (other->side() == dataset.side() &&
          std::memcmp(dataset.pixels(index).data(), other->pixels(place).data(), dataset.itemBytes()) == 0)
        return "repeats " + describe(other->item(place), place) + " of the " +
               std::string(splitName(other->item(place).split)) + " split";
    }
    return {};
  }

private:
  std::unordered_set<std::string> unseenConcepts, crossedDrawings, composedNames;
  std::unordered_multimap<std::string_view, std::pair<const Dataset *, size_t>> byName;
};
} // namespace

/// Items of an emoji dataset that are not marked as the split says.
static void checkMarks(const Dataset &dataset, std::vector<std::string> &problems) {
  if (dataset.info().kind != "emoji")
    return;
  for (size_t i = 0; i < dataset.size(); ++i) {
    const Item &item = dataset.item(i);
    Split expected = emojiSplit(item.name(), item.style, item.group, dataset.info().salt);
    if (expected != item.split)
      problems.push_back(describe(item, i) + " is marked " + std::string(splitName(item.split)) + " but belongs to " +
                         std::string(splitName(expected)));
  }
}

static Status report(const std::vector<std::string> &problems, const std::string &path) {
  if (problems.empty())
    return Status::ok();
  std::string message = path + ": held-out items would be trained on: ";
  constexpr size_t shown = 10;
  for (size_t i = 0; i < problems.size() && i < shown; ++i)
    message += (i ? "; " : "") + problems[i];
  if (problems.size() > shown)
    message += "; and " + std::to_string(problems.size() - shown) + " more";
  return {StatusCode::InvalidArgument, message + "; prepare the dataset again"};
}

Status verifyNoLeak(std::span<const LeakSource> sources) {
  HeldOut heldOut;
  std::set<const Dataset *> seen;
  for (const LeakSource &source : sources) {
    if (!seen.insert(source.dataset).second)
      continue;
    std::vector<std::string> problems;
    checkMarks(*source.dataset, problems);
    VLP_RETURN_IF_ERROR(report(problems, source.dataset->path()));
    heldOut.add(*source.dataset);
  }
  for (const LeakSource &source : sources) {
    std::vector<std::string> problems;
    for (uint32_t index : source.trained)
      if (std::string reason = heldOut.forbids(*source.dataset, index); !reason.empty())
        problems.push_back(describe(source.dataset->item(index), index) + " is trained on but " + reason);
    VLP_RETURN_IF_ERROR(report(problems, source.dataset->path()));
  }
  return Status::ok();
}

Status verifyNoLeak(const Dataset &dataset) {
  std::vector<uint32_t> trained = dataset.indices(Split::Train);
  LeakSource source{&dataset, trained};
  return verifyNoLeak({&source, 1});
}

} // namespace vlp::data
