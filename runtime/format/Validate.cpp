// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The checks of validateManifest, one function a part of the manifest.
#include "runtime/format/Validate.h"

#include "runtime/format/KernelABI.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

namespace vlp::format {

/// No region is larger: keeps every sum of offset and size in 64 bits.
static constexpr uint64_t kLargestRegion = uint64_t(1) << 48;
/// Shared memory of a block on the largest chip.
static constexpr uint64_t kLargestShared = 227 << 10;
/// A view into a larger tensor may start at any element.
static constexpr uint64_t kViewAlignment = 4;

uint64_t constantsSize(const Manifest &manifest) {
  for (const Section &section : manifest.sections())
    if (section.name() == kConstantsSection)
      return section.size();
  return 0;
}

bool countElements(const google::protobuf::RepeatedField<int64_t> &shape, uint64_t &count) {
  count = 1;
  for (int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(count, uint64_t(extent), &count) || count >> 62 != 0)
      return false;
  return true;
}

namespace {

/// Region sizes as one entry sees them, or as state sees them outside of any entry (arena, input and output empty).
struct Regions {
  uint64_t sizes[5] = {0, 0, 0, 0, 0};
};

class Validator {
public:
  explicit Validator(const Manifest &manifest) : manifest(manifest) {
    shared.sizes[STATE] = manifest.state_bytes();
    shared.sizes[CONSTANTS] = constantsSize(manifest);
  }

  std::string run() {
    if (manifest.state_bytes() > kLargestRegion)
      return "the state is said to have " + std::to_string(manifest.state_bytes()) + " bytes";
    if (auto problem = checkNames(); !problem.empty())
      return problem;
    if (auto problem = checkState(); !problem.empty())
      return problem;
    for (const Program &program : manifest.programs())
      if (auto problem = checkProgram(program); !problem.empty())
        return "program " + program.target() + ":" + program.chip() + ": " + problem;
    return "";
  }

private:
  template <typename Items, typename Name>
  static std::string checkUnique(const Items &items, const char *what, Name nameOf) {
    std::set<std::string> seen;
    for (const auto &item : items) {
      const std::string &name = nameOf(item);
      if (name.empty() || name.find('\0') != std::string::npos)
        return std::string(what) + " without a proper name";
      if (!seen.insert(name).second)
        return std::string("two of kind ") + what + " are called '" + name + "'";
    }
    return "";
  }

  std::string checkNames() {
    auto plain = [](const auto &item) -> const std::string & { return item.name(); };
    if (auto problem = checkUnique(manifest.sections(), "section", plain); !problem.empty())
      return problem;
    auto tensorName = [](const StateTensor &item) -> const std::string & { return item.tensor().name(); };
    return checkUnique(manifest.state(), "state tensor", tensorName);
  }

  /// Sections exist; all programs have the same entries, since callers know them by name and shape alone.
  std::string checkProgram(const Program &program) {
    auto plain = [](const auto &item) -> const std::string & { return item.name(); };
    if (program.section() >= uint32_t(manifest.sections_size()) ||
        program.ptx_section() > uint32_t(manifest.sections_size()))
      return "its code lies in section " + std::to_string(std::max(program.section(), program.ptx_section())) +
             ", but there are " + std::to_string(manifest.sections_size());
    if (auto problem = checkUnique(program.entries(), "entry", plain); !problem.empty())
      return problem;
    if (auto problem = checkUnique(program.kernels(), "kernel", plain); !problem.empty())
      return problem;
    const Program &first = manifest.programs(0);
    bool same = first.entries_size() == program.entries_size();
    for (int i = 0; same && i < program.entries_size(); ++i)
      same = sameInterface(first.entries(i), program.entries(i));
    if (!same)
      return "its entries differ from those of " + first.target() + ":" + first.chip();
    for (const Entry &entry : program.entries())
      if (auto problem = checkEntry(entry, program); !problem.empty())
        return "entry '" + entry.name() + "': " + problem;
    return "";
  }

  static bool sameTensors(const google::protobuf::RepeatedPtrField<Tensor> &a,
                          const google::protobuf::RepeatedPtrField<Tensor> &b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Tensor &x, const Tensor &y) { return x.SerializeAsString() == y.SerializeAsString(); });
  }
  static bool sameInterface(const Entry &a, const Entry &b) {
    return a.name() == b.name() && a.writes_state() == b.writes_state() && a.finite_flag() == b.finite_flag() &&
           sameTensors(a.inputs(), b.inputs()) && sameTensors(a.outputs(), b.outputs());
  }

