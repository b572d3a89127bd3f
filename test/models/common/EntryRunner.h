// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builds one entry by hand and runs it on the interpreter.
#pragma once

#include "dialect/Interpreter/Interpreter.h"
#include "models/common/ModelBuilder.h"
#include <gtest/gtest.h>

namespace vlp::test {

class EntryRunner {
public:
  EntryRunner() : module(makeModule(context)) {}

  /// Adds the entry "entry" with `ports`, whose results are what `body` returns.
  void build(models::ModelBuilder &b, llvm::ArrayRef<models::Port> ports,
             llvm::function_ref<std::vector<models::Output>()> body) {
    b.beginEntry("entry", ports, {});
    b.endEntry(body());
  }

  std::vector<Array<double>> run(llvm::ArrayRef<Array<double>> inputs) {
    auto results = Interpreter<double>(*module).run("entry", inputs, state);
    EXPECT_TRUE(succeeded(results));
    return failed(results) ? std::vector<Array<double>>() : std::move(*results);
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  State<double> state;

private:
  static mlir::OwningOpRef<mlir::ModuleOp> makeModule(mlir::MLIRContext &context) {
    context.loadDialect<VLPDialect, mlir::func::FuncDialect>();
    return mlir::ModuleOp::create(mlir::UnknownLoc::get(&context));
  }
};

inline Array<double> makeArray(std::vector<int64_t> shape, std::vector<double> values) {
  Array<double> array;
  array.shape.assign(shape.begin(), shape.end());
  array.values = std::move(values);
  return array;
}

inline Array<double> makeInts(std::vector<int64_t> shape, std::vector<int32_t> values) {
  Array<double> array;
  array.shape.assign(shape.begin(), shape.end());
  array.ints = std::move(values);
  return array;
}

} // namespace vlp::test
