// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CPU back end, in process: MLIR to LLVM dialect, O3, object code, lld.
#include "passes/CPU/CompileCPU.h"

#include "lld/Common/Driver.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

LLD_HAS_DRIVER(elf)

using namespace mlir;
using namespace vlp;

llvm::ArrayRef<llvm::StringRef> cpu::supportedChips() {
  static const llvm::StringRef chips[] = {"x86-64-v3", "x86-64-v4"};
  return chips;
}

llvm::SmallVector<std::string> cpu::requiredFeatures(llvm::StringRef chip) {
  llvm::SmallVector<std::string> features = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"};
  if (chip == "x86-64-v4")
    features.append({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"});
  return features;
}

std::string cpu::hostChip() {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  return host.lookup("avx512f") && host.lookup("avx512bw") && host.lookup("avx512dq") && host.lookup("avx512vl") &&
                 host.lookup("avx512cd")
             ? "x86-64-v4"
             : "x86-64-v3";
}

static LogicalResult lowerToLLVMDialect(ModuleOp module) {
  PassManager passes(module.getContext());
  passes.addPass(createCSEPass());
  passes.addPass(createLoopInvariantCodeMotionPass());
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  passes.addPass(createCSEPass());
  return passes.run(module);
}

static std::unique_ptr<llvm::TargetMachine> createMachine(const TargetInfo &target, std::string &error) {
  static const bool initialised = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)initialised;
  llvm::Triple triple("x86_64-unknown-linux-gnu");
  const llvm::Target *backend = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!backend)
    return nullptr;
  // Wide vectors everywhere: LLVM's default for AVX-512 chips prefers 256 bits, which would split every tile.
  std::string features = target.chip == "x86-64-v4" ? "-prefer-256-bit" : "";
  return std::unique_ptr<llvm::TargetMachine>(backend->createTargetMachine(
      triple, target.chip, features, llvm::TargetOptions(), llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

/// O3 without library calls (a kernel has nothing to call) and without the vectorisers (kernels are vectors already).
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
  llvm::TargetLibraryInfoImpl library(module.getTargetTriple());
  library.disableAllFunctions();
  functions.registerPass([&] { return llvm::TargetLibraryAnalysis(library); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(module, modules);
}

static FailureOr<llvm::SmallVector<char, 0>> generateObject(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return failure();
  passes.run(module);
  return object;
}

/// Links one object with lld, through two temporary files that are removed in every case.
static FailureOr<std::string> linkShared(ModuleOp module, llvm::ArrayRef<char> object) {
  llvm::SmallString<128> input, output;
  std::error_code error;
  int descriptor;
  if ((error = llvm::sys::fs::createTemporaryFile("vlpc", "o", descriptor, input)))
    return module.emitError() << "expected to create a temporary file for linking, got: " << error.message(), failure();
  llvm::FileRemover removeInput(input);
  { llvm::raw_fd_ostream(descriptor, /*shouldClose=*/true).write(object.data(), object.size()); }
  if ((error = llvm::sys::fs::createTemporaryFile("vlpc", "so", output)))
    return module.emitError() << "expected to create a temporary file for linking, got: " << error.message(), failure();
  llvm::FileRemover removeOutput(output);
  std::string diagnostics;
  llvm::raw_string_ostream log(diagnostics);
  const char *arguments[] = {"ld.lld", "-shared",       "--no-undefined", "-z", "noexecstack", "--build-id=none",
                             "--hash-style=gnu", "--strip-all", "-o", output.c_str(), input.c_str()};
  lld::Result result = lld::lldMain(arguments, log, log, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return module.emitError() << "linking the kernels failed: " << log.str(), failure();
  auto buffer = llvm::MemoryBuffer::getFile(output, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return module.emitError() << "expected to read the linked kernels, got: " << buffer.getError().message(), failure();
  return (*buffer)->getBuffer().str();
}

FailureOr<std::string> cpu::compileModule(ModuleOp module, const TargetInfo &target, std::string *llvmText) {
  if (failed(lowerToLLVMDialect(module)))
    return failure();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> llvmModule = translateModuleToLLVMIR(module, context, "kernels");
  if (!llvmModule)
    return module.emitError() << "translation of the kernels to LLVM IR failed", failure();
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target, error);
  if (!machine)
    return module.emitError() << "no code generator for x86-64: " << error, failure();
  llvmModule->setTargetTriple(machine->getTargetTriple());
  llvmModule->setDataLayout(machine->createDataLayout());
  for (llvm::Function &function : *llvmModule) {
    function.addFnAttr("target-cpu", target.chip);
    if (target.chip == "x86-64-v4")
      function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
  optimise(*llvmModule, *machine);
  if (llvmText) {
    llvm::raw_string_ostream stream(*llvmText);
    llvmModule->print(stream, nullptr);
  }
  FailureOr<llvm::SmallVector<char, 0>> object = generateObject(*llvmModule, *machine);
  if (failed(object))
    return module.emitError() << "the code generator cannot write object files", failure();
  return linkShared(module, *object);
}

void cpu::registerDialects(DialectRegistry &registry) {
  registry.insert<func::FuncDialect, arith::ArithDialect, scf::SCFDialect, vector::VectorDialect, LLVM::LLVMDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}
