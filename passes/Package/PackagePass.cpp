// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pass vlp-package.
#include "passes/Package/Package.h"
#include "passes/Package/Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vlp;

namespace vlp {
#define GEN_PASS_DEF_PACKAGE
#include "passes/Package/Passes.h.inc"
} // namespace vlp

namespace {
struct PackagePass : vlp::impl::PackageBase<PackagePass> {
  using PackageBase::PackageBase;

  void runOnOperation() override {
    FailureOr<CodeBlob> blob = readCode();
    if (failed(blob))
      return signalPassFailure();
    FailureOr<std::string> bytes = packageModel({{getOperation(), *blob}}, {"vlp-opt"});
    if (failed(bytes) || failed(write(*bytes)))
      signalPassFailure();
    markAllAnalysesPreserved();
  }

private:
  FailureOr<CodeBlob> readCode() {
    CodeBlob blob{target, chip, std::vector<std::string>(features.begin(), features.end())};
    if (code.empty())
      return blob;
    auto buffer = llvm::MemoryBuffer::getFile(code);
    if (!buffer)
      return getOperation().emitError() << "expected a shared object in '" << code
                                        << "': " << buffer.getError().message();
    blob.bytes = (*buffer)->getBuffer().str();
    return blob;
  }

  LogicalResult write(StringRef bytes) {
    std::error_code problem;
    llvm::raw_fd_ostream file(output, problem);
    if (!problem)
      file << bytes;
    file.close();
    if (problem || file.has_error()) {
      file.clear_error();
      return getOperation().emitError() << "expected to write '" << output
                                        << "': " << (problem ? problem : file.error()).message();
    }
    return success();
  }
};
} // namespace
