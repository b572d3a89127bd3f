// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Golden files of all architectures.
#include "tools/vlp-check/Golden.h"

#include "models/albef/Albef.h"
#include "models/beit3/Beit3.h"
#include "models/blip/Blip.h"
#include "models/clip/Clip.h"
#include "models/coca/Coca.h"
#include "models/vlmo/RelativePositions.h"
#include "models/vlmo/Vlmo.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;

using Shape = std::vector<int64_t>;

static std::string toText(const Shape &shape) {
  return "[" + llvm::join(llvm::map_range(shape, [](int64_t d) { return std::to_string(d); }), ", ") + "]";
}

/// What parameters and buffers are called in files: with `_before` where the file also has them after the step.
static constexpr StringRef kParameterPrefixes[] = {"param/", "param_before/"};
static constexpr StringRef kBufferPrefixes[] = {"buffer/", "buffer_before/"};

/// Shapes of parameters and buffers as far as anything in the file tells: of themselves, else of a gradient.
static std::map<std::string, Shape> getStateShapes(const SafetensorsFile &file) {
  std::map<std::string, Shape> shapes;
  for (StringRef prefix : {"grad/", "param/", "param_before/", "buffer/", "buffer_before/"})
    for (const SafetensorsTensor &tensor : file.tensors())
      if (StringRef name = tensor.name; name.consume_front(prefix))
        shapes[name.str()] = tensor.shape;
  return shapes;
}

/// Dimension `index` of tensor `name` if that has `rank` dimensions, else `otherwise`.
static int64_t getDimension(const SafetensorsFile &file, StringRef name, size_t rank, size_t index, int64_t otherwise) {
  const SafetensorsTensor *tensor = file.find(std::string_view(name));
  return tensor && tensor->shape.size() == rank ? tensor->shape[index] : otherwise;
}

namespace {
/// Takes tensors out of the file by name and shape; remembers everything that does not fit.
class Collector {
public:
  explicit Collector(const SafetensorsFile &file) : file(file) {}

  Array<double> take(const std::string &name, const Shape &shape, bool isInteger = false) {
    wanted.insert(name);
    const SafetensorsTensor *tensor = file.find(name);
    Array<double> array;
    if (!tensor) {
      missing.push_back(name);
      return array;
    }
    // A scalar may be stored as [1].
    bool sameScalar = shape.empty() && tensor->shape == Shape{1};
    if (tensor->shape != shape && !sameScalar) {
      problems.push_back("'" + name + "' has shape " + toText(tensor->shape) + ", expected " + toText(shape));
      return array;
    }
    array.shape.assign(shape.begin(), shape.end());
    Status status;
    if (isInteger) {
      array.ints.resize(tensor->elements());
      status = tensor->read(std::span<int32_t>(array.ints));
    } else {
      array.values.resize(tensor->elements());
      status = tensor->read(std::span<double>(array.values));
    }
    if (!status)
      problems.push_back(status.message());
    return array;
  }

  /// The same by the first of `prefixes` with which the file has `name`.
  Array<double> take(ArrayRef<StringRef> prefixes, const std::string &name, RankedTensorType type) {
    auto has = [&](StringRef prefix) { return file.find((prefix + name).str()) != nullptr; };
    const StringRef *prefix = llvm::find_if(prefixes, has);
    std::string full = ((prefix == prefixes.end() ? prefixes.front() : *prefix) + name).str();
    return take(full, {type.getShape().begin(), type.getShape().end()}, type.getElementType().isInteger());
  }

  /// Passes over a second copy of a parameter if it is equal to the first, and what no entry uses (no `original`).
  void takeTied(const std::string &name, const std::string &original) {
    for (StringRef prefix : kParameterPrefixes) {
      if (original.empty()) {
        wanted.insert((prefix + name).str());
        continue;
      }
      const SafetensorsTensor *copy = file.find((prefix + name).str()), *first = file.find((prefix + original).str());
      if (!copy || !first)
        continue;
      wanted.insert(copy->name);
      if (copy->type != first->type || copy->shape != first->shape || !llvm::equal(copy->data, first->data))
        problems.push_back("'" + copy->name + "' is tied to '" + first->name + "', expected equal tensors");
    }
  }

