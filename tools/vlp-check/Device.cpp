// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One entry, on one device.
#include "tools/vlp-check/Device.h"

#include "models/common/Architecture.h"
#include "passes/Codegen/ContentCache.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include <cstring>

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;

llvm::Error tools::toError(const Status &status) { return models::makeError(status.message()); }

std::vector<std::string> tools::getArgumentNames(func::FuncOp entry) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < entry.getNumArguments(); ++i) {
    auto name = entry.getArgAttrOfType<StringAttr>(i, "vlp.name");
    names.push_back(name ? name.str() : "arg" + std::to_string(i));
  }
  return names;
}

std::vector<std::string> tools::getResultNames(func::FuncOp entry) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < entry.getNumResults(); ++i) {
    auto name = entry.getResultAttrOfType<StringAttr>(i, "vlp.name");
    names.push_back(name ? name.str() : "result" + std::to_string(i));
  }
  return names;
}

template <typename T>
llvm::Expected<Arrays<T>> tools::runReference(ModuleOp module, StringRef entry, const Arrays<T> &inputs,
                                              State<T> &state) {
  auto function = module.lookupSymbol<func::FuncOp>(entry);
  if (!function)
    return models::makeError("no entry '" + entry + "'");
  std::vector<Array<T>> arguments;
  for (const std::string &name : getArgumentNames(function)) {
    auto input = inputs.find(name);
    if (input == inputs.end())
      return models::makeError("entry '" + entry + "' has no value for its input '" + name + "'");
    arguments.push_back(input->second);
  }
  addConstantState(module, state);
  FailureOr<std::vector<Array<T>>> results = Interpreter<T>(module).run(entry, arguments, state);
  if (failed(results))
    return models::makeError("the reference interpreter failed on entry '" + entry + "'");
  Arrays<T> named;
  for (auto [name, array] : llvm::zip_equal(getResultNames(function), *results))
    named[name] = std::move(array);
  return named;
}

template llvm::Expected<Arrays<float>> tools::runReference(ModuleOp, StringRef, const Arrays<float> &, State<float> &);
template llvm::Expected<Arrays<double>> tools::runReference(ModuleOp, StringRef, const Arrays<double> &,
                                                            State<double> &);

CompileOptions tools::getCompileOptions(const Device &device) {
  CompileOptions options;
  options.pipeline.precision = device.precision;
  options.codegen.cacheFolder = ContentCache::defaultFolder();
  std::string target = device.target().str();
  options.targets = {{target, device.chip.empty() ? getDefaultChip(target) : device.chip}};
  return options;
}

/// The value of the option chip= in "sim:checked,chip=sm_90"; empty if it has none.
static std::string findChipOption(StringRef name) {
  llvm::SmallVector<StringRef> options;
  name.split(':').second.split(options, ',');
  for (StringRef option : options)
    if (option.consume_front("chip="))
      return option.str();
  return "";
}

llvm::Expected<Device> tools::findDevice(StringRef name, StringRef target, bool allowReference) {
  Device device;
  if (allowReference && name == "reference")
    return device;
  StringRef kind = name.split(':').first;
  std::vector<std::string> known = {"cpu", "cuda", "sim"};
  if (allowReference)
    known.push_back("reference");
  if (kind != "cpu" && kind != "cuda" && kind != "sim")
    return models::makeError("unknown device '" + name + "'; " + models::suggest(name.str(), known));
  device.kind = kind == "cpu" ? DeviceKind::Cpu : DeviceKind::Gpu;
  if (device.kind == DeviceKind::Cpu) {
    device.chip = name.split(':').second.str();
  } else {
    device.name = name.str();
    device.chip = findChipOption(name);
  }
  if (auto [asked, chip] = target.split(':'); !target.empty()) {
    if (asked != kind || (!device.chip.empty() && device.chip != chip))
      return models::makeError("--target: expected code for device '" + name + "', got '" + target + "'");
    device.chip = chip.str();
  }
  if (!device.chip.empty() && !llvm::is_contained(getChips(kind), device.chip)) {
    std::vector<std::string> chips;
    for (StringRef chip : getChips(kind))
      chips.push_back((kind + ":" + chip).str());
    return models::makeError("unknown chip '" + kind + ":" + device.chip + "'; " +
                             models::suggest((kind + ":" + device.chip).str(), chips));
  }
  return device;
}

llvm::Expected<LoadedModel> tools::load(const CompiledModel &model, const Device &device) {
  llvm::SmallString<128> path;
  int descriptor;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("vlp-check", "vlp", descriptor, path))
    return models::makeError("cannot create a temporary file: " + error.message());
  llvm::FileRemover remover(path);
  {
    llvm::raw_fd_ostream out(descriptor, /*shouldClose=*/true);
    out << model.bytes;
  }
  DeviceOptions options;
  if (device.kind == DeviceKind::Gpu)
    options.device = device.name;
  auto module = Module::load(path.str().str(), options);
  if (!module)
    return toError(module.status());
  auto session = Session::create(*module, options);
  if (!session)
    return toError(session.status());
  return LoadedModel{*module, std::move(*session)};
}

