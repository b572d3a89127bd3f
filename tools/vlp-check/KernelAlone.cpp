// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A kernel as a function of its operands.
#include "tools/vlp-check/KernelAlone.h"

#include "mlir/IR/IRMapping.h"
#include "models/common/Architecture.h"
#include <cmath>

using namespace mlir;
using namespace vlp;
using namespace vlp::tools;

double tools::getDistance(const Array<double> &a, const Array<double> &b) {
  double sum = 0;
  for (auto [x, y] : llvm::zip_equal(a.values, b.values))
    if (x != y) // equal infinities, as masks have, are no distance apart
      sum += (x - y) * (x - y);
  return std::sqrt(sum);
}

static OwningOpRef<ModuleOp> makeFunction(KernelOp kernel) {
  OpBuilder builder(kernel.getContext());
  OwningOpRef<ModuleOp> module = ModuleOp::create(kernel.getLoc());
  builder.setInsertionPointToEnd(module->getBody());
  auto type = builder.getFunctionType(kernel.getOperandTypes(), kernel.getResultTypes());
  auto function = func::FuncOp::create(builder, kernel.getLoc(), "kernel", type);
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  Operation *copy = builder.clone(*kernel);
  copy->setOperands(body->getArguments());
  func::ReturnOp::create(builder, kernel.getLoc(), copy->getResults());
  return module;
}

template <typename T>
static llvm::Expected<std::vector<Array<T>>> run(ModuleOp module, ArrayRef<Array<double>> operands) {
  std::vector<Array<T>> arguments;
  for (const Array<double> &operand : operands)
    arguments.push_back(convert<T>(operand));
  FailureOr<std::vector<Array<T>>> results = Interpreter<T>(module).run("kernel", arguments);
  if (failed(results))
    return models::makeError("the reference interpreter failed on a kernel");
  return std::move(*results);
}

llvm::Expected<KernelReference> tools::runAlone(KernelOp kernel, ArrayRef<Array<double>> operands) {
  OwningOpRef<ModuleOp> module = makeFunction(kernel);
  auto exact = run<double>(*module, operands);
  if (!exact)
    return exact.takeError();
  auto rounded = run<float>(*module, operands);
  if (!rounded)
    return rounded.takeError();
  KernelReference reference;
  for (auto [result, other] : llvm::zip_equal(*exact, *rounded))
    reference.noise.push_back(getDistance(result, convert<double>(other)));
  reference.results = std::move(*exact);
  return reference;
}
