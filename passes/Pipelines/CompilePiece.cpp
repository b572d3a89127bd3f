// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels as text to code.
#include "passes/Pipelines/CompilePiece.h"

#include "dialect/Plan/Plan.h"
#include "dialect/VLP/VLP.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "passes/CPU/CompileCPU.h"
#include "passes/CUDA/CompileCUDA.h"
#include "passes/Pipelines/CodeGenerators.h"
#include "passes/Sim/CompileSim.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vlp;

std::string vlp::writePiece(const Piece &piece) {
  return std::to_string(static_cast<int>(piece.kind)) + "\n" + piece.chip + "\n" + piece.matmulTile + "\n" +
         piece.source;
}

static Piece readPiece(StringRef request) {
  auto [kind, rest] = request.split('\n');
  auto [chip, others] = rest.split('\n');
  auto [matmulTile, source] = others.split('\n');
  int number = 0;
  (void)kind.getAsInteger(10, number);
  return {static_cast<Piece::Kind>(number), chip.str(), matmulTile.str(), source.str()};
}

std::string vlp::writeCubin(const cuda::Cubin &cubin) {
  std::string text;
  for (const cuda::KernelStatistics &kernel : cubin.kernels)
    text += llvm::formatv("{0} {1} {2} {3} {4} {5}\n", kernel.name, kernel.registers, kernel.spillStores,
                          kernel.spillLoads, kernel.stack, kernel.staticShared);
  return text + "\n" + cubin.bytes;
}

llvm::Expected<cuda::Cubin> vlp::readCubin(StringRef text) {
  cuda::Cubin cubin;
  for (;;) {
    auto [line, rest] = text.split('\n');
    text = rest;
    if (line.empty())
      break;
    cuda::KernelStatistics kernel;
    llvm::SmallVector<StringRef> words;
    line.split(words, ' ');
    if (words.size() != 6 || words[1].getAsInteger(10, kernel.registers) ||
        words[2].getAsInteger(10, kernel.spillStores) || words[3].getAsInteger(10, kernel.spillLoads) ||
        words[4].getAsInteger(10, kernel.stack) || words[5].getAsInteger(10, kernel.staticShared))
      return llvm::createStringError("expected a name and five numbers of a kernel, got '" + line + "'");
    kernel.name = words[0].str();
    cubin.kernels.push_back(std::move(kernel));
  }
  cubin.bytes = text.str();
  return cubin;
}

namespace {
/// A context of this process's own: what it makes of a text depends on nothing that its parent did before.
class PieceCompiler {
public:
  PieceCompiler() : context(makeRegistry(), MLIRContext::Threading::DISABLED) { context.printOpOnDiagnostic(false); }

  Reply run(const Piece &piece) {
    std::string problems;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
        problems += (problems.empty() ? "" : "; ") + diagnostic.str();
      else
        llvm::errs() << diagnostic << "\n";
    });
    FailureOr<std::string> code = piece.kind == Piece::Kind::Cubin ? assemble(piece) : compile(piece);
    if (succeeded(code))
      return {true, std::move(*code)};
    return {false, problems.empty() ? "the code generator failed without a reason" : problems};
  }

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registry.insert<VLPDialect, plan::PlanDialect>();
    cpu::registerDialects(registry);
    cuda::registerDialects(registry);
    return registry;
  }

  FailureOr<std::string> assemble(const Piece &piece) {
    FailureOr<cuda::Cubin> cubin = cuda::assemble(piece.source, piece.chip, UnknownLoc::get(&context));
    if (failed(cubin))
      return failure();
    return writeCubin(*cubin);
  }

  FailureOr<std::string> compile(const Piece &piece) {
    OwningOpRef<ModuleOp> plan = parseSourceString<ModuleOp>(piece.source, &context);
    if (!plan)
      return failure();
    bool isCpu = piece.kind == Piece::Kind::SharedObject;
    TargetInfo target{isCpu ? "cpu" : "cuda", piece.chip, piece.matmulTile};
    FailureOr<OwningOpRef<ModuleOp>> kernels = emitPlan(*plan, target);
    if (failed(kernels))
      return failure();
    return isCpu ? cpu::compileModule(**kernels, target) : compileForGpu(**kernels, piece, target);
  }

  FailureOr<std::string> compileForGpu(ModuleOp kernels, const Piece &piece, const TargetInfo &target) {
    llvm::LLVMContext llvmContext;
    FailureOr<std::unique_ptr<llvm::Module>> device = cuda::lowerToNVPTX(kernels, target, llvmContext);
    if (failed(device))
      return failure();
    Location where = kernels.getLoc();
    if (piece.kind == Piece::Kind::SimObject)
      return sim::compileModule(**device, [&](const std::string &problem) { emitError(where) << problem; });
    llvm::Expected<std::string> ptx = cuda::printPTX(**device, target);
    if (!ptx)
      return emitError(where) << llvm::toString(ptx.takeError());
    return std::move(*ptx);
  }

  MLIRContext context;
};
} // namespace

Reply vlp::compilePiece(StringRef request) {
  static PieceCompiler compiler;
  return compiler.run(readPiece(request));
}
