// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// MLIR diagnostics as the tools' users see them.
#pragma once

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

namespace vlp::tools {

/// While it lives, errors and warnings of `context` go to stderr, one line each: "error: LAYER or FILE:LINE: message",
/// notes indented below. Remarks are dropped.
class DiagnosticPrinter {
public:
  explicit DiagnosticPrinter(mlir::MLIRContext *context);

  unsigned getErrors() const { return errors; }
  unsigned getWarnings() const { return warnings; }

private:
  void print(mlir::Diagnostic &diagnostic);

  mlir::ScopedDiagnosticHandler handler;
  unsigned errors = 0, warnings = 0;
};

} // namespace vlp::tools
