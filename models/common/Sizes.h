// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The sizes of a model by name: what --set takes, what a compiled file records, what can be checked of them one by one.
#pragma once

#include "models/common/Architecture.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include <functional>

namespace vlp::models {

template <typename Config>
struct Size {
  std::string name, meaning;
  std::function<int64_t &(Config &)> get;
};
template <typename Config>
using SizeTable = std::vector<Size<Config>>;

/// `table` for a config that has one of type `Part` inside: the same names.
template <typename Config, typename Part>
SizeTable<Config> lift(const SizeTable<Part> &table, Part Config::*member) {
  SizeTable<Config> lifted;
  for (const Size<Part> &size : table)
    lifted.push_back({size.name, size.meaning,
                      [get = size.get, member](Config &config) -> int64_t & { return get(config.*member); }});
  return lifted;
}

template <typename Config>
std::map<std::string, double> valuesOf(const SizeTable<Config> &table, Config config) {
  std::map<std::string, double> values;
  for (const Size<Config> &size : table)
    values[size.name] = double(size.get(config));
  return values;
}

/// Sets `name` from `text`; says what is wrong with either. `known`: all names that a user may give.
template <typename Config>
void setSize(const SizeTable<Config> &table, Config &config, const std::string &name, const std::string &text,
             llvm::ArrayRef<std::string> known, std::vector<std::string> &problems) {
  auto size = llvm::find_if(table, [&](const Size<Config> &each) { return each.name == name; });
  if (size == table.end())
    problems.push_back("unknown setting '" + name + "'; " + suggest(name, known));
  else if (llvm::StringRef(text).getAsInteger(10, size->get(config)) || size->get(config) < 0)
    problems.push_back(name + ": expected a whole number, got '" + text + "'");
}

/// Sizes are at least 1, but heads, hidden widths and numbers of layers may be 0; none is beyond reason.
template <typename Config>
void checkSizes(const SizeTable<Config> &table, Config config, std::vector<std::string> &problems) {
  for (const Size<Config> &size : table) {
    llvm::StringRef name = size.name;
    bool mayBeZero = name.ends_with("heads") || name.ends_with("mlp") || name.ends_with("layers");
    int64_t value = size.get(config);
    if (value < 0 || (value == 0 && !mayBeZero))
      problems.push_back((name + " = " + llvm::Twine(value) + ", expected at least 1").str());
    else if (value > (int64_t(1) << 24))
      problems.push_back((name + " = " + llvm::Twine(value) + " is beyond reason").str());
  }
}

} // namespace vlp::models
