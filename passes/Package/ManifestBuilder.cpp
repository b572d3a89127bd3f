// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Plan ops and module attributes as protobuf messages.
#include "passes/Package/ManifestBuilder.h"
#include "dialect/Plan/Plan.h"
#include "runtime/core/Sha256.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vlp;

static void setSlot(plan::SlotAttr slot, format::Slot *out) {
  out->set_region(static_cast<format::Region>(slot.getRegion()));
  out->set_offset(slot.getOffset());
  out->set_size(slot.getSize());
}

static void setTensor(StringRef name, RankedTensorType type, plan::SlotAttr slot, format::Tensor *out) {
  out->set_name(name.str());
  out->set_dtype(type.getElementType().isInteger(32) ? format::I32 : format::F32);
  out->mutable_shape()->Assign(type.getShape().begin(), type.getShape().end());
  setSlot(slot, out->mutable_slot());
}

static void setState(plan::StateOp op, format::StateTensor *out) {
  setTensor(op.getSymName(), cast<RankedTensorType>(op.getType()), op.getSlot(), out->mutable_tensor());
  out->set_kind(static_cast<format::StateTensor::Kind>(op.getKind()));
  InitializerAttr init = op.getInit();
  out->mutable_init()->set_kind(static_cast<format::Initializer::Kind>(init.getKind()));
  out->mutable_init()->set_a(init.getA().getValueAsDouble());
  out->mutable_init()->set_b(init.getB().getValueAsDouble());
  out->set_trainable(op.getTrainable());
  out->set_decay(op.getDecay());
  out->set_doc(op.getDoc().value_or("").str());
  out->set_twin_of(op.getTwinOf().value_or("").str());
}

namespace {
/// Fills one manifest; remembers whether anything was wrong.
class ManifestBuilder {
public:
  explicit ManifestBuilder(ModuleOp module) : module(module) {}

  FailureOr<format::Manifest> build() {
    setModel();
    setPreprocessing();
    setAliases();
    manifest.set_world_size(1);
    uint64_t stateBytes = 0;
    for (auto op : module.getOps<plan::StateOp>()) {
      setState(op, manifest.add_state());
      stateBytes = std::max<uint64_t>(stateBytes, llvm::alignTo(op.getSlot().getEnd(), plan::kSlotAlignment));
    }
    manifest.set_state_bytes(stateBytes);
    checkOps();
    if (!ok)
      return failure();
    return std::move(manifest);
  }

private:
  template <typename AttrT>
  AttrT getAttr(DictionaryAttr dictionary, StringRef name, StringRef what) {
    Attribute attr = dictionary ? dictionary.get(name) : Attribute();
    auto typed = dyn_cast_or_null<AttrT>(attr);
    if (attr && !typed)
      error() << "expected '" << name << "' to be " << what << ", got " << attr;
    return typed;
  }

  InFlightDiagnostic error() {
    ok = false;
    return module.emitError();
  }

  void setModel() {
    DictionaryAttr attrs = module->getAttrDictionary();
    if (auto name = getAttr<StringAttr>(attrs, "vlp.model", "a string"))
      manifest.set_model(name.str());
    if (auto name = getAttr<StringAttr>(attrs, "vlp.architecture", "a string"))
      manifest.set_architecture(name.str());
    auto config = getAttr<DictionaryAttr>(attrs, "vlp.config", "a dictionary");
    for (NamedAttribute item : config ? config.getValue() : ArrayRef<NamedAttribute>()) {
      double &value = (*manifest.mutable_config())[item.getName().str()];
      if (auto integer = dyn_cast<IntegerAttr>(item.getValue()))
        value = static_cast<double>(integer.getValue().getSExtValue());
      else if (auto number = dyn_cast<FloatAttr>(item.getValue()))
        value = number.getValueAsDouble();
      else
        error() << "expected numbers in 'vlp.config', got " << item.getName() << " = " << item.getValue();
    }
  }

  void setPreprocessing() {
    auto dictionary = getAttr<DictionaryAttr>(module->getAttrDictionary(), "vlp.preprocessing", "a dictionary");
    if (!dictionary)
      return;
    format::Preprocessing *out = manifest.mutable_preprocessing();
    auto integer = [&](StringRef name) -> uint32_t {
      auto attr = getAttr<IntegerAttr>(dictionary, name, "an integer");
      return attr ? static_cast<uint32_t>(attr.getValue().getZExtValue()) : 0;
    };
    auto floats = [&](StringRef name) -> ArrayRef<float> {
      auto attr = getAttr<DenseF32ArrayAttr>(dictionary, name, "an array<f32>");
      return attr ? attr.asArrayRef() : ArrayRef<float>();
    };
    out->set_image_size(integer("image_size"));
    out->set_context_length(integer("context_length"));
    out->set_vocabulary_size(integer("vocabulary_size"));
    out->mutable_mean()->Assign(floats("mean").begin(), floats("mean").end());
    out->mutable_std()->Assign(floats("std").begin(), floats("std").end());
    if (auto hash = getAttr<StringAttr>(dictionary, "tokenizer_sha256", "a string"))
      out->set_tokenizer_sha256(hash.str());
  }

  void setAliases() {
    auto dictionary = getAttr<DictionaryAttr>(module->getAttrDictionary(), "vlp.aliases", "a dictionary");
    for (NamedAttribute item : dictionary ? dictionary.getValue() : ArrayRef<NamedAttribute>()) {
      auto name = dyn_cast<StringAttr>(item.getValue());
      if (name)
        (*manifest.mutable_aliases())[item.getName().str()] = name.str();
      else
        error() << "expected names in 'vlp.aliases', got " << item.getName() << " = " << item.getValue();
    }
  }

