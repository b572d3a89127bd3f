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

FailureOr<std::string> vlp::packageModel(ModuleOp planModule, ArrayRef<CodeBlob> code, const PackageInfo &info) {
  FailureOr<format::Manifest> manifest = buildManifest(planModule);
  if (failed(manifest))
    return failure();
  manifest->set_compiler_version(info.compilerVersion);
  std::vector<std::string> sections;
  auto addSection = [&](const std::string &name, std::string bytes) {
    manifest->add_sections()->set_name(name);
    sections.push_back(std::move(bytes));
  };
  if (std::string constants = getConstants(planModule); !constants.empty())
    addSection(format::kConstantsSection, std::move(constants));
  for (const CodeBlob &blob : code) {
    format::Code *entry = manifest->add_code();
    entry->set_target(blob.target);
    entry->set_chip(blob.chip);
    entry->mutable_features()->Assign(blob.features.begin(), blob.features.end());
    entry->set_section(sections.size());
    addSection("code." + blob.target + "." + blob.chip, blob.bytes);
  }
  format::Manifest sized = *manifest; // the validator wants to know how large the constants are
  for (size_t i = 0; i < sections.size(); ++i)
    sized.mutable_sections(static_cast<int>(i))->set_size(sections[i].size());
  if (std::string problem = format::validateManifest(sized); !problem.empty())
    return planModule.emitError() << "expected a plan that the runtime accepts: " << problem;
  return format::writeContainer(std::move(*manifest), sections);
}
