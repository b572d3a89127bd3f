// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Construction of the manifest and its sections.
#include "passes/Package/Package.h"
#include "dialect/Plan/Plan.h"
#include "passes/Package/ManifestBuilder.h"
#include "runtime/core/Sha256.h"
#include "runtime/format/Container.h"
#include "runtime/format/Validate.h"

using namespace mlir;
using namespace vlp;

/// The constants region as it lies in the file.
static std::string getConstants(ModuleOp module) {
  std::string bytes;
  for (auto op : module.getOps<plan::ConstantOp>()) {
    auto dense = cast<DenseElementsAttr>(op.getValue());
    plan::SlotAttr slot = op.getSlot();
    bytes.resize(std::max<size_t>(bytes.size(), slot.getEnd()), '\0');
    ArrayRef<char> raw = dense.getRawData();
    for (int64_t i = 0; i < slot.getSize(); ++i)
      bytes[slot.getOffset() + i] = raw[dense.isSplat() ? i % raw.size() : i];
  }
  return bytes;
}

/// State and constants of a plan as text: what programs of one file share.
static std::string getSharedText(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (Operation &op : *module.getBody())
    if (isa<plan::StateOp, plan::ConstantOp>(op))
      stream << op << "\n";
  return text;
}

static void setFacts(ArrayRef<KernelFacts> facts, format::Program *program) {
  for (format::Kernel &kernel : *program->mutable_kernels())
    for (const KernelFacts &fact : facts)
      if (fact.name == kernel.name()) {
        kernel.set_registers(fact.registers);
        kernel.set_spills(fact.spills);
        kernel.set_stack(fact.stack);
        kernel.set_static_shared(fact.staticShared);
        kernel.set_tensor_instructions(fact.tensorInstructions);
        kernel.set_instructions(fact.instructions);
        kernel.set_tf32_instructions(fact.tf32Instructions);
        kernel.set_local_instructions(fact.localInstructions);
      }
}

namespace {
/// Collects sections beside the manifest.
struct Sections {
  format::Manifest &manifest;
  std::vector<std::string> bytes = {};

  uint32_t add(const std::string &name, std::string content) {
    manifest.add_sections()->set_name(name);
    bytes.push_back(std::move(content));
    return bytes.size() - 1;
  }
};
} // namespace

static void setProgram(const CodeBlob &code, Sections &sections, format::Program *program) {
  program->set_target(code.target);
  program->set_chip(code.chip);
  program->mutable_features()->Assign(code.features.begin(), code.features.end());
  program->set_driver_version(code.driverVersion);
  program->set_section(sections.add("code." + code.target + "." + code.chip, code.bytes));
  if (!code.ptx.empty())
    program->set_ptx_section(1 + sections.add("ptx." + code.chip, code.ptx));
  setFacts(code.kernels, program);
}

FailureOr<std::string> vlp::packageModel(ArrayRef<TargetProgram> programs, const PackageInfo &info) {
  ModuleOp first = programs.front().plan;
  FailureOr<format::Manifest> manifest = buildManifest(first);
  if (failed(manifest))
    return failure();
  manifest->set_compiler_version(info.compilerVersion);
  Sections sections{*manifest};
  if (std::string constants = getConstants(first); !constants.empty())
    sections.add(format::kConstantsSection, std::move(constants));
  std::string shared = getSharedText(first);
  for (const TargetProgram &each : programs) {
    ModuleOp plan = each.plan;
    if (getSharedText(plan) != shared)
      return plan.emitError() << "expected plans with the same state and constants, got another for "
                              << each.code.target << ":" << each.code.chip;
    FailureOr<format::Program> program = buildProgram(plan);
    if (failed(program))
      return failure();
    setProgram(each.code, sections, &*program);
    *manifest->add_programs() = std::move(*program);
  }
  format::Manifest sized = *manifest; // the validator wants to know how large the constants are
  for (size_t i = 0; i < sections.bytes.size(); ++i)
    sized.mutable_sections(static_cast<int>(i))->set_size(sections.bytes[i].size());
  if (std::string problem = format::validateManifest(sized); !problem.empty())
    return first.emitError() << "expected a plan that the runtime accepts: " << problem;
  return format::writeContainer(std::move(*manifest), sections.bytes);
}
