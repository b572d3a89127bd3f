// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// NVPTX IR to an x86 shared object: each kernel twice, and the tables of runtime/format/SimABI.h.
#include "passes/Sim/CompileSim.h"
#include "passes/CPU/ObjectFile.h"
#include "passes/Sim/Retarget.h"
#include "passes/Sim/SortSites.h"

#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/ModuleSlotTracker.h"
#include "llvm/IR/ReplaceConstant.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Transforms/Utils/Cloning.h"
#include "llvm/Transforms/Utils/LowerMemIntrinsics.h"

using namespace vlp;
using llvm::StringRef;
using llvm::Value;

namespace {

class ModuleRetargeter {
public:
  explicit ModuleRetargeter(llvm::Module &module, llvm::TargetMachine &machine)
      : module(module), machine(machine), b(module.getContext()) {}

  std::set<std::string> unsupported;

  void run() {
    std::vector<llvm::Function *> kernels;
    for (llvm::Function &function : module)
      if (!function.isDeclaration())
        kernels.push_back(&function);
    replaceConstants();
    for (llvm::Function *kernel : kernels)
      expandMemoryIntrinsics(*kernel);
    numberSites(kernels);
    llvm::StripDebugInfo(module); // the copies would need scopes of their own
    for (llvm::Function *kernel : kernels)
      addKernel(*kernel);
    removeOriginals(kernels);
    addTable();
  }

private:
  struct Entry {
    std::string name;
    llvm::Function *plain, *checked;
    uint32_t parameters, threads;
    bool communicates;
  };

  /// Dynamic shared memory is the one global that kernels may have; it becomes a field of the context, so that no
  /// constant may use it.
  void replaceConstants() {
    llvm::SmallVector<llvm::Constant *> globals;
    for (llvm::GlobalVariable &global : module.globals()) {
      if (global.getAddressSpace() != 3 || !global.isDeclaration())
        unsupported.insert("static memory '" + global.getName().str() + "'");
      globals.push_back(&global);
    }
    llvm::convertUsersOfConstantsToInstructions(globals);
  }

  /// memset and its kin, which the optimiser makes of loops, become loops again.
  void expandMemoryIntrinsics(llvm::Function &kernel) {
    llvm::SmallVector<llvm::MemIntrinsic *> work;
    for (llvm::Instruction &instruction : llvm::instructions(kernel))
      if (auto *intrinsic = llvm::dyn_cast<llvm::MemIntrinsic>(&instruction))
        work.push_back(intrinsic);
    llvm::TargetTransformInfo info = machine.getTargetTransformInfo(kernel);
    for (llvm::MemIntrinsic *intrinsic : work) {
      if (auto *set = llvm::dyn_cast<llvm::MemSetInst>(intrinsic))
        llvm::expandMemSetAsLoop(set);
      else if (auto *copy = llvm::dyn_cast<llvm::MemCpyInst>(intrinsic))
        llvm::expandMemCpyAsLoop(copy, info);
      else if (!llvm::expandMemMoveAsLoop(llvm::cast<llvm::MemMoveInst>(intrinsic), info))
        continue; // refused by name later
      intrinsic->eraseFromParent();
    }
  }

  /// Both variants of a kernel, and the engine's findings, name an instruction by the same number.
  void numberSites(llvm::ArrayRef<llvm::Function *> kernels) {
    llvm::ModuleSlotTracker slots(&module);
    for (llvm::Function *kernel : kernels) {
      slots.incorporateFunction(*kernel);
      for (llvm::Instruction &instruction : llvm::instructions(*kernel)) {
        if (!llvm::isa<llvm::CallInst, llvm::FPTruncInst>(instruction) && !instruction.mayReadOrWriteMemory())
          continue;
        sim::setSite(instruction, sites.size());
        sites.push_back(describe(instruction, slots));
      }
    }
  }

  static std::string describe(llvm::Instruction &instruction, llvm::ModuleSlotTracker &slots) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    instruction.print(stream, slots);
    text = StringRef(text).ltrim().take_until([](char c) { return c == '!'; }).rtrim(", ").take_front(120).str();
    if (const llvm::DebugLoc &location = instruction.getDebugLoc())
      text += " (" + location->getFilename().str() + ":" + std::to_string(location->getLine()) + ")";
    return text;
  }

  void addKernel(llvm::Function &kernel) {
    Entry entry;
    entry.name = kernel.getName().str();
    entry.parameters = kernel.arg_size();
    entry.threads = 0;
    (void)kernel.getFnAttribute("nvvm.reqntid").getValueAsString().getAsInteger(10, entry.threads);
    sim::Retargeter plain(kernel, /*checked=*/false, unsupported), checked(kernel, /*checked=*/true, unsupported);
    entry.plain = plain.run();
    entry.checked = checked.run();
    entry.communicates = plain.communicates();
    entries.push_back(std::move(entry));
  }