  /// Anything else in the module would be lost.
  void checkOps() {
    for (Operation &op : *module.getBody()) {
      if (isa<plan::StateOp, plan::ConstantOp, plan::KernelOp, plan::EntryOp>(op))
        continue;
      op.emitError() << "expected a module of plan ops, got '" << op.getName() << "'; run vlp-plan first";
      ok = false;
    }
  }

  ModuleOp module;
  format::Manifest manifest;
  bool ok = true;
};

/// Fills one program.
class ProgramBuilder {
public:
  explicit ProgramBuilder(ModuleOp module) : module(module) {}

  FailureOr<format::Program> build() {
    for (auto op : module.getOps<plan::KernelOp>())
      addKernel(op);
    for (auto op : module.getOps<plan::EntryOp>())
      addEntry(op, program.add_entries());
    setKernelsHash();
    if (!ok)
      return failure();
    return std::move(program);
  }

private:
  InFlightDiagnostic error() {
    ok = false;
    return module.emitError();
  }

  void addKernel(plan::KernelOp op) {
    llvm::StringMap<uint32_t> functions; // stages of equal suffix are one function
    for (auto stage : op.getStages().getAsRange<plan::StageAttr>()) {
      auto [function, isNew] = functions.try_emplace(stage.getSuffix().getValue(), program.kernels_size());
      stageFunctions[op.getSymName()].push_back(function->second);
      if (!isNew)
        continue;
      format::Kernel *kernel = program.add_kernels();
      kernel->set_name((op.getSymName() + stage.getSuffix().getValue()).str());
      kernel->set_anchor(op.getAnchor().str());
    }
  }

  void addEntry(plan::EntryOp op, format::Entry *out) {
    out->set_name(op.getSymName().str());
    for (auto tensor : op.getInputs().getAsRange<plan::TensorAttr>())
      setTensor(tensor.getName(), tensor.getType(), tensor.getSlot(), out->add_inputs());
    for (auto tensor : op.getOutputs().getAsRange<plan::TensorAttr>())
      setTensor(tensor.getName(), tensor.getType(), tensor.getSlot(), out->add_outputs());
    out->set_arena_size(op.getArenaSize());
    out->set_input_size(op.getInputSize());
    out->set_output_size(op.getOutputSize());
    out->set_writes_state(!op.getFinalState().empty());
    out->set_finite_flag(op.getFiniteFlag().value_or("").str());
    DictionaryAttr options = op.getOptionsAttr();
    for (NamedAttribute item : options ? options.getValue() : ArrayRef<NamedAttribute>()) {
      if (auto integer = dyn_cast<IntegerAttr>(item.getValue()))
        (*out->mutable_options())[item.getName().str()] = integer.getValue().getSExtValue();
      else
        error() << "expected integers in the options of entry '" << op.getSymName() << "', got " << item.getName()
                << " = " << item.getValue();
    }
    for (Operation &inner : op.getBody().front()) {
      if (auto launch = dyn_cast<plan::LaunchOp>(inner))
        setLaunch(launch, out->add_ops()->mutable_launch());
      else if (auto copy = dyn_cast<plan::CopyOp>(inner))
        setCopy(copy, out->add_ops()->mutable_copy());
    }
  }

  void setLaunch(plan::LaunchOp op, format::Launch *out) {
    out->set_kernel(stageFunctions[op.getKernel()][op.getStage()]);
    for (auto slot : op.getArguments().getAsRange<plan::SlotAttr>())
      setSlot(slot, out->add_args());
    auto kernel = SymbolTable::lookupNearestSymbolFrom<plan::KernelOp>(op, op.getKernelAttr());
    for (Attribute name : kernel.getStage(op.getStage()).getArguments().getValue().take_back(op.getWritten()))
      out->add_results(resultType(kernel.getKernel(), cast<StringAttr>(name).getValue()));
    out->set_tasks(op.getTasks());
    out->set_scratch(op.getScratch());
    out->set_layer(op.getLayer().str());
    out->set_flops(op.getFlops().convertToDouble());
    out->set_bytes(op.getBytes().convertToDouble());
    out->set_backward(op.getBackward());
    out->set_threads(op.getThreads());
    out->set_shared(op.getShared());
  }

  /// `name`: of the stage's argument.
  static format::Launch::Result resultType(KernelOp kernel, StringRef name) {
    unsigned index;
    if (!name.consume_front("out") || name.getAsInteger(10, index))
      return format::Launch::OTHER;
    Type element = cast<RankedTensorType>(kernel.getResult(index).getType()).getElementType();
    return element.isF32()    ? format::Launch::FLOAT32
           : element.isBF16() ? format::Launch::BFLOAT16
                              : format::Launch::OTHER;
  }

  static void setCopy(plan::CopyOp op, format::Copy *out) {
    setSlot(op.getSource(), out->mutable_src());
    setSlot(op.getDestination(), out->mutable_dst());
    out->set_layer(op.getLayer().str());
  }

  /// The identity of the set of kernels: their names carry the hash of their structure.
  void setKernelsHash() {
    std::string names;
    for (const format::Kernel &kernel : program.kernels())
      names += kernel.name() + "\n";
    program.set_kernels_sha256(sha256Hex(names));
  }

  ModuleOp module;
  format::Program program;
  /// Kernel symbol -> index in the program of each stage's function.
  llvm::StringMap<SmallVector<uint32_t>> stageFunctions;
  bool ok = true;
};
} // namespace

FailureOr<format::Manifest> vlp::buildManifest(ModuleOp module) { return ManifestBuilder(module).build(); }
FailureOr<format::Program> vlp::buildProgram(ModuleOp module) { return ProgramBuilder(module).build(); }
