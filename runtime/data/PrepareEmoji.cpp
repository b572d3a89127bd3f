// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Packages to drawings with names, drawings to a dataset file.
#include "runtime/data/PrepareEmoji.h"
#include "runtime/data/Dataset.h"
#include "runtime/data/EmojiFont.h"
#include "runtime/data/Image.h"
#include "runtime/data/PackageTree.h"
#include "runtime/data/Resize.h"
#include "runtime/data/Text.h"
#include "runtime/data/UnicodeEmoji.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace vlp::data {

// unicode-data 15.0 has 3,664 and gemojione 3.3 1,769; later packages only add. Far fewer mean that a file was not
// understood.
static constexpr size_t leastNoto = 3000, leastGemojione = 1500;

bool isMirrorable(const std::string &name, const std::string &group) {
  static const std::set<std::string> sided = {"left",
                                              "right",
                                              "leftwards",
                                              "rightwards",
                                              "arrow",
                                              "arrows",
                                              "clock",
                                              "clockwise",
                                              "counterclockwise",
                                              "anticlockwise",
                                              "watch",
                                              "timer",
                                              "oclock",
                                              "thirty",
                                              "letter",
                                              "letters",
                                              "button",
                                              "sign",
                                              "keycap",
                                              "flag",
                                              "flags",
                                              "text",
                                              "input",
                                              "numbers",
                                              "number",
                                              "question",
                                              "moon",
                                              "crescent",
                                              "quarter",
                                              "globe",
                                              "map",
                                              "chart",
                                              "increasing",
                                              "decreasing",
                                              "calendar",
                                              "abacus",
                                              "keyboard",
                                              "note",
                                              "notes",
                                              "music",
                                              "musical",
                                              "score",
                                              "east",
                                              "west",
                                              "turn",
                                              "symbol",
                                              "signal",
                                              "label",
                                              "mark",
                                              "reverse",
                                              "back",
                                              "forward",
                                              "read",
                                              "reads",
                                              "reading",
                                              "says",
                                              "written",
                                              "word",
                                              "words",
                                              "alphabet",
                                              "newspaper",
                                              "japan",
                                              "japanese",
                                              "americas",
                                              "europe",
                                              "africa",
                                              "asia",
                                              "australia",
                                              "hundred",
                                              "one",
                                              "two",
                                              "three",
                                              "four",
                                              "five",
                                              "six",
                                              "seven",
                                              "eight",
                                              "nine",
                                              "ten",
                                              "eleven",
                                              "twelve",
                                              "o"};
  if (group == "Flags" || group == "Symbols")
    return false;
  std::vector<std::string> found = words(name);
  return std::none_of(found.begin(), found.end(), [](const std::string &word) {
    return sided.contains(word) || (word[0] >= '0' && word[0] <= '9');
  });
}

namespace {
/// A drawing on its way into the dataset.
struct Drawing {
  Item item;
  RgbaImage picture;
};

class EmojiPreparation {
public:
  EmojiPreparation(const PrepareEmojiOptions &options, PackageTree tree) : options(options), tree(std::move(tree)) {}
  Expected<PrepareSummary> run();

private:
  Status readNames();
  Status addNoto();
  Status addGemojione();
  Status add(Drawing drawing);
  Status writeLicences() const;
  void progress(const char *stage, size_t done, size_t total) const {
    if (options.progress)
      options.progress(stage, done, total);
  }

  const PrepareEmojiOptions &options;
  PackageTree tree;
  std::vector<Emoji> emoji;
  Annotations annotations;
  /// Of each Noto drawing by key: what a drawing in another style takes over.
  std::map<std::string, Item> notoByKey;
  std::unique_ptr<DatasetWriter> writer;
  PrepareSummary summary;
};
} // namespace