  void removeOriginals(llvm::ArrayRef<llvm::Function *> kernels) {
    for (llvm::Function *kernel : kernels)
      kernel->eraseFromParent();
    if (llvm::NamedMDNode *annotations = module.getNamedMetadata("nvvm.annotations"))
      annotations->eraseFromParent();
    for (llvm::GlobalVariable &global : llvm::make_early_inc_range(module.globals()))
      if (global.isDeclaration() && global.use_empty())
        global.eraseFromParent();
    for (llvm::Function &function : llvm::make_early_inc_range(module))
      if (function.isDeclaration() && function.use_empty())
        function.eraseFromParent();
  }

  llvm::Constant *text(StringRef value) { return b.CreateGlobalString(value, "", 0, &module); }

  llvm::Constant *array(llvm::Type *element, llvm::ArrayRef<llvm::Constant *> values) {
    auto *type = llvm::ArrayType::get(element, values.size());
    return new llvm::GlobalVariable(module, type, true, llvm::GlobalValue::PrivateLinkage,
                                    llvm::ConstantArray::get(type, values));
  }

  /// A bound of the section that the code generator fills; zero where there is none.
  llvm::Constant *sectionBound(StringRef name) {
    auto *symbol =
        new llvm::GlobalVariable(module, b.getInt8Ty(), true, llvm::GlobalValue::ExternalWeakLinkage, nullptr, name);
    symbol->setVisibility(llvm::GlobalValue::HiddenVisibility);
    return symbol;
  }

  void addTable() {
    llvm::Type *i32 = b.getInt32Ty(), *pointer = b.getPtrTy();
    auto *kernelType = llvm::StructType::get(b.getContext(), {pointer, pointer, pointer, i32, i32, i32});
    llvm::SmallVector<llvm::Constant *> kernels, texts;
    auto number = [&](uint32_t value) { return b.getInt32(value); };
    for (const Entry &entry : entries)
      kernels.push_back(
          llvm::ConstantStruct::get(kernelType, {text(entry.name), entry.plain, entry.checked, number(entry.parameters),
                                                 number(entry.threads), number(entry.communicates)}));
    for (const std::string &each : sites)
      texts.push_back(text(each));
    auto *table = llvm::ConstantStruct::getAnon(
        {number(VLP_SIM_VERSION), number(kernels.size()), array(kernelType, kernels), number(texts.size()),
         array(pointer, texts), sectionBound("__start_vlp_sites"), sectionBound("__stop_vlp_sites")});
    new llvm::GlobalVariable(module, table->getType(), true, llvm::GlobalValue::ExternalLinkage, table,
                             "vlp_sim_module");
  }

  llvm::Module &module;
  llvm::TargetMachine &machine;
  llvm::IRBuilder<> b;
  std::vector<Entry> entries;
  std::vector<std::string> sites;
};

} // namespace

llvm::FailureOr<std::string> sim::compileModule(const llvm::Module &device,
                                                llvm::function_ref<void(const std::string &)> error) {
  std::unique_ptr<llvm::Module> module = llvm::CloneModule(device);
  std::string problem;
  std::unique_ptr<llvm::TargetMachine> machine = cpu::createMachine("x86-64-v3", problem);
  if (!machine) {
    error("no code generator for x86-64: " + problem);
    return llvm::failure();
  }
  module->setTargetTriple(machine->getTargetTriple());
  module->setDataLayout(machine->createDataLayout());
  ModuleRetargeter retargeter(*module, *machine);
  retargeter.run();
  if (!retargeter.unsupported.empty()) {
    std::string names;
    for (const std::string &name : retargeter.unsupported)
      names += (names.empty() ? "" : ", ") + name;
    error("the simulator does not know " + names);
    return llvm::failure();
  }
  llvm::raw_string_ostream stream(problem);
  if (llvm::verifyModule(*module, &stream)) {
    error("the retargeted kernels are invalid: " + StringRef(problem).split('\n').first.str());
    return llvm::failure();
  }
  cpu::optimise(*module, *machine);
  llvm::FailureOr<std::string> object = cpu::linkObject(*module, *machine, error);
  if (failed(object))
    return llvm::failure();
  if (llvm::Error unsorted = sortSites(*object))
    return error(llvm::toString(std::move(unsorted))), llvm::failure();
  return object;
}
