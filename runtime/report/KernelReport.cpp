// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums over launches, and their tables.
#include "runtime/report/KernelReport.h"

#include "runtime/report/Format.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace vlp::report {

/// Flops a second of the units that `kernel` computes with.
static double rateOf(const format::Kernel &kernel, const GpuPeak &peak) {
  if (kernel.tensor_instructions() == 0)
    return peak.f32;
  return kernel.tf32_instructions() ? peak.tf32 / 3 : peak.bf16;
}

Roof roofOf(const format::Kernel &kernel, double flops, double bytes, const GpuPeak &peak) {
  double compute = flops / rateOf(kernel, peak), memory = bytes / peak.bandwidth;
  return {std::max(compute, memory), compute > memory};
}

/// The plan prices a kernel's main launch. Of the others (sums of partial results, packing) all arguments count.
static double trafficOf(const format::Launch &launch) {
  if (launch.bytes() > 0)
    return launch.bytes();
  double sum = 0;
  for (const format::Slot &slot : launch.args())
    sum += double(slot.size());
  return sum;
}

namespace {
/// Adds up launches.
struct RoofSum {
  std::vector<Roof> roofs = std::vector<Roof>(gpuPeaks().size());
  std::vector<double> computeSeconds = std::vector<double>(gpuPeaks().size());

  void add(size_t board, const Roof &roof) {
    roofs[board].seconds += roof.seconds;
    computeSeconds[board] += roof.computeBound ? roof.seconds : 0;
    roofs[board].computeBound = 2 * computeSeconds[board] > roofs[board].seconds;
  }
};

struct UseSum {
  KernelUse use;
  RoofSum roofs;
};
} // namespace

static EntryKernels sumEntry(const format::Program &program, const format::Entry &entry) {
  EntryKernels result{&entry};
  RoofSum total;
  std::map<uint32_t, UseSum> sums;
  for (const format::Op &op : entry.ops()) {
    if (!op.has_launch() || op.launch().kernel() >= uint32_t(program.kernels_size()))
      continue;
    const format::Launch &launch = op.launch();
    UseSum &sum = sums[launch.kernel()];
    KernelUse &use = sum.use;
    use.kernel = &program.kernels(int(launch.kernel()));
    double bytes = trafficOf(launch);
    ++use.launches;
    ++result.launches;
    if (launch.shared() >= use.shared) {
      use.shared = launch.shared();
      use.threads = launch.threads();
    }
    use.flops += launch.flops();
    use.bytes += bytes;
    result.flops += launch.flops();
    result.bytes += bytes;
    for (size_t board = 0; board < gpuPeaks().size(); ++board) {
      Roof roof = roofOf(*use.kernel, launch.flops(), bytes, gpuPeaks()[board]);
      sum.roofs.add(board, roof);
      total.add(board, roof);
    }
  }
  for (auto &[index, sum] : sums) {
    sum.use.roofs = sum.roofs.roofs;
    result.kernels.push_back(sum.use);
  }
  std::sort(result.kernels.begin(), result.kernels.end(), [](const KernelUse &a, const KernelUse &b) {
    return std::tuple(-a.roofs[0].seconds, a.kernel->name()) < std::tuple(-b.roofs[0].seconds, b.kernel->name());
  });
  result.roofs = total.roofs;
  return result;
}

std::vector<EntryKernels> sumKernels(const format::Program &program) {
  std::vector<EntryKernels> entries;
  for (const format::Entry &entry : program.entries())
    entries.push_back(sumEntry(program, entry));
  return entries;
}

const format::Program *findKernelProgram(const format::Manifest &manifest, const std::string &target,
                                         std::string &why) {
  std::string known;
  for (const format::Program &program : manifest.programs()) {
    std::string name = program.target() + ":" + program.chip();
    if (program.target() == "cuda" && (target.empty() || target == "cuda" || target == name))
      return &program;
    known += (known.empty() ? "" : ", ") + name;
  }
  why = "expected code for " + (target.empty() ? std::string("cuda") : target) + ", the file has " +
        (known.empty() ? "none" : known) + "; compile with --target=cuda:CHIP";
  return nullptr;
}

static std::string microseconds(const Roof &roof) {
  double value = 1e6 * roof.seconds;
  return fixed(value, value < 1 ? 3 : value < 100 ? 2 : 1) + (roof.computeBound ? " C" : " M");
}

