// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernel uses as JSON objects.
#include "runtime/report/KernelJson.h"

#include "runtime/report/KernelReport.h"

#include <nlohmann/json.hpp>

namespace vlp::report {

using Json = nlohmann::ordered_json;

static Json roofsJson(const std::vector<Roof> &roofs) {
  Json list = Json::object();
  for (size_t board = 0; board < roofs.size(); ++board)
    list[std::string(gpuPeaks()[board].name)] = {{"seconds", roofs[board].seconds},
                                                 {"bound", roofs[board].computeBound ? "compute" : "memory"}};
  return list;
}

static Json kernelJson(const format::Program &program, const KernelUse &use) {
  const format::Kernel &kernel = *use.kernel;
  uint64_t shared = use.shared + kernel.static_shared();
  Json object = {{"name", kernel.name()},
                 {"anchor", kernel.anchor()},
                 {"launches", use.launches},
                 {"threads", use.threads},
                 {"registers", kernel.registers()},
                 {"spill_bytes", kernel.spills()},
                 {"stack_bytes", kernel.stack()},
                 {"local_instructions", kernel.local_instructions()},
                 {"shared_bytes", shared},
                 {"tensor_instructions", kernel.tensor_instructions()},
                 {"tf32_instructions", kernel.tf32_instructions()},
                 {"instructions", kernel.instructions()},
                 {"flops", use.flops},
                 {"bytes", use.bytes},
                 {"roofs", roofsJson(use.roofs)}};
  if (const GpuChip *chip = findGpuChip(program.chip()); chip && use.threads) {
    object["blocks"] = residentBlocks(*chip, kernel.registers(), use.threads, shared);
    object["occupancy"] = occupancy(*chip, kernel.registers(), use.threads, shared);
  }
  return object;
}

std::string kernelsJson(const format::Program &program, const std::string &path) {
  Json document = {{"file", path},
                   {"target", program.target()},
                   {"chip", program.chip()},
                   {"boards", Json::array()},
                   {"entries", Json::array()}};
  for (const GpuPeak &peak : gpuPeaks())
    document["boards"].push_back({{"name", peak.name},
                                  {"bf16_flops", peak.bf16},
                                  {"tf32_flops", peak.tf32},
                                  {"f32_flops", peak.f32},
                                  {"bandwidth", peak.bandwidth},
                                  {"source", peak.source}});
  for (const EntryKernels &entry : sumKernels(program)) {
    Json kernels = Json::array();
    for (const KernelUse &use : entry.kernels)
      kernels.push_back(kernelJson(program, use));
    document["entries"].push_back({{"name", entry.entry->name()},
                                   {"launches", entry.launches},
                                   {"flops", entry.flops},
                                   {"bytes", entry.bytes},
                                   {"roofs", roofsJson(entry.roofs)},
                                   {"kernels", kernels}});
  }
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace vlp::report
