// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Requests for entries, and module attributes.
#include "models/common/Entries.h"

#include "dialect/VLP/VLP.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

std::vector<EntryRequest> models::orDefaults(ArrayRef<EntryRequest> requests, ArrayRef<EntryInfo> known) {
  std::vector<EntryRequest> entries(requests.begin(), requests.end());
  if (entries.empty())
    for (const EntryInfo &info : known)
      if (info.byDefault)
        entries.push_back({info.name, {}});
  return entries;
}

llvm::Expected<std::vector<EntrySizes>> models::resolveEntries(ArrayRef<EntryInfo> infos, int64_t context,
                                                               ArrayRef<EntryRequest> requests) {
  std::vector<std::string> problems, known;
  for (const EntryInfo &info : infos)
    known.push_back(info.name);
  std::vector<EntrySizes> sizes;
  llvm::StringSet<> seen;
  for (const EntryRequest &request : requests) {
    auto position = llvm::find(known, request.name);
    if (position == known.end()) {
      problems.push_back("unknown entry '" + request.name + "'; " + suggest(request.name, known));
      continue;
    }
    if (!seen.insert(request.name).second)
      problems.push_back("entry '" + request.name + "' is asked for twice");
    EntrySizes entry{infos[position - known.begin()].defaultBatch, context};
    for (auto &[option, value] : request.options) {
      if (option != "batch" && option != "length")
        problems.push_back("entry '" + request.name + "' has no option '" + option + "'; known: batch, length");
      else if (value < 1 || (option == "length" && value > context))
        problems.push_back("entry '" + request.name + "': " + option + "=" + std::to_string(value) +
                           ", expected at least 1" +
                           (option == "length" ? " and at most " + std::to_string(context) : ""));
      else
        (option == "batch" ? entry.batch : entry.length) = value;
    }
    sizes.push_back(entry);
  }
  if (!problems.empty())
    return makeError(llvm::join(problems, "; "));
  return sizes;
}

static DictionaryAttr makeDictionary(Builder &builder, const std::map<std::string, double> &values) {
  NamedAttrList list;
  for (auto &[name, value] : values)
    list.append(name, builder.getF64FloatAttr(value));
  return list.getDictionary(builder.getContext());
}

void models::describeModel(ModuleOp module, StringRef name, StringRef architecture,
                           const std::map<std::string, double> &sizes, const Preprocessing &preprocessing) {
  Builder builder(module.getContext());
  module->setAttr("vlp.model", builder.getStringAttr(name));
  module->setAttr("vlp.architecture", builder.getStringAttr(architecture));
  module->setAttr("vlp.config", makeDictionary(builder, sizes));
  auto number = [&](StringRef name, int64_t value) {
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
  };
  auto floats = [&](StringRef name, ArrayRef<float> values) {
    return builder.getNamedAttr(name, builder.getDenseF32ArrayAttr(values));
  };
  module->setAttr("vlp.preprocessing",
                  builder.getDictionaryAttr({number("context_length", preprocessing.context),
                                             number("image_size", preprocessing.image),
                                             floats("mean", preprocessing.mean), floats("std", preprocessing.deviation),
                                             number("vocabulary_size", preprocessing.vocabulary)}));
}

void models::describeAliases(ModuleOp module, ArrayRef<StringRef> extra, ArrayRef<std::string> parameters,
                             ArrayRef<std::pair<std::string, std::string>> tied) {
  Builder builder(module.getContext());
  NamedAttrList aliases;
  for (StringRef name : extra)
    aliases.append(name, builder.getStringAttr(""));
  for (const std::string &name : parameters)
    if (!module.lookupSymbol(name))
      aliases.append(name, builder.getStringAttr(""));
  for (auto &[name, parameter] : tied)
    aliases.append(name, builder.getStringAttr(module.lookupSymbol(parameter) ? parameter : ""));
  module->setAttr("vlp.aliases", aliases.getDictionary(module.getContext()));
}

void models::describeRecipe(ModuleOp module, const std::map<std::string, double> &scalars) {
  Builder builder(module.getContext());
  if (llvm::any_of(module.getOps<func::FuncOp>(), [](func::FuncOp entry) { return entry->hasAttr("vlp.optimizer"); }))
    module->setAttr("vlp.recipe", makeDictionary(builder, scalars));
}