  static std::string checkSlot(const Slot &slot, const Regions &regions, uint64_t alignment) {
    if (!Region_IsValid(slot.region()))
      return "unknown memory region " + std::to_string(int(slot.region()));
    uint64_t size = regions.sizes[slot.region()];
    if (slot.offset() % alignment != 0)
      return "offset " + std::to_string(slot.offset()) + " is not a multiple of " + std::to_string(alignment);
    if (slot.offset() > size || slot.size() > size - slot.offset())
      return "bytes " + std::to_string(slot.offset()) + " + " + std::to_string(slot.size()) + " of region " +
             Region_Name(slot.region()) + ", which has " + std::to_string(size);
    return "";
  }

  static std::string checkTensor(const Tensor &tensor, Region region, const Regions &regions) {
    std::string where = "tensor '" + tensor.name() + "': ";
    if (!DType_IsValid(tensor.dtype()))
      return where + "unknown element type " + std::to_string(int(tensor.dtype()));
    uint64_t count;
    if (!countElements(tensor.shape(), count))
      return where + "a shape that no memory holds";
    if (tensor.slot().region() != region)
      return where + "expected it in region " + Region_Name(region);
    if (tensor.slot().size() != count * 4)
      return where + "its shape needs " + std::to_string(count * 4) + " bytes, its slot has " +
             std::to_string(tensor.slot().size());
    if (auto problem = checkSlot(tensor.slot(), regions, VLP_SLOT_ALIGNMENT); !problem.empty())
      return where + problem;
    return "";
  }

  /// Tensors that are written on their own must not share bytes.
  static std::string checkApart(std::vector<const Tensor *> tensors) {
    std::sort(tensors.begin(), tensors.end(),
              [](const Tensor *a, const Tensor *b) { return a->slot().offset() < b->slot().offset(); });
    const Tensor *last = nullptr;
    for (const Tensor *tensor : tensors) {
      if (tensor->slot().size() == 0)
        continue;
      if (last && last->slot().offset() + last->slot().size() > tensor->slot().offset())
        return "tensors '" + last->name() + "' and '" + tensor->name() + "' overlap";
      last = tensor;
    }
    return "";
  }

  std::string checkState() {
    std::vector<const Tensor *> tensors;
    for (const StateTensor &state : manifest.state()) {
      const Tensor &tensor = state.tensor();
      tensors.push_back(&tensor);
      if (auto problem = checkTensor(tensor, STATE, shared); !problem.empty())
        return "state " + problem;
      std::string where = "state tensor '" + tensor.name() + "': ";
      if (!StateTensor::Kind_IsValid(state.kind()) || !Initializer::Kind_IsValid(state.init().kind()))
        return where + "unknown kind or initialiser";
      bool counter = state.kind() == StateTensor::COUNTER, scalar = state.kind() == StateTensor::SCALAR;
      if ((counter && tensor.dtype() != I32) || (scalar && tensor.dtype() != F32) ||
          ((counter || scalar) && tensor.slot().size() != 4))
        return where + "a counter is one i32, a scalar one f32";
      if (tensor.dtype() != F32 && state.init().kind() != Initializer::CONSTANT)
        return where + "random values of an integer tensor";
      if (!std::isfinite(state.init().a()) || !std::isfinite(state.init().b()) ||
          (tensor.dtype() == I32 && std::fabs(state.init().a()) > 2147483647.0))
        return where + "an initialiser that is no number of its type";
    }
    if (auto problem = checkTwins(); !problem.empty())
      return problem;
    return checkApart(tensors);
  }

  /// A twin starts as a parameter of its size, which is no twin.
  std::string checkTwins() {
    std::map<std::string, const StateTensor *> byName;
    for (const StateTensor &state : manifest.state())
      byName[state.tensor().name()] = &state;
    for (const StateTensor &state : manifest.state()) {
      if (state.twin_of().empty())
        continue;
      auto original = byName.find(state.twin_of());
      if (original == byName.end() || !original->second->twin_of().empty() ||
          original->second->kind() != StateTensor::PARAMETER ||
          original->second->tensor().slot().size() != state.tensor().slot().size())
        return "state tensor '" + state.tensor().name() + "': a twin of '" + state.twin_of() +
               "', which is no parameter of its size";
    }
    return "";
  }

  /// What an op writes must be memory that it may write.
  static std::string checkWritten(const Slot &slot, const Entry &entry) {
    if (slot.region() == CONSTANTS || slot.region() == INPUT)
      return std::string("it writes to read-only region ") + Region_Name(slot.region());
    if (slot.region() == STATE && !entry.writes_state())
      return "it writes state in an entry that is said not to";
    return "";
  }