  llvm::Error finish() {
    std::vector<std::string> extra;
    // BERT's positions are counted, not learned; VLMo's tables are checked where the model is built.
    auto isKnown = [](StringRef name) {
      return name.ends_with(".position_ids") || name.starts_with("in/rel_pos_index_");
    };
    for (const SafetensorsTensor &tensor : file.tensors())
      if (!wanted.contains(tensor.name) && !isKnown(tensor.name))
        extra.push_back(tensor.name);
    for (const std::string &name : missing) {
      std::string near = models::suggest(name, extra);
      problems.push_back("'" + name + "' is missing" + (StringRef(near).starts_with("did") ? "; " + near : ""));
    }
    for (const std::string &name : extra)
      problems.push_back("'" + name + "' is no tensor of this model");
    if (problems.empty())
      return llvm::Error::success();
    return models::makeError(file.path() + ": " + llvm::Twine(problems.size()) + " tensors are not as expected\n" +
                             llvm::join(problems, "\n"));
  }

private:
  const SafetensorsFile &file;
  std::set<std::string> wanted;
  std::vector<std::string> missing, problems;
};
} // namespace

namespace {
/// What the golden files of an architecture hold besides parameters and their gradients.
struct Layout {
  StringRef architecture;
  /// Infers the model and builds its entry `gradients`.
  llvm::Expected<OwningOpRef<ModuleOp>> (*build)(MLIRContext *context, const std::string &path,
                                                 const SafetensorsFile &file);
  /// Results of the entry that are in the file, as out/NAME.
  std::vector<const char *> results;
};
} // namespace

/// The gradients entry of as many items and tokens as the file has.
static models::EntryRequest gradientsOf(const SafetensorsFile &file, int64_t context) {
  const char *text = file.find("in/text") ? "in/text" : file.find("in/text_ids") ? "in/text_ids" : "in/input_ids";
  int64_t batch = getDimension(file, "in/image", 4, 0, getDimension(file, text, 2, 0, 1));
  return {"gradients", {{"batch", batch}, {"length", getDimension(file, text, 2, 1, context)}}};
}

static llvm::Expected<OwningOpRef<ModuleOp>> buildClipModule(MLIRContext *context, const std::string &path,
                                                             const SafetensorsFile &file) {
  auto config = models::ClipConfig::fromTensors(getStateShapes(file), file.metadata());
  if (!config)
    return config.takeError();
  return models::buildClip(context, path, *config, gradientsOf(file, config->context));
}

static llvm::Expected<OwningOpRef<ModuleOp>> buildCocaModule(MLIRContext *context, const std::string &path,
                                                             const SafetensorsFile &file) {
  auto config = models::CocaConfig::fromTensors(getStateShapes(file), file.metadata());
  if (!config)
    return config.takeError();
  return models::buildCoca(context, path, *config, gradientsOf(file, config->clip.context));
}

static llvm::Expected<OwningOpRef<ModuleOp>> buildAlbefModule(MLIRContext *context, const std::string &path,
                                                              const SafetensorsFile &file) {
  auto config = models::AlbefConfig::fromTensors(getStateShapes(file), file.metadata());
  if (!config)
    return config.takeError();
  return models::buildAlbef(context, path, *config, gradientsOf(file, config->context));
}

static llvm::Expected<OwningOpRef<ModuleOp>> buildBlipModule(MLIRContext *context, const std::string &path,
                                                             const SafetensorsFile &file) {
  auto config = models::BlipConfig::fromTensors(getStateShapes(file), file.metadata());
  if (!config)
    return config.takeError();
  return models::buildBlip(context, path, *config, gradientsOf(file, config->context));
}

static llvm::Expected<OwningOpRef<ModuleOp>> buildBeit3Module(MLIRContext *context, const std::string &path,
                                                              const SafetensorsFile &file) {
  auto config = models::Beit3Config::fromTensors(getStateShapes(file), file.metadata());
  if (!config)
    return config.takeError();
  return models::buildBeit3(context, path, *config, gradientsOf(file, config->context));
}

/// Fails if the file's table of relative positions `name` is not `positions`.
static llvm::Error checkPositions(const SafetensorsFile &file, StringRef name,
                                  const models::RelativePositions &positions) {
  const SafetensorsTensor *tensor = file.find(("in/rel_pos_index_" + name).str());
  if (!tensor)
    return llvm::Error::success();
  std::vector<int32_t> index(tensor->elements());
  if (Status status = tensor->read(std::span<int32_t>(index)); !status)
    return models::makeError(status.message());
  if (index == positions.index)
    return llvm::Error::success();
  return models::makeError("'" + tensor->name + "' is not the table of relative positions of a model of these sizes, " +
                           llvm::Twine(positions.size) + " x " + llvm::Twine(positions.size));
}

