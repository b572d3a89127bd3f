// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Golden files of CLIP.
#include "tools/vlp-check/Golden.h"

#include "models/clip/Clip.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;

using Shape = std::vector<int64_t>;

static std::string toText(const Shape &shape) {
  return "[" + llvm::join(llvm::map_range(shape, [](int64_t d) { return std::to_string(d); }), ", ") + "]";
}

/// Shapes of the parameters as far as anything in the file tells: of param/NAME, else of its gradient.
static std::map<std::string, Shape> getParameterShapes(const SafetensorsFile &file) {
  std::map<std::string, Shape> shapes;
  for (StringRef prefix : {"grad/", "param/"})
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

static Shape toShape(RankedTensorType type) { return {type.getShape().begin(), type.getShape().end()}; }

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

  llvm::Error finish() {
    std::vector<std::string> extra;
    for (const SafetensorsTensor &tensor : file.tensors())
      if (!wanted.contains(tensor.name))
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

llvm::Expected<ClipGolden> tools::readClipGolden(MLIRContext *context, const std::string &path) {
  Expected<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file)
    return models::makeError(file.status().message());
  ClipGolden golden;
  llvm::Expected<models::ClipConfig> config =
      models::ClipConfig::fromTensors(getParameterShapes(*file), file->metadata());
  if (!config)
    return models::makeError(path + ": " + llvm::toString(config.takeError()));
  golden.config = *config;
  int64_t batch = getDimension(*file, "in/image", 4, 0, getDimension(*file, "in/text", 2, 0, 1));
  int64_t length = getDimension(*file, "in/text", 2, 1, config->context);
  models::EntryRequest entry{"gradients", {{"batch", batch}, {"length", length}}};
  auto module = models::buildClip(context, path, *config, entry);
  if (!module)
    return models::makeError(path + ": " + llvm::toString(module.takeError()));
  golden.module = std::move(*module);

  Collector collector(*file);
  golden.inputs["image"] = collector.take("in/image", {batch, 3, config->image, config->image});
  golden.inputs["text"] = collector.take("in/text", {batch, length}, /*isInteger=*/true);
  golden.expected["loss"] = collector.take("out/loss", {});
  golden.expected["logits_per_image"] = collector.take("out/logits_per_image", {batch, batch});
  for (auto &[name, type] : getStateTypes(*golden.module)) {
    golden.parameters[name] = collector.take("param/" + name, toShape(type));
    golden.expected["grad/" + name] = collector.take("grad/" + name, toShape(type));
  }
  if (llvm::Error error = collector.finish())
    return error;
  return golden;
}
