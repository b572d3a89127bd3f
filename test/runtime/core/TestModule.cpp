// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builds the toy's manifest.
#include "TestModule.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

namespace vlp::test {

using namespace vlp::format;

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "vlp-test-XXXXXX").string();
  path = mkdtemp(name.data()) ? name : "";
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

std::string readFile(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void writeFile(const std::string &path, std::string_view bytes) {
  std::ofstream stream(path, std::ios::binary);
  stream.write(bytes.data(), std::streamsize(bytes.size()));
  ASSERT_TRUE(stream.good()) << path;
}

std::string toyCode() { return readFile(VLP_TEST_KERNELS); }

static Slot makeSlot(Region region, uint64_t offset, uint64_t size) {
  Slot slot;
  slot.set_region(region);
  slot.set_offset(offset);
  slot.set_size(size);
  return slot;
}

static Tensor makeTensor(const std::string &name, DType dtype, std::initializer_list<int64_t> shape, Region region,
                         uint64_t offset) {
  Tensor tensor;
  tensor.set_name(name);
  tensor.set_dtype(dtype);
  uint64_t size = 4;
  for (int64_t extent : shape) {
    tensor.add_shape(extent);
    size *= uint64_t(extent);
  }
  *tensor.mutable_slot() = makeSlot(region, offset, size);
  return tensor;
}

static void addState(Manifest &manifest, Tensor tensor, StateTensor::Kind kind, Initializer::Kind init, double a,
                     double b) {
  StateTensor &state = *manifest.add_state();
  manifest.set_state_bytes(tensor.slot().offset() + (tensor.slot().size() + 63) / 64 * 64);
  *state.mutable_tensor() = std::move(tensor);
  state.set_kind(kind);
  state.set_trainable(kind == StateTensor::PARAMETER);
  state.mutable_init()->set_kind(init);
  state.mutable_init()->set_a(a);
  state.mutable_init()->set_b(b);
}

/// Kernels in the order of their use below.
enum Kernels { Mean, Residual, Loss, Step, Count, EncodeImage, EncodeText, Increment };

static void addLaunch(Entry &entry, Kernels kernel, int64_t tasks, const std::string &layer, std::vector<Slot> args,
                      unsigned results, bool backward = false) {
  Launch &launch = *entry.add_ops()->mutable_launch();
  launch.set_kernel(kernel);
  launch.set_tasks(tasks);
  launch.set_layer(layer);
  while (launch.results_size() < int(results))
    launch.add_results(Launch::FLOAT32);
  launch.set_backward(backward);
  launch.set_scratch(kernel == Mean ? kToyBatch * 4 : 0);
  for (Slot &slot : args)
    *launch.add_args() = std::move(slot);
}

Manifest toyManifest(const std::function<void(Manifest &)> &edit) {
  constexpr uint64_t row = kToyWidth * 4, image = kToyBatch * row;
  Manifest manifest;
  manifest.set_model("toy");
  manifest.set_architecture("clip");
  manifest.set_compiler_version("test");
  manifest.mutable_preprocessing()->set_vocabulary_size(kToyVocabulary);
  addState(manifest, makeTensor("weight", F32, {kToyWidth}, STATE, 0), StateTensor::PARAMETER, Initializer::NORMAL, 0,
           0.5);
  addState(manifest, makeTensor("adam.m/weight", F32, {kToyWidth}, STATE, 192), StateTensor::MOMENT,
           Initializer::CONSTANT, 0, 0);
  addState(manifest, makeTensor("train.step", I32, {}, STATE, 384), StateTensor::COUNTER, Initializer::CONSTANT, 0, 0);
  addState(manifest, makeTensor("train.learning_rate", F32, {}, STATE, 448), StateTensor::SCALAR, Initializer::CONSTANT,
           0.25, 0);
  addState(manifest, makeTensor("buffer", F32, {kToyWidth}, STATE, 512), StateTensor::PARAMETER, Initializer::UNIFORM,
           -1, 1);
  Program &program = *manifest.add_programs();
  program.set_target("cpu");
  program.set_chip("x86-64");
  for (const char *name : {"toy_mean", "toy_residual", "toy_loss", "toy_step", "toy_count", "toy_encode_image",
                           "toy_encode_text", "toy_increment"})
    program.add_kernels()->set_name(name);
  Slot weight = makeSlot(STATE, 0, row), moment = makeSlot(STATE, 192, row), step = makeSlot(STATE, 384, 4);

  Entry &train = *program.add_entries();
  train.set_name("train");
  *train.add_inputs() = makeTensor("image", F32, {kToyBatch, kToyWidth}, INPUT, 0);
  *train.add_outputs() = makeTensor("loss", F32, {}, OUTPUT, 0);
  *train.add_outputs() = makeTensor("finite", I32, {}, OUTPUT, 64);
  train.set_input_size(image);
  train.set_output_size(128);
  train.set_arena_size(512);
  train.set_writes_state(true);
  train.set_finite_flag("finite");
  Slot finite = makeSlot(OUTPUT, 64, 4), mean = makeSlot(ARENA, 0, row), residual = makeSlot(ARENA, 192, row);
  addLaunch(train, Mean, kToyWidth, "visual.pool", {makeSlot(INPUT, 0, image), makeSlot(CONSTANTS, 0, row), mean}, 1);
  addLaunch(train, Residual, kToyWidth, "visual.proj", {mean, weight, residual}, 1);
  addLaunch(train, Loss, 1, "loss", {residual, makeSlot(OUTPUT, 0, 4), finite}, 2);
  addLaunch(train, Step, kToyWidth, "optimizer", {residual, makeSlot(STATE, 448, 4), finite, weight, moment}, 2, true);
  addLaunch(train, Count, 1, "optimizer", {finite, step}, 1);
  train.mutable_ops(2)->mutable_launch()->set_results(1, Launch::OTHER); // finite
  train.mutable_ops(4)->mutable_launch()->set_results(0, Launch::OTHER); // step

  Entry &encodeImage = *program.add_entries();
  encodeImage.set_name("encode_image");
  *encodeImage.add_inputs() = makeTensor("image", F32, {kToyBatch, kToyWidth}, INPUT, 0);
  *encodeImage.add_outputs() = makeTensor("image_embedding", F32, {kToyBatch, kToyWidth}, OUTPUT, 0);
  encodeImage.set_input_size(image);
  encodeImage.set_output_size(image);
  encodeImage.set_arena_size(448);
  addLaunch(encodeImage, EncodeImage, kToyBatch, "visual",
            {makeSlot(INPUT, 0, image), weight, makeSlot(ARENA, 0, image)}, 1);
  Copy &copy = *encodeImage.add_ops()->mutable_copy();
  *copy.mutable_src() = makeSlot(ARENA, 0, image);
  *copy.mutable_dst() = makeSlot(OUTPUT, 0, image);
  copy.set_layer("visual.normalize");

  Entry &encodeText = *program.add_entries();
  encodeText.set_name("encode_text");
  *encodeText.add_inputs() = makeTensor("text", I32, {kToyBatch, kToyText}, INPUT, 0);
  *encodeText.add_outputs() = makeTensor("text_embedding", F32, {kToyBatch, kToyWidth}, OUTPUT, 0);
  encodeText.set_input_size(kToyBatch * kToyText * 4);
  encodeText.set_output_size(image);
  addLaunch(encodeText, EncodeText, kToyBatch, "text",
            {makeSlot(INPUT, 0, kToyBatch * kToyText * 4), weight, makeSlot(OUTPUT, 0, image)}, 1);

  Entry &count = *program.add_entries();
  count.set_name("count");
  *count.add_outputs() = makeTensor("values", F32, {1000}, OUTPUT, 0);
  count.set_output_size(4000);
  for (int i = 0; i < kToyIncrements; ++i)
    addLaunch(count, Increment, 1000, "count", {makeSlot(OUTPUT, 0, 4000)}, 1);

  manifest.add_sections()->set_name("cpu:x86-64");
  manifest.add_sections()->set_name("constants");
  manifest.mutable_sections(1)->set_size(row);
  if (edit)
    edit(manifest);
  return manifest;
}

std::string toyFile(const std::function<void(Manifest &)> &edit) {
  Manifest manifest = toyManifest(edit);
  std::vector<std::string> sections = {toyCode(), std::string(kToyWidth * 4, '\0')};
  return writeContainer(std::move(manifest), sections);
}

std::unique_ptr<Session> toySession(const TemporaryFolder &folder, unsigned threads,
                                    const std::function<void(Manifest &)> &edit) {
  static int number = 0;
  std::string path = folder.file("toy" + std::to_string(number++) + ".vlp");
  writeFile(path, toyFile(edit));
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

std::span<float> floats(std::span<std::byte> bytes) {
  return {reinterpret_cast<float *>(bytes.data()), bytes.size() / 4};
}

std::span<const float> floats(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const float *>(bytes.data()), bytes.size() / 4};
}

void fillToyImage(Session &session, const std::string &entry, int step) {
  auto image = session.input(entry, "image");
  ASSERT_TRUE(image) << image.status().message();
  auto values = floats(*image);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = float((i * 7919 + size_t(step) * 104729) % 1000) / 1000 - 0.3f;
}

} // namespace vlp::test
