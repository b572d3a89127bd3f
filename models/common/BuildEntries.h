// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What every architecture does with its presets and entries. `EntriesT` is its class of (ModuleOp, const Config &) with
// build(request, sizes).
#pragma once

#include "models/common/Entries.h"
#include "models/common/ModelBuilder.h"

namespace vlp::models {

template <typename PresetT>
std::vector<PresetInfo> describePresets(const std::vector<PresetT> &presets) {
  std::vector<PresetInfo> infos;
  for (const PresetT &preset : presets)
    infos.push_back({preset.name, preset.summary});
  return infos;
}

/// The config of the preset `name`, which is among `presets`, with settings applied.
template <typename PresetT>
auto configure(const std::vector<PresetT> &presets, llvm::StringRef name, const Settings &settings)
    -> llvm::Expected<decltype(PresetT::config)> {
  auto config = llvm::find_if(presets, [&](const PresetT &preset) { return preset.name == name; })->config;
  if (llvm::Error error = config.apply(settings))
    return error;
  return config;
}

/// A module with the entries `requests`, of texts of at most `context` tokens, or all that is wrong with them.
template <typename EntriesT, typename Config>
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
buildEntries(mlir::MLIRContext *mlirContext, llvm::StringRef name, const Config &config, int64_t context,
             llvm::ArrayRef<EntryInfo> known, llvm::ArrayRef<EntryRequest> requests) {
  if (llvm::Error error = config.verify())
    return error;
  auto sizes = resolveEntries(known, context, requests);
  if (!sizes)
    return sizes.takeError();
  mlirContext->loadDialect<VLPDialect, mlir::func::FuncDialect>();
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::ModuleOp::create(mlir::NameLoc::get(mlir::StringAttr::get(mlirContext, name)));
  EntriesT builder(*module, config);
  for (auto [request, size] : llvm::zip_equal(requests, *sizes))
    builder.build(request, size);
  return module;
}

/// Every parameter that the entry `gradients`, which uses all, declares for texts of `length` tokens: then names that a
/// file of few entries does not need are known.
template <typename EntriesT, typename Config>
std::vector<std::string> getParameterNames(mlir::MLIRContext *mlirContext, const Config &config, int64_t length) {
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(mlir::UnknownLoc::get(mlirContext));
  EntriesT(*module, config).build({"gradients", {}}, {/*batch=*/1, length});
  std::vector<std::string> names;
  for (ParameterOp parameter : module->getOps<ParameterOp>())
    names.push_back(parameter.getSymName().str());
  return names;
}

} // namespace vlp::models
