// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The CPU back end, in process: MLIR to LLVM dialect, O3, object code, lld.
#include "passes/CPU/CompileCPU.h"
#include "passes/CPU/ObjectFile.h"

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
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/TargetParser/Host.h"

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

FailureOr<std::string> cpu::compileModule(ModuleOp module, const TargetInfo &target, std::string *llvmText) {
  if (failed(lowerToLLVMDialect(module)))
    return failure();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> llvmModule = translateModuleToLLVMIR(module, context, "kernels");
  if (!llvmModule)
    return module.emitError() << "translation of the kernels to LLVM IR failed", failure();
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target.chip, error);
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
  return linkObject(*llvmModule, *machine, [&](const std::string &problem) { module.emitError() << problem; });
}

void cpu::registerDialects(DialectRegistry &registry) {
  registry.insert<func::FuncDialect, arith::ArithDialect, scf::SCFDialect, vector::VectorDialect, LLVM::LLVMDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}
