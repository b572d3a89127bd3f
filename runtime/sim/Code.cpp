// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loads what passes/Sim compiled.
#include "runtime/sim/Engine.h"

#include "runtime/cpu/CodeSection.h"

#include <algorithm>
#include <link.h>

namespace vlp::sim {

Code::Code() = default;
Code::~Code() = default;

namespace {

/// The executable bytes of the shared object that holds `inside`.
struct TextRange {
  uintptr_t inside, begin = 0, end = 0;

  explicit TextRange(const void *table) : inside(reinterpret_cast<uintptr_t>(table)) { dl_iterate_phdr(&visit, this); }

  static int visit(dl_phdr_info *object, size_t, void *self) {
    auto &range = *static_cast<TextRange *>(self);
    auto segments = std::span(object->dlpi_phdr, object->dlpi_phnum);
    auto start = [&](const ElfW(Phdr) & segment) { return object->dlpi_addr + segment.p_vaddr; };
    bool found = std::any_of(segments.begin(), segments.end(), [&](const ElfW(Phdr) & segment) {
      return segment.p_type == PT_LOAD && range.inside >= start(segment) &&
             range.inside < start(segment) + segment.p_memsz;
    });
    if (!found)
      return 0;
    for (const ElfW(Phdr) & segment : segments)
      if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X)) {
        range.begin = range.end ? std::min<uintptr_t>(range.begin, start(segment)) : start(segment);
        range.end = std::max<uintptr_t>(range.end, start(segment) + segment.p_memsz);
      }
    return 1;
  }
};

} // namespace

Expected<std::unique_ptr<Code>> Code::load(std::span<const char> bytes) {
  const std::string symbols[] = {"vlp_sim_module"};
  Expected<CodeSection> section = CodeSection::load(bytes, symbols, "the simulator's section");
  if (!section)
    return section.status();
  std::unique_ptr<Code> code(new Code());
  code->section = std::make_unique<CodeSection>(std::move(*section));
  code->table = reinterpret_cast<const vlp_sim_module *>(code->section->kernels()[0]);
  if (code->table->version != VLP_SIM_VERSION)
    return Status(StatusCode::DataLoss, "the simulator's section has version " + std::to_string(code->table->version) +
                                            ", expected " + std::to_string(VLP_SIM_VERSION) +
                                            "; compile the model again with this version's vlpc");
  TextRange text(code->table);
  code->textBegin = text.begin;
  code->textEnd = text.end;
  return code;
}

const vlp_sim_kernel *Code::find(std::string_view name) const {
  for (const vlp_sim_kernel &kernel : std::span(table->kernels, table->kernel_count))
    if (name == kernel.name)
      return &kernel;
  return nullptr;
}

uint32_t Code::siteAt(uintptr_t address) const {
  bool found = false;
  for (const int32_t *word = table->places; word != table->places_end; ++word) {
    if (*word < 0)
      found |= reinterpret_cast<uintptr_t>(word) + intptr_t(*word) == address;
    else if (found)
      return uint32_t(*word);
  }
  return UINT32_MAX;
}

std::string_view Code::describe(uint32_t site) const { return site < table->site_count ? table->sites[site] : ""; }

} // namespace vlp::sim