  static std::string checkLaunch(const Launch &launch, const Entry &entry, const Program &program,
                                 const Regions &regions) {
    if (launch.kernel() >= uint32_t(program.kernels_size()))
      return "kernel " + std::to_string(launch.kernel()) + " of " + std::to_string(program.kernels_size());
    if ((program.target() == "cpu") != (launch.threads() == 0) || launch.threads() > 1024 ||
        launch.shared() > kLargestShared)
      return "blocks of " + std::to_string(launch.threads()) + " threads and " + std::to_string(launch.shared()) +
             " bytes of shared memory on target " + program.target();
    if (launch.results_size() > launch.args_size())
      return std::to_string(launch.results_size()) + " results among " + std::to_string(launch.args_size()) +
             " arguments";
    for (int type : launch.results())
      if (!Launch::Result_IsValid(type))
        return "a result of unknown type " + std::to_string(type);
    if (launch.tasks() < 0)
      return "a negative number of tasks";
    if (program.target() != "cpu" && launch.tasks() > INT32_MAX)
      return std::to_string(launch.tasks()) + " blocks, a grid has at most 2147483647";
    if (launch.scratch() > kLargestRegion)
      return "scratch of " + std::to_string(launch.scratch()) + " bytes";
    for (int i = 0; i < launch.args_size(); ++i) {
      auto problem = checkSlot(launch.args(i), regions, kViewAlignment);
      if (problem.empty() && i >= launch.args_size() - launch.results_size())
        problem = checkWritten(launch.args(i), entry);
      if (!problem.empty())
        return "argument " + std::to_string(i) + ": " + problem;
    }
    return "";
  }

  static std::string checkCopy(const Copy &copy, const Entry &entry, const Regions &regions) {
    if (auto problem = checkSlot(copy.src(), regions, kViewAlignment); !problem.empty())
      return "source: " + problem;
    if (auto problem = checkSlot(copy.dst(), regions, kViewAlignment); !problem.empty())
      return "destination: " + problem;
    if (copy.src().size() != copy.dst().size())
      return "a copy of " + std::to_string(copy.src().size()) + " bytes to " + std::to_string(copy.dst().size());
    uint64_t from = copy.src().offset(), to = copy.dst().offset();
    if (copy.src().region() == copy.dst().region() && from != to &&
        std::max(from, to) - std::min(from, to) < copy.src().size())
      return "a copy whose source and destination overlap";
    return checkWritten(copy.dst(), entry);
  }

  std::string checkInterface(const Entry &entry, const Regions &regions) {
    auto plain = [](const Tensor &item) -> const std::string & { return item.name(); };
    if (auto problem = checkUnique(entry.inputs(), "input", plain); !problem.empty())
      return problem;
    if (auto problem = checkUnique(entry.outputs(), "output", plain); !problem.empty())
      return problem;
    std::vector<const Tensor *> inputs;
    for (const Tensor &tensor : entry.inputs()) {
      inputs.push_back(&tensor);
      if (auto problem = checkTensor(tensor, INPUT, regions); !problem.empty())
        return "input " + problem;
    }
    bool flagFound = entry.finite_flag().empty();
    for (const Tensor &tensor : entry.outputs()) {
      if (auto problem = checkTensor(tensor, OUTPUT, regions); !problem.empty())
        return "output " + problem;
      flagFound |= tensor.name() == entry.finite_flag() && tensor.dtype() == I32 && tensor.slot().size() == 4;
    }
    if (!flagFound)
      return "its flag '" + entry.finite_flag() + "' is not one i32 among the outputs";
    return checkApart(inputs);
  }

  std::string checkEntry(const Entry &entry, const Program &program) {
    Regions regions = shared;
    regions.sizes[ARENA] = entry.arena_size();
    regions.sizes[INPUT] = entry.input_size();
    regions.sizes[OUTPUT] = entry.output_size();
    for (Region region : {ARENA, INPUT, OUTPUT})
      if (regions.sizes[region] > kLargestRegion)
        return std::string("region ") + Region_Name(region) + " is said to have " +
               std::to_string(regions.sizes[region]) + " bytes";
    if (auto problem = checkInterface(entry, regions); !problem.empty())
      return problem;
    for (int i = 0; i < entry.ops_size(); ++i) {
      const Op &op = entry.ops(i);
      std::string problem = op.has_launch() ? checkLaunch(op.launch(), entry, program, regions)
                            : op.has_copy() ? checkCopy(op.copy(), entry, regions)
                                            : "neither launch nor copy";
      if (!problem.empty())
        return "op " + std::to_string(i) + ": " + problem;
    }
    return "";
  }

  const Manifest &manifest;
  Regions shared;
};

} // namespace

std::string validateManifest(const Manifest &manifest) { return Validator(manifest).run(); }

} // namespace vlp::format
