// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// LLVM's x86-64 back end and lld.
#include "passes/CPU/ObjectFile.h"

#include "lld/Common/Driver.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"

LLD_HAS_DRIVER(elf)

using namespace mlir;
using namespace vlp;

std::unique_ptr<llvm::TargetMachine> cpu::createMachine(StringRef chip, std::string &error) {
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
  std::string features = chip == "x86-64-v4" ? "-prefer-256-bit" : "";
  return std::unique_ptr<llvm::TargetMachine>(
      backend->createTargetMachine(triple, chip, features, llvm::TargetOptions(), llvm::Reloc::PIC_, std::nullopt,
                                   llvm::CodeGenOptLevel::Aggressive));
}

void cpu::optimise(llvm::Module &module, llvm::TargetMachine &machine) {
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

FailureOr<std::string> cpu::linkObject(llvm::Module &module, llvm::TargetMachine &machine,
                                       llvm::function_ref<void(const std::string &)> error) {
  FailureOr<llvm::SmallVector<char, 0>> object = generateObject(module, machine);
  if (failed(object))
    return error("the code generator cannot write object files"), failure();
  // lld reads and writes files; both are removed in every case.
  llvm::SmallString<128> input, output;
  std::error_code problem;
  int descriptor;
  if ((problem = llvm::sys::fs::createTemporaryFile("vlpc", "o", descriptor, input)))
    return error("expected to create a temporary file for linking, got: " + problem.message()), failure();
  llvm::FileRemover removeInput(input);
  { llvm::raw_fd_ostream(descriptor, /*shouldClose=*/true).write(object->data(), object->size()); }
  if ((problem = llvm::sys::fs::createTemporaryFile("vlpc", "so", output)))
    return error("expected to create a temporary file for linking, got: " + problem.message()), failure();
  llvm::FileRemover removeOutput(output);
  std::string diagnostics;
  llvm::raw_string_ostream log(diagnostics);
  const char *arguments[] = {"ld.lld",      "-shared",         "--no-undefined",   "-z",
                             "noexecstack", "--build-id=none", "--hash-style=gnu", "--strip-all",
                             "-o",          output.c_str(),    input.c_str()};
  lld::Result result = lld::lldMain(arguments, log, log, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return error("linking the kernels failed: " + diagnostics), failure();
  auto buffer = llvm::MemoryBuffer::getFile(output, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return error("expected to read the linked kernels, got: " + buffer.getError().message()), failure();
  return (*buffer)->getBuffer().str();
}
