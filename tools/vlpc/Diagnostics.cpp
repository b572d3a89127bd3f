// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// MLIR diagnostics as the tools' users see them.
#include "tools/vlpc/Diagnostics.h"

#include "dialect/Interfaces/Interfaces.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;

/// "visual.ln_pre: ", "model.mlir:3:5: " or nothing.
static std::string describe(Location location) {
  if (std::string layer = getLayerName(location); !layer.empty())
    return layer + ": ";
  if (auto file = location->findInstanceOf<FileLineColLoc>())
    return (file.getFilename().getValue() + ":" + llvm::Twine(file.getLine()) + ":" + llvm::Twine(file.getColumn()) +
            ": ")
        .str();
  return "";
}

DiagnosticPrinter::DiagnosticPrinter(MLIRContext *context)
    : handler(context, [this](Diagnostic &diagnostic) { print(diagnostic); }) {}

void DiagnosticPrinter::print(Diagnostic &diagnostic) {
  bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
  if (!isError && diagnostic.getSeverity() != DiagnosticSeverity::Warning)
    return;
  ++(isError ? errors : warnings);
  llvm::errs() << (isError ? "error: " : "warning: ") << describe(diagnostic.getLocation()) << diagnostic.str() << "\n";
  for (Diagnostic &note : diagnostic.getNotes())
    llvm::errs() << "  note: " << describe(note.getLocation()) << note.str() << "\n";
}
