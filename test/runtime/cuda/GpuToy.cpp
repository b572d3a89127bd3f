// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Turns the toy's plan for the processor into one for GPUs.
#include "test/runtime/cuda/GpuToy.h"

#include <gtest/gtest.h>

namespace vlp::test {

using namespace vlp::format;

static Slot makeSlot(Region region, uint64_t offset, uint64_t size) {
  Slot slot;
  slot.set_region(region);
  slot.set_offset(offset);
  slot.set_size(size);
  return slot;
}

static void addTensor(google::protobuf::RepeatedPtrField<Tensor> &tensors, const char *name, int64_t size,
                      Region region, uint64_t offset) {
  Tensor &tensor = *tensors.Add();
  tensor.set_name(name);
  tensor.add_shape(size);
  *tensor.mutable_slot() = makeSlot(region, offset, uint64_t(size) * 4);
}

static void addWideLaunch(Entry &entry, uint32_t kernel, const char *layer, std::vector<Slot> args) {
  Launch &launch = *entry.add_ops()->mutable_launch();
  launch.set_kernel(kernel);
  launch.set_tasks(kToyWide);
  launch.set_layer(layer);
  launch.add_results(Launch::FLOAT32);
  for (Slot &slot : args)
    *launch.add_args() = std::move(slot);
}

static void addWide(Program &program) {
  uint32_t widen = uint32_t(program.kernels_size());
  program.add_kernels()->set_name("toy_widen");
  program.add_kernels()->set_name("toy_spread");
  constexpr uint64_t bytes = kToyWide * 4, pitch = (bytes + 63) / 64 * 64;
  Entry &entry = *program.add_entries();
  entry.set_name("wide");
  addTensor(*entry.mutable_inputs(), "scale", 1, INPUT, 0);
  entry.set_input_size(64);
  Slot scale = makeSlot(INPUT, 0, 4), outputs[3];
  const char *names[] = {"first", "second", "third"};
  for (uint64_t i = 0; i < 3; ++i) {
    outputs[i] = makeSlot(OUTPUT, i * pitch, bytes);
    addTensor(*entry.mutable_outputs(), names[i], kToyWide, OUTPUT, i * pitch);
  }
  entry.set_output_size(3 * pitch);
  addWideLaunch(entry, widen + 1, "wide.first", {scale, outputs[0]});
  addWideLaunch(entry, widen, "wide.second", {scale, outputs[0], outputs[1]});
  addWideLaunch(entry, widen, "wide.third", {scale, outputs[1], outputs[2]});
}

Manifest gpuToyManifest(const std::function<void(Manifest &)> &edit) {
  Manifest manifest = toyManifest();
  Program &program = *manifest.mutable_programs(0);
  program.set_target("sim");
  program.set_chip("sm_80");
  manifest.mutable_sections(0)->set_name("sim:sm_80");
  addWide(program);
  for (Entry &entry : *program.mutable_entries())
    for (Op &op : *entry.mutable_ops()) {
      if (!op.has_launch())
        continue;
      Launch &launch = *op.mutable_launch();
      const std::string &kernel = program.kernels(int(launch.kernel())).name();
      launch.set_threads(32);
      launch.set_scratch(0);
      if (kernel != "toy_encode_image" && kernel != "toy_encode_text") // there a block is a row
        launch.set_tasks((launch.tasks() + 31) / 32);
      if (kernel == "toy_loss")
        launch.set_shared(kToyWidth * 4);
    }
  if (edit)
    edit(manifest);
  return manifest;
}

std::string gpuToyFile(const std::function<void(Manifest &)> &edit) {
  Manifest manifest = gpuToyManifest(edit);
  std::vector<std::string> sections = {readFile(VLP_TEST_SIM_KERNELS), std::string(kToyWidth * 4, '\0')};
  for (int i = 2; i < manifest.sections_size(); ++i) // code for the stub driver: it looks at no more than these bytes
    sections.push_back("image of " + manifest.sections(i).name());
  return writeContainer(std::move(manifest), sections);
}

Expected<std::unique_ptr<Session>> openGpuToy(const TemporaryFolder &folder, const std::string &device,
                                              const std::function<void(Manifest &)> &edit, bool poison) {
  static int number = 0;
  std::string path = folder.file("gpu-toy" + std::to_string(number++) + ".vlp");
  writeFile(path, gpuToyFile(edit));
  DeviceOptions options;
  options.device = device;
  options.threads = 1;
  options.poison = poison;
  auto module = Module::load(path, options);
  if (!module)
    return module.status();
  return Session::create(*module, options);
}

std::unique_ptr<Session> gpuToySession(const TemporaryFolder &folder, const std::string &device,
                                       const std::function<void(Manifest &)> &edit, bool poison) {
  auto session = openGpuToy(folder, device, edit, poison);
  EXPECT_TRUE(session) << session.status().message();
  return session ? std::move(*session) : nullptr;
}

std::string stateBytes(const Session &session) {
  std::string bytes;
  for (const StateTensor &state : session.module().manifest().state()) {
    auto tensor = session.readState(state.tensor().name());
    EXPECT_TRUE(tensor) << tensor.status().message();
    if (tensor)
      bytes.append(reinterpret_cast<const char *>(tensor->data()), tensor->size());
  }
  return bytes;
}

std::vector<float> outputOf(const Session &session, const std::string &entry, const std::string &name) {
  auto bytes = session.output(entry, name);
  EXPECT_TRUE(bytes) << bytes.status().message();
  if (!bytes)
    return {};
  auto values = floats(*bytes);
  return {values.begin(), values.end()};
}

} // namespace vlp::test
