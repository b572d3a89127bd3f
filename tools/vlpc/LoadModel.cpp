// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A MODEL argument as a module.
#include "tools/vlpc/LoadModel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "models/Models.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;

/// Names what has no name, so that the function can be run by name.
static void markEntry(func::FuncOp function) {
  Builder builder(function.getContext());
  function->setAttr("vlp.entry", function.getSymNameAttr());
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (!function.getArgAttr(i, "vlp.name"))
      function.setArgAttr(i, "vlp.name", builder.getStringAttr("arg" + llvm::Twine(i)));
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (!function.getResultAttr(i, "vlp.name") && !function.getResultAttr(i, "vlp.gradient"))
      function.setResultAttr(i, "vlp.name", builder.getStringAttr("result" + llvm::Twine(i)));
}

/// Drops the entries that were not asked for.
static llvm::Error selectEntries(ModuleOp module, ArrayRef<models::EntryRequest> requests) {
  std::vector<std::string> known, problems;
  for (auto function : module.getOps<func::FuncOp>())
    known.push_back(function.getSymName().str());
  llvm::StringSet<> wanted;
  for (const models::EntryRequest &request : requests) {
    if (!llvm::is_contained(known, request.name))
      problems.push_back("unknown entry '" + request.name + "'; " + models::suggest(request.name, known));
    else if (!request.options.empty())
      problems.push_back("entry '" + request.name + "' of a .mlir file has fixed sizes, expected no options");
    wanted.insert(request.name);
  }
  if (!problems.empty())
    return models::makeError(llvm::join(problems, "; "));
  for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (!wanted.contains(function.getSymName()))
      function.erase();
  return llvm::Error::success();
}

static llvm::Expected<OwningOpRef<ModuleOp>> readFile(MLIRContext *context, const ModelRequest &request) {
  if (!llvm::sys::fs::exists(request.model))
    return models::makeError("no such file: " + request.model);
  if (!request.settings.empty())
    return models::makeError("--set changes the sizes of presets; " + request.model + " has fixed sizes");
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(request.model, context);
  if (!module)
    return models::makeError(request.model + " is no module of vlp ops");
  auto functions = module->getOps<func::FuncOp>();
  if (functions.empty())
    return models::makeError(request.model + " has no functions, expected at least one entry");
  if (llvm::none_of(functions, [](func::FuncOp function) { return function->hasAttr("vlp.entry"); }))
    for (auto function : functions)
      markEntry(function);
  if (!request.entries.empty())
    if (llvm::Error error = selectEntries(*module, request.entries))
      return error;
  if (!(*module)->hasAttr("vlp.model"))
    (*module)->setAttr("vlp.model", StringAttr::get(context, llvm::sys::path::stem(request.model)));
  return module;
}

llvm::Expected<OwningOpRef<ModuleOp>> tools::loadModel(MLIRContext *context, const ModelRequest &request) {
  if (StringRef(request.model).ends_with(".mlir"))
    return readFile(context, request);
  auto architecture = models::findPreset(request.model);
  if (!architecture)
    return architecture.takeError();
  return (*architecture)->build(context, request.model, request.settings, request.entries);
}