Status EmojiPreparation::readNames() {
  Expected<Bytes> list = tree.read("usr/share/unicode/emoji/emoji-test.txt", "unicode-data");
  if (!list)
    return list.status();
  emoji = parseEmojiTest({reinterpret_cast<const char *>(list->data()), list->size()});
  for (const char *folder : {"annotations", "annotationsDerived"}) {
    std::string path = std::string("usr/share/unicode/cldr/common/") + folder + "/en.xml";
    Expected<Bytes> xml = tree.read(path, "unicode-cldr-core");
    if (!xml)
      return xml.status();
    VLP_RETURN_IF_ERROR(
        parseAnnotations({reinterpret_cast<const char *>(xml->data()), xml->size()}, path, annotations));
  }
  return Status::ok();
}

Status EmojiPreparation::add(Drawing drawing) {
  Item &item = drawing.item;
  item.split = emojiSplit(item.name(), item.style, item.group, options.salt);
  item.mirrorable = isMirrorable(item.name(), item.group);
  (item.split == Split::Train    ? summary.train
   : item.split == Split::Unused ? summary.unused
   : isTest(item.split)          ? summary.test
                                 : summary.validation) += 1;
  ++summary.items;
  Image square = letterbox(drawing.picture, options.size);
  return writer->add(std::move(item), square.rgb);
}

Status EmojiPreparation::addNoto() {
  const char *path = "usr/share/fonts/truetype/noto/NotoColorEmoji.ttf";
  Expected<Bytes> bytes = tree.read(path, "fonts-noto-color-emoji");
  if (!bytes)
    return bytes.status();
  Expected<EmojiFont> font = EmojiFont::parse(std::move(*bytes), path);
  if (!font)
    return font.status();
  for (size_t i = 0; i < emoji.size(); ++i) {
    progress("Noto drawings", i, emoji.size());
    std::u32string sequence = dropVariationSelector(emoji[i].codePoints);
    std::optional<uint16_t> glyph = font->glyph(sequence);
    ByteView png = glyph ? font->png(*glyph) : ByteView();
    if (png.empty())
      continue;
    Expected<RgbaImage> picture = decodeRgba(png, std::string(path) + ", glyph " + std::to_string(*glyph));
    if (!picture)
      return picture.status();
    Item item;
    item.captions = {emoji[i].name};
    if (auto found = annotations.find(sequence); found != annotations.end())
      item.keywords = found->second.keywords;
    item.style = "noto";
    item.group = emoji[i].group;
    item.key = codePointKey(sequence);
    notoByKey[item.key] = item;
    ++summary.noto;
    VLP_RETURN_IF_ERROR(add({std::move(item), std::move(*picture)}));
  }
  progress("Noto drawings", emoji.size(), emoji.size());
  if (summary.noto < leastNoto)
    return {StatusCode::DataLoss, "found " + std::to_string(summary.noto) + " Noto drawings, expected at least " +
                                      std::to_string(leastNoto) +
                                      ": emoji-test.txt and the font of these packages do not fit together"};
  return Status::ok();
}

/// Gemojione writes "1F468-1F3FB-200D-2695-FE0F"; keys are lower case, joined by '_', without U+FE0F.
static std::string gemojioneKey(const std::string &unicode) {
  std::string key = lower(unicode), result;
  for (size_t at = 0; at <= key.size();) {
    size_t end = std::min(key.find('-', at), key.size());
    std::string part = key.substr(at, end - at);
    if (part != "fe0f")
      result += (result.empty() ? "" : "_") + part;
    at = end + 1;
  }
  return result;
}

/// CLDR's keywords and gemojione's, each once, in code point order.
static std::vector<std::string> joinKeywords(const std::vector<std::string> &known,
                                             const nlohmann::ordered_json &entry) {
  std::set<std::string> all(known.begin(), known.end());
  auto keywords = entry.find("keywords");
  if (keywords != entry.end() && keywords->is_array())
    for (const auto &keyword : *keywords)
      if (keyword.is_string()) {
        std::string text = keyword.get<std::string>();
        std::replace(text.begin(), text.end(), '_', ' ');
        all.insert(std::move(text));
      }
  all.erase("");
  return {all.begin(), all.end()};
}