template <typename T>
llvm::Error tools::writeTensor(std::span<std::byte> memory, const Array<T> &array, const std::string &name) {
  if (memory.size() != 4 * size_t(array.size()))
    return models::makeError("'" + name + "' has " + llvm::Twine(array.size()) +
                             " elements, the compiled file expects " + llvm::Twine(memory.size() / 4));
  if (array.isInteger()) {
    std::memcpy(memory.data(), array.ints.data(), memory.size());
    return llvm::Error::success();
  }
  std::vector<float> values(array.values.begin(), array.values.end());
  std::memcpy(memory.data(), values.data(), memory.size());
  return llvm::Error::success();
}

template llvm::Error tools::writeTensor(std::span<std::byte>, const Array<float> &, const std::string &);
template llvm::Error tools::writeTensor(std::span<std::byte>, const Array<double> &, const std::string &);

template <typename T>
Array<T> tools::readTensor(std::span<const std::byte> memory, const format::Tensor &tensor) {
  Array<T> array;
  array.shape.assign(tensor.shape().begin(), tensor.shape().end());
  if (tensor.dtype() == format::I32) {
    array.ints.resize(memory.size() / 4);
    std::memcpy(array.ints.data(), memory.data(), memory.size());
    return array;
  }
  std::vector<float> values(memory.size() / 4);
  std::memcpy(values.data(), memory.data(), memory.size());
  array.values.assign(values.begin(), values.end());
  return array;
}

template Array<float> tools::readTensor(std::span<const std::byte>, const format::Tensor &);
template Array<double> tools::readTensor(std::span<const std::byte>, const format::Tensor &);

llvm::Expected<Arrays<double>> tools::runCompiled(ModuleOp module, StringRef entry, const Arrays<double> &inputs,
                                                  const State<double> &state, const Device &device) {
  FailureOr<CompiledModel> compiled = compileModel(module, getCompileOptions(device));
  if (failed(compiled))
    return models::makeError("compilation for " + device.target() + " failed");
  llvm::Expected<LoadedModel> loaded = load(*compiled, device);
  if (!loaded)
    return loaded.takeError();
  Session &session = *loaded->session;
  session.initialize(0);
  for (auto &[name, array] : state)
    if (llvm::Error error = writeTensor(session.state(name), array, name))
      return error;
  Expected<const format::Entry *> compiledEntry = loaded->module->entry(entry.str());
  if (!compiledEntry)
    return toError(compiledEntry.status());
  for (const format::Tensor &tensor : (*compiledEntry)->inputs()) {
    Expected<std::span<std::byte>> memory = session.input(entry.str(), tensor.name());
    auto input = inputs.find(tensor.name());
    if (!memory || input == inputs.end())
      return models::makeError("no value for input '" + tensor.name() + "' of entry '" + entry + "'");
    if (llvm::Error error = writeTensor(*memory, input->second, tensor.name()))
      return error;
  }
  if (Status status = session.run(entry.str()); !status)
    return toError(status);
  Arrays<double> results;
  for (const format::Tensor &tensor : (*compiledEntry)->outputs()) {
    Expected<std::span<const std::byte>> memory = session.output(entry.str(), tensor.name());
    if (!memory)
      return toError(memory.status());
    results[tensor.name()] = readTensor<double>(*memory, tensor);
  }
  return results;
}

template <typename To, typename From>
static std::map<std::string, Array<To>> convertAll(const std::map<std::string, Array<From>> &arrays) {
  std::map<std::string, Array<To>> converted;
  for (auto &[name, array] : arrays)
    converted[name] = convert<To>(array);
  return converted;
}

llvm::Expected<Arrays<double>> tools::runOnDevice(const Device &device, ModuleOp module, StringRef entry,
                                                  const Arrays<double> &inputs, const State<double> &state) {
  if (device.kind == DeviceKind::Cpu || device.kind == DeviceKind::Gpu)
    return runCompiled(module, entry, inputs, state, device);
  OwningOpRef<ModuleOp> work = module.clone();
  PipelineOptions options;
  options.precision = device.precision;
  if (failed(runStage(*work, Stage::Graph, options)))
    return models::makeError("differentiation failed");
  if (device.kind == DeviceKind::ReferenceF64) {
    State<double> copy = state;
    return runReference<double>(*work, entry, inputs, copy);
  }
  State<float> copy = convertAll<float>(state);
  llvm::Expected<Arrays<float>> results = runReference<float>(*work, entry, convertAll<float>(inputs), copy);
  if (!results)
    return results.takeError();
  return convertAll<double>(*results);
}
