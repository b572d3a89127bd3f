// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CUDA back end, in process: MLIR to LLVM dialect, O3, PTX, cubin.
#include "passes/CUDA/CompileCUDA.h"
#include "passes/Codegen/Workers.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace vlp;

llvm::ArrayRef<llvm::StringRef> cuda::supportedChips() {
  static const llvm::StringRef chips[] = {"sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"};
  return chips;
}

static LogicalResult lowerToLLVMDialect(ModuleOp module) {
  PassManager passes(module.getContext());
  passes.addPass(createCSEPass());
  passes.addPass(createLoopInvariantCodeMotionPass());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  passes.addPass(createCSEPass());
  return passes.run(module);
}

/// LLVM's default PTX version of each chip assembles in nvJitLink 13.0; a forced one aborts for some.
static std::unique_ptr<llvm::TargetMachine> createMachine(const TargetInfo &target, std::string &error) {
  static const bool initialised = [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    return true;
  }();
  (void)initialised;
  llvm::Triple triple("nvptx64-nvidia-cuda");
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict; // products and sums are fused where the emitter says so
  return std::unique_ptr<llvm::TargetMachine>(backend->createTargetMachine(
      triple, target.chip, "", options, llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

static void optimise(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(module, modules);
}

/// Emitters repeat what is to be repeated. Left alone, ptxas unrolls short loops fully, at the price of registers; the
/// mark becomes .pragma "nounroll".
static void forbidUnrolling(llvm::Module &module) {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    llvm::DominatorTree dominators(function);
    llvm::LoopInfo loops(dominators);
    for (llvm::Loop *loop : loops.getLoopsInPreorder())
      loop->setLoopAlreadyUnrolled();
  }
}

/// Moves constant offsets next to the matrix loads and asynchronous copies that use them, whose instructions add them
/// for nothing. Left in another block, where loop-invariant code goes, each holds a register of its own (the code
/// generator does this for plain accesses only).
static void sinkOffsets(llvm::Module &module) {
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function)) {
      auto *call = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction);
      if (!call)
        continue;
      for (llvm::Use &operand : call->args()) {
        auto *offset = llvm::dyn_cast<llvm::GetElementPtrInst>(operand);
        if (!offset || !offset->hasAllConstantIndices() || offset->getParent() == call->getParent())
          continue;
        llvm::Instruction *copy = offset->clone();
        copy->insertBefore(call->getIterator());
        operand.set(copy);
      }
    }
}

FailureOr<std::unique_ptr<llvm::Module>> cuda::lowerToNVPTX(ModuleOp module, const TargetInfo &target,
                                                            llvm::LLVMContext &context) {
  if (failed(lowerToLLVMDialect(module)))
    return failure();
  std::unique_ptr<llvm::Module> device = translateModuleToLLVMIR(module, context, "kernels");
  if (!device)
    return module.emitError() << "translation of the kernels to LLVM IR failed", failure();
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target, error);
  if (!machine)
    return module.emitError() << "no code generator for NVPTX: " << error, failure();
  device->setTargetTriple(machine->getTargetTriple());
  device->setDataLayout(machine->createDataLayout());
  optimise(*device, *machine);
  sinkOffsets(*device);
  forbidUnrolling(*device);
  return device;
}

llvm::Expected<std::string> cuda::printPTX(llvm::Module &module, const TargetInfo &target) {
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target, error);
  if (!machine)
    return llvm::createStringError("no code generator for NVPTX: " + error);
  for (llvm::Function &function : module)
    if (function.hasFnAttribute(kHideThreads))
      function.removeFnAttr("nvvm.reqntid");
  llvm::SmallVector<char, 0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::AssemblyFile))
    return llvm::createStringError("the NVPTX code generator cannot print PTX");
  passes.run(module);
  return std::string(text.begin(), text.end());
}

FailureOr<std::string> cuda::generatePTX(llvm::Module &module, const TargetInfo &target, Location where) {
  Workers workers(1, [&](StringRef) -> Reply {
    llvm::Expected<std::string> text = printPTX(module, target);
    return text ? Reply{true, std::move(*text)} : Reply{false, llvm::toString(text.takeError())};
  });
  Reply reply;
  workers.submit("", [&](Reply given) { reply = std::move(given); });
  workers.wait();
  if (!reply.ok)
    return emitError(where) << "the kernels cannot be compiled for " << target.chip << ": " << reply.text;
  return std::move(reply.text);
}

FailureOr<cuda::DeviceCode> cuda::compileModule(ModuleOp module, const TargetInfo &target) {
  llvm::LLVMContext context;
  FailureOr<std::unique_ptr<llvm::Module>> device = lowerToNVPTX(module, target, context);
  if (failed(device))
    return failure();
  FailureOr<std::string> ptx = generatePTX(**device, target, module.getLoc());
  if (failed(ptx))
    return failure();
  FailureOr<Cubin> cubin = assemble(*ptx, target.chip, module.getLoc());
  if (failed(cubin))
    return failure();
  return DeviceCode{std::move(*ptx), std::move(*cubin)};
}

void cuda::registerDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, scf::SCFDialect, vector::VectorDialect, LLVM::LLVMDialect, NVVM::NVVMDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}
