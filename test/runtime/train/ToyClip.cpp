// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builds the toy CLIP's manifest.
#include "test/runtime/train/ToyClip.h"

#include "test/runtime/data/Shapes.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace vlp::test {

using namespace vlp::format;

ScratchFolder::ScratchFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "vlp-train-XXXXXX").string();
  path = mkdtemp(name.data()) ? name : "";
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

std::string readText(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void writeText(const std::string &path, std::string_view text) {
  std::ofstream stream(path, std::ios::binary);
  stream.write(text.data(), std::streamsize(text.size()));
  ASSERT_TRUE(stream.good()) << path;
}

namespace {

constexpr int64_t B = kToyClipBatch, T = 8, E = kToyClipWidth, R = 14, P = 3 * R * R, V = kToyClipVocabulary;
enum Kernels { Image, Text, Loss, Step };

/// Places tensors one after the other in the regions.
class Builder {
public:
  Manifest manifest;

  Tensor tensor(const std::string &name, DType dtype, std::vector<int64_t> shape, Region region, uint64_t &place) {
    Tensor tensor;
    tensor.set_name(name);
    tensor.set_dtype(dtype);
    uint64_t size = 4;
    for (int64_t extent : shape) {
      tensor.add_shape(extent);
      size *= uint64_t(extent);
    }
    tensor.mutable_slot()->set_region(region);
    tensor.mutable_slot()->set_offset(place);
    tensor.mutable_slot()->set_size(size);
    place += (size + 63) / 64 * 64;
    return tensor;
  }

  Slot state(const std::string &name, DType dtype, std::vector<int64_t> shape, StateTensor::Kind kind, double a,
             double b = 0) {
    StateTensor &added = *manifest.add_state();
    *added.mutable_tensor() = tensor(name, dtype, std::move(shape), STATE, statePlace);
    added.set_kind(kind);
    added.set_trainable(kind == StateTensor::PARAMETER);
    added.set_decay(kind == StateTensor::PARAMETER && added.tensor().shape_size() == 2);
    added.set_doc(kind == StateTensor::SCALAR ? "a scalar of the toy" : "");
    added.mutable_init()->set_kind(b ? Initializer::NORMAL : Initializer::CONSTANT);
    added.mutable_init()->set_a(a);
    added.mutable_init()->set_b(b);
    manifest.set_state_bytes(statePlace);
    return added.tensor().slot();
  }

  uint64_t statePlace = 0;
};

/// The regions of one entry.
struct EntryBuilder {
  Builder &builder;
  Entry &entry;
  uint64_t inputs = 0, outputs = 0, arena = 0;

  Slot input(const std::string &name, DType dtype, std::vector<int64_t> shape) {
    *entry.add_inputs() = builder.tensor(name, dtype, std::move(shape), INPUT, inputs);
    entry.set_input_size(inputs);
    return entry.inputs(entry.inputs_size() - 1).slot();
  }
  Slot output(const std::string &name, DType dtype, std::vector<int64_t> shape) {
    *entry.add_outputs() = builder.tensor(name, dtype, std::move(shape), OUTPUT, outputs);
    entry.set_output_size(outputs);
    return entry.outputs(entry.outputs_size() - 1).slot();
  }
  Slot value(std::vector<int64_t> shape) {
    Slot slot = builder.tensor("", F32, std::move(shape), ARENA, arena).slot();
    entry.set_arena_size(arena);
    return slot;
  }
  void launch(Kernels kernel, int64_t tasks, const std::string &layer, std::vector<Slot> args, unsigned results,
              double flops, uint64_t scratch = 0, bool backward = false) {
    Launch &launch = *entry.add_ops()->mutable_launch();
    launch.set_kernel(kernel);
    launch.set_tasks(tasks);
    launch.set_layer(layer);
    while (launch.results_size() < int(results))
    launch.add_results(Launch::FLOAT32);
    launch.set_flops(flops);
    launch.set_bytes(flops / 4);
    launch.set_scratch(scratch);
    launch.set_backward(backward);
    for (Slot &slot : args)
      *launch.add_args() = std::move(slot);
  }
};

EntryBuilder addEntry(Builder &builder, const std::string &name) {
  Entry &entry = *builder.manifest.mutable_programs(0)->add_entries();
  entry.set_name(name);
  (*entry.mutable_options())["batch"] = B;
  return {builder, entry};
}

Manifest toyClipManifest() {
  Builder builder;
  Manifest &manifest = builder.manifest;
  manifest.set_model("toy-clip");
  manifest.set_architecture("clip");
  manifest.set_compiler_version("test");
  (*manifest.mutable_config())["width"] = E;
  manifest.mutable_preprocessing()->set_image_size(R);
  manifest.mutable_preprocessing()->set_context_length(T);
  manifest.mutable_preprocessing()->set_vocabulary_size(V);
  for (int c = 0; c < 3; ++c) {
    manifest.mutable_preprocessing()->add_mean(0.5f);
    manifest.mutable_preprocessing()->add_std(0.5f);
  }
  Program &program = *manifest.add_programs();
  program.set_target("cpu");
  program.set_chip("x86-64");
  for (const char *name : {"toy_clip_image", "toy_clip_text", "toy_clip_loss", "toy_clip_step"}) {
    Kernel &kernel = *program.add_kernels();
    kernel.set_name(name);
    kernel.set_anchor("toy");
  }
  using S = StateTensor;
  Slot projection = builder.state("visual.proj", F32, {P, E}, S::PARAMETER, 0, 0.05);
  Slot table = builder.state("token_embedding.weight", F32, {V, E}, S::PARAMETER, 0, 0.3);
  Slot scale = builder.state("logit_scale", F32, {}, S::PARAMETER, 1.6);
  Slot projectionMoment = builder.state("adam.m/visual.proj", F32, {P, E}, S::MOMENT, 0);
  Slot tableMoment = builder.state("adam.m/token_embedding.weight", F32, {V, E}, S::MOMENT, 0);
  Slot step = builder.state("train.step", I32, {}, S::COUNTER, 0);
  Slot rate = builder.state("train.learning_rate", F32, {}, S::SCALAR, 0.03);
  Slot warmup = builder.state("train.warmup_steps", F32, {}, S::SCALAR, 20);
  Slot total = builder.state("train.total_steps", F32, {}, S::SCALAR, 1000);

  EntryBuilder train = addEntry(builder, "train");
  Slot image = train.input("image", F32, {B, 3, R, R}), text = train.input("text", I32, {B, T}),
       pair = train.input("pair", I32, {B});
  Slot loss = train.output("loss", F32, {}), norm = train.output("grad_norm", F32, {}),
       used = train.output("learning_rate", F32, {});
  Slot multiplier = train.output("logit_scale", F32, {}), finite = train.output("finite", I32, {});
  Slot images = train.value({B, E}), imageNorms = train.value({B}), texts = train.value({B, E}),
       textNorms = train.value({B});
  Slot dImages = train.value({B, E}), dTexts = train.value({B, E});
  train.entry.set_writes_state(true);
  train.entry.set_finite_flag("finite");
  train.launch(Image, B, "visual", {image, projection, images, imageNorms}, 2, 2.0 * B * P * E);
  train.launch(Text, B, "text", {text, table, texts, textNorms}, 2, 2.0 * B * T * E);
  train.launch(Loss, 1, "loss", {images, texts, pair, scale, loss, multiplier, dImages, dTexts}, 4, 8.0 * B * B * E);
  train.launch(Step, 1, "optimizer",
               {image, text, images, imageNorms, texts,      textNorms, dImages,          dTexts,
                loss,  rate, warmup, total,      projection, table,     projectionMoment, tableMoment,
                step,  norm, used,   finite},
               8, 2.0 * B * P * E, uint64_t(P + V) * E * 4, true);

  EntryBuilder encodeImage = addEntry(builder, "encode_image");
  Slot picture = encodeImage.input("image", F32, {B, 3, R, R});
  Slot pictureEmbedding = encodeImage.output("image_embedding", F32, {B, E});
  encodeImage.launch(Image, B, "visual", {picture, projection, pictureEmbedding, encodeImage.value({B})}, 2,
                     2.0 * B * P * E);
  EntryBuilder encodeText = addEntry(builder, "encode_text");
  Slot words = encodeText.input("text", I32, {B, T});
  Slot textEmbedding = encodeText.output("text_embedding", F32, {B, E});
  encodeText.launch(Text, B, "text", {words, table, textEmbedding, encodeText.value({B})}, 2, 2.0 * B * T * E);

  manifest.add_sections()->set_name("cpu:x86-64");
  return manifest;
}

} // namespace

void writeToyClip(const std::string &path, const std::function<void(Manifest &)> &edit) {
  Manifest manifest = toyClipManifest();
  if (edit)
    edit(manifest);
  std::vector<std::string> sections = {readText(VLP_TOY_CLIP_KERNELS)};
  writeText(path, writeContainer(std::move(manifest), sections));
}

std::unique_ptr<Session> toyClipSession(const ScratchFolder &folder, unsigned threads,
                                        const std::function<void(Manifest &)> &edit) {
  static int number = 0;
  std::string path = folder.file("toy-clip" + std::to_string(number++) + ".vlp");
  writeToyClip(path, edit);
  DeviceOptions options;
  options.threads = threads;
  options.poison = true;
  auto module = Module::load(path, options);
  EXPECT_TRUE(module) << module.status().message();
  if (!module)
    return nullptr;
  auto session = Session::create(*module, options);
  EXPECT_TRUE(session) << session.status().message();
  return session ? std::move(*session) : nullptr;
}

std::shared_ptr<const data::Dataset> toyShapes(const ScratchFolder &folder, int side, int perName) {
  data::testing::ShapesOptions options;
  options.side = side;
  options.perName = perName;
  std::filesystem::path directory = folder.path / ("shapes" + std::to_string(side) + "-" + std::to_string(perName));
  Status written = data::testing::writeShapes(directory, options);
  EXPECT_TRUE(written.isOk()) << written.message();
  auto dataset = data::Dataset::open(directory);
  EXPECT_TRUE(dataset) << dataset.status().message();
  return dataset ? *dataset : nullptr;
}

} // namespace vlp::test