static llvm::Expected<OwningOpRef<ModuleOp>> buildVlmoModule(MLIRContext *context, const std::string &path,
                                                             const SafetensorsFile &file) {
  std::map<std::string, std::string> metadata = file.metadata();
  metadata["image"] = std::to_string(getDimension(file, "in/image", 4, 3, 0)); // no parameter's shape shows it
  auto config = models::VlmoConfig::fromTensors(getStateShapes(file), metadata);
  if (!config)
    return config.takeError();
  models::EntryRequest entry = gradientsOf(file, config->context);
  if (config->relativeTokens) {
    llvm::Error problems = llvm::joinErrors(
        checkPositions(file, "image", models::getPicturePositions(*config)),
        llvm::joinErrors(checkPositions(file, "text", models::getTextPositions(*config, entry.options.at("length"))),
                         checkPositions(file, "joint", models::getPairPositions(*config, entry.options.at("length")))));
    if (problems)
      return problems;
  }
  return models::buildVlmo(context, path, *config, entry);
}

static ArrayRef<Layout> getLayouts() {
  static const Layout layouts[] = {
      {"clip", buildClipModule, {"loss", "logits_per_image"}},
      {"albef", buildAlbefModule, {"loss_mlm", "loss_ita", "loss_itm"}},
      {"beit3",
       buildBeit3Module,
       {"loss_image", "loss_text", "loss_pair_image", "loss_pair_text", "encoder_image", "encoder_text",
        "encoder_pair"}},
      {"blip", buildBlipModule, {"loss_ita", "loss_itm", "loss_lm"}},
      {"vlmo", buildVlmoModule, {"mlm_loss", "itc_loss", "itm_loss", "itc_i2t_logits", "itm_logits"}},
      {"coca", buildCocaModule, {"contrastive_loss", "caption_loss", "image_features", "text_features", "logits"}},
  };
  return layouts;
}

std::vector<std::string> tools::getGoldenArchitectures() {
  std::vector<std::string> names;
  for (const Layout &layout : getLayouts())
    names.push_back(layout.architecture.str());
  return names;
}

/// The types of an entry's ports by name.
static std::map<std::string, RankedTensorType> getPorts(func::FuncOp entry, bool results) {
  std::map<std::string, RankedTensorType> ports;
  ArrayRef<Type> types = results ? entry.getResultTypes() : entry.getArgumentTypes();
  for (auto [i, type] : llvm::enumerate(types)) {
    auto name = results ? entry.getResultAttrOfType<StringAttr>(i, "vlp.name")
                        : entry.getArgAttrOfType<StringAttr>(i, "vlp.name");
    ports[name.getValue().str()] = cast<RankedTensorType>(type);
  }
  return ports;
}

llvm::Expected<Golden> tools::readGolden(MLIRContext *context, StringRef architecture, const std::string &path) {
  const Layout *layout = llvm::find_if(getLayouts(), [&](const Layout &l) { return l.architecture == architecture; });
  if (layout == getLayouts().end())
    return models::makeError("unknown architecture '" + architecture + "'; " +
                             models::suggest(architecture, getGoldenArchitectures()));
  Expected<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file)
    return models::makeError(file.status().message());
  auto module = layout->build(context, path, *file);
  if (!module)
    return models::makeError(path + ": " + llvm::toString(module.takeError()));
  Golden golden;
  golden.module = std::move(*module);

  Collector collector(*file);
  auto entry = golden.module->lookupSymbol<func::FuncOp>("gradients");
  for (auto &[name, type] : getPorts(entry, /*results=*/false))
    golden.inputs[name] = collector.take({"in/", "rng/"}, name, type);
  auto results = getPorts(entry, /*results=*/true);
  for (const char *name : layout->results)
    golden.expected[name] = collector.take({"out/"}, name, results.at(name));
  for (auto &[name, type] : results)
    if (StringRef(name).starts_with("after/"))
      golden.expected[name] = collector.take({""}, name, type);
  for (auto &[name, type] : getStateTypes(*golden.module)) {
    auto parameter = golden.module->lookupSymbol<ParameterOp>(name);
    golden.state[name] = collector.take(parameter ? ArrayRef(kParameterPrefixes) : kBufferPrefixes, name, type);
    if (parameter && parameter.getTrainable())
      golden.expected["grad/" + name] = collector.take({"grad/"}, name, type);
  }
  if (auto aliases = (*golden.module)->getAttrOfType<DictionaryAttr>("vlp.aliases"))
    for (NamedAttribute alias : aliases)
      collector.takeTied(alias.getName().str(), cast<StringAttr>(alias.getValue()).str());
  if (llvm::Error error = collector.finish())
    return error;
  return golden;
}
