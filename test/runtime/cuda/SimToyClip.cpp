// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Adds the simulator's program to the toy CLIP.
#include "test/runtime/cuda/SimToyClip.h"

#include <gtest/gtest.h>

namespace vlp::test {

void writeSimToyClip(const std::string &path, const std::function<void(format::Manifest &)> &edit) {
  writeToyClip(path);
  auto container = format::Container::open(path);
  ASSERT_TRUE(container) << container.status().message();
  format::Manifest manifest = container->manifest();
  format::Program program = manifest.programs(0);
  program.set_target("sim");
  program.set_chip("sm_80");
  program.set_section(1);
  for (format::Entry &entry : *program.mutable_entries())
    for (format::Op &op : *entry.mutable_ops())
      op.mutable_launch()->set_threads(32);
  *manifest.add_programs() = std::move(program);
  manifest.add_sections()->set_name("sim:sm_80");
  if (edit)
    edit(manifest);
  auto cpu = container->section(0);
  ASSERT_TRUE(cpu);
  std::vector<std::string> sections = {std::string(cpu->data(), cpu->size()), readText(VLP_TOY_CLIP_SIM_KERNELS)};
  sections.resize(size_t(manifest.sections_size()), "an image for a stub driver");
  std::string file = writeContainer(std::move(manifest), sections);
  std::filesystem::remove(path); // the file that is mapped stays as it is
  writeText(path, file);
}

} // namespace vlp::test