Status EmojiPreparation::addGemojione() {
  Expected<std::filesystem::path> root =
      tree.find("usr/share/rubygems-integration/all/gems", "gemojione-", "ruby-gemojione");
  if (!root)
    return root.status();
  std::filesystem::path indexPath = *root / "config/index.json";
  Expected<Bytes> text = readFile(indexPath);
  if (!text)
    return text.status();
  auto index = nlohmann::ordered_json::parse(text->begin(), text->end(), nullptr, false);
  if (!index.is_object())
    return {StatusCode::DataLoss, indexPath.string() + ": not a JSON object"};
  size_t done = 0;
  for (const auto &entry : index) {
    progress("Gemojione drawings", done++, index.size());
    if (!entry.is_object() || !entry.contains("unicode") || !entry["unicode"].is_string())
      continue;
    std::string unicode = entry["unicode"].get<std::string>();
    std::filesystem::path file = *root / "assets/png" / (unicode + ".png");
    auto noto = notoByKey.find(gemojioneKey(unicode));
    if (noto == notoByKey.end() || !std::filesystem::exists(file))
      continue;
    Expected<Bytes> bytes = readFile(file);
    if (!bytes)
      return bytes.status();
    Expected<RgbaImage> picture = decodeRgba(*bytes, file.string());
    if (!picture)
      return picture.status();
    Item item = noto->second;
    item.keywords = joinKeywords(item.keywords, entry);
    item.style = "gemojione";
    ++summary.gemojione;
    VLP_RETURN_IF_ERROR(add({std::move(item), std::move(*picture)}));
  }
  progress("Gemojione drawings", done, done);
  if (summary.gemojione < leastGemojione)
    return {StatusCode::DataLoss, "found " + std::to_string(summary.gemojione) +
                                      " Gemojione drawings that fit Unicode names, expected at least " +
                                      std::to_string(leastGemojione)};
  return Status::ok();
}

Status EmojiPreparation::writeLicences() const {
  std::string text =
      "What dataset.vlpdata is made of, and under which terms\n\n"
      "Noto Color Emoji drawings (fonts-noto-color-emoji): Copyright Google; SIL Open Font License 1.1, parts "
      "Apache-2.0.\n"
      "Gemojione drawings (ruby-gemojione, from EmojiOne): Creative Commons Attribution-ShareAlike 4.0; give credit "
      "to\n"
      "  EmojiOne (https://www.emojione.com) and share what you derive from them alike. The gem's code: MIT (Expat).\n"
      "Names (unicode-data) and keywords (unicode-cldr-core): Copyright Unicode, Inc.; Unicode-DFS-2016.\n\n"
      "All drawings were scaled and put on a white ground. The packages' own notices follow.\n";
  for (const char *package : emojiPackages) {
    Expected<Bytes> notice = tree.read(std::string("usr/share/doc/") + package + "/copyright", package);
    if (notice)
      text += std::string("\n==== ") + package + "\n\n" + std::string(notice->begin(), notice->end());
  }
  return writeFileAtomically(std::filesystem::path(options.outDir) / "LICENSES.txt",
                             {reinterpret_cast<const uint8_t *>(text.data()), text.size()});
}

Expected<PrepareSummary> EmojiPreparation::run() {
  VLP_RETURN_IF_ERROR(readNames());
  Expected<std::unique_ptr<DatasetWriter>> created =
      DatasetWriter::create(options.outDir, {.kind = "emoji", .salt = options.salt, .side = options.size});
  if (!created)
    return created.status();
  writer = std::move(*created);
  VLP_RETURN_IF_ERROR(addNoto());
  VLP_RETURN_IF_ERROR(addGemojione());
  VLP_RETURN_IF_ERROR(writeLicences());
  VLP_RETURN_IF_ERROR(writer->finish());
  summary.path = (std::filesystem::path(options.outDir) / datasetFileName).string();
  return summary;
}

Expected<PrepareSummary> prepareEmoji(const PrepareEmojiOptions &options) {
  if (options.outDir.empty())
    return Status::invalid("data prepare emoji: no output directory given; use --out=DIR");
  Expected<PackageTree> tree = PackageTree::open(options.packagesDir, options.progress);
  if (!tree)
    return tree.status();
  return EmojiPreparation(options, std::move(*tree)).run();
}

} // namespace vlp::data