/// Blocks a multiprocessor and the share of its threads; what the chip's table lacks, and what does not fit, is said.
static std::pair<std::string, std::string> residency(const format::Program &program, const KernelUse &use) {
  const GpuChip *chip = findGpuChip(program.chip());
  if (!chip || use.threads == 0)
    return {"-", "-"};
  uint64_t shared = use.shared + use.kernel->static_shared();
  uint32_t blocks = residentBlocks(*chip, use.kernel->registers(), use.threads, shared);
  return {blocks ? std::to_string(blocks) : "none fits",
          fixed(100 * occupancy(*chip, use.kernel->registers(), use.threads, shared), 0) + " %"};
}

Table kernelTable(const format::Program &program, const EntryKernels &entry) {
  std::vector<Column> columns = {{"kernel", Align::Left},
                                 {"launches"},
                                 {"threads"},
                                 {"registers"},
                                 {"spills"},
                                 {"local"},
                                 {"shared"},
                                 {"blocks"},
                                 {"occupancy"},
                                 {"tensor"},
                                 {"instructions"},
                                 {"flops"},
                                 {"bytes"},
                                 {"flops/B"}};
  for (const GpuPeak &peak : gpuPeaks())
    columns.push_back({std::string(peak.name) + " us"});
  Table table(columns);
  for (const KernelUse &use : entry.kernels) {
    const format::Kernel &kernel = *use.kernel;
    auto [blocks, share] = residency(program, use);
    std::vector<std::string> cells = {kernel.name(),
                                      std::to_string(use.launches),
                                      std::to_string(use.threads),
                                      std::to_string(kernel.registers()),
                                      std::to_string(kernel.spills()),
                                      std::to_string(kernel.local_instructions()),
                                      bytes(double(use.shared + kernel.static_shared())),
                                      blocks,
                                      share,
                                      std::to_string(kernel.tensor_instructions()),
                                      std::to_string(kernel.instructions()),
                                      count(use.flops),
                                      bytes(use.bytes),
                                      use.bytes > 0 ? fixed(use.flops / use.bytes, 1) : "-"};
    for (const Roof &roof : use.roofs)
      cells.push_back(microseconds(roof));
    table.addRow(std::move(cells));
  }
  table.addRule();
  std::vector<std::string> total = {"all", std::to_string(entry.launches)};
  total.resize(11);
  total.insert(total.end(),
               {count(entry.flops), bytes(entry.bytes), entry.bytes > 0 ? fixed(entry.flops / entry.bytes, 1) : "-"});
  for (const Roof &roof : entry.roofs)
    total.push_back(microseconds(roof));
  table.addRow(std::move(total));
  return table;
}

std::vector<std::string> kernelNotes() {
  std::vector<std::string> notes = {
      "spills: bytes; local: instructions on local memory; tensor, instructions: of the machine code, each once; "
      "blocks: at a time on one "
      "multiprocessor.",
      "us: no GPU was asked. The time that all launches of a run cannot beat, each bound by compute (C) or memory (M): "
      "flops of "
      "products over peak, or compulsory bytes over bandwidth. f32 products on tensor cores take three tf32 products."};
  for (const GpuPeak &peak : gpuPeaks())
    notes.push_back(std::string(peak.name) + ": " + fixed(peak.bf16 * 1e-12, 1) + " (bf16), " +
                    fixed(peak.tf32 * 1e-12, 1) + " (tf32), " + fixed(peak.f32 * 1e-12, 1) + " (f32) Tflop/s, " +
                    fixed(peak.bandwidth * 1e-9, 0) + " GB/s; " + std::string(peak.source) + ".");
  return notes;
}

/// "train: 412 launches a run, at least 12.3 ms on A100, ..."
static std::string summary(const EntryKernels &entry) {
  std::string text = entry.entry->name() + ": " + std::to_string(entry.launches) + " launches a run, at least ";
  for (size_t board = 0; board < entry.roofs.size(); ++board)
    text += (board ? ", " : "") + fixed(1e3 * entry.roofs[board].seconds, 3) + " ms on " +
            std::string(gpuPeaks()[board].name);
  return text;
}

std::string describeKernels(const format::Program &program) {
  std::string text;
  for (const EntryKernels &entry : sumKernels(program))
    text += summary(entry) + " (" + program.target() + " " + program.chip() + ")\n\n" +
            kernelTable(program, entry).text("  ") + "\n";
  for (const std::string &note : kernelNotes())
    text += note + "\n";
  return text;
}

std::string kernelsHtml(const format::Program &program) {
  std::string html;
  for (const EntryKernels &entry : sumKernels(program))
    html += "<h3>" + escapeHtml(summary(entry)) + "</h3>\n" + kernelTable(program, entry).html();
  html += "<ul>\n";
  for (const std::string &note : kernelNotes())
    html += "<li>" + escapeHtml(note) + "</li>\n";
  return html + "</ul>\n";
}

} // namespace vlp::report
