// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Canonical text and symbols of kernels.
#include "passes/Kernels/KernelName.h"
#include "passes/Kernels/AnchorKind.h"
#include "runtime/core/Sha256.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vlp;

namespace {
/// Prints a region with values numbered in order of definition.
class CanonicalPrinter {
public:
  explicit CanonicalPrinter(llvm::raw_ostream &os) : os(os) {}

  void print(KernelOp kernel) {
    os << kernel.getAnchor() << '\n';
    for (BlockArgument argument : kernel.getBody().getArguments())
      define(argument);
    os << '\n';
    for (Operation &op : kernel.getBody().front())
      print(op);
  }

private:
  void define(Value value) {
    unsigned number = numbers.size();
    numbers[value] = number;
    os << '%' << number << ':' << value.getType() << ' ';
  }

  void print(Operation &op) {
    for (Value result : op.getResults())
      define(result);
    os << op.getName();
    for (Value operand : op.getOperands())
      os << " %" << numbers.at(operand);
    if (Attribute properties = op.getPropertiesAsAttribute())
      os << ' ' << properties;
    os << '\n'; // discardable attributes are notes of other passes: code does not depend on them
  }

  llvm::raw_ostream &os;
  llvm::DenseMap<Value, unsigned> numbers;
};
} // namespace

std::string vlp::getCanonicalText(KernelOp kernel) {
  std::string text;
  llvm::raw_string_ostream os(text);
  CanonicalPrinter(os).print(kernel);
  return text;
}

/// The op that the kernel is about: its anchor, or the first elementwise op, or the terminator of a copy.
static Operation *getNamingOp(KernelOp kernel) {
  Block &body = kernel.getBody().front();
  for (Operation &op : body)
    if (getAnchorKind(&op) == kernel.getAnchor())
      return &op;
  return body.getTerminator();
}

/// "320x384x128" for a matmul of M x N x K (leading dimensions multiplied), else the shape of the first result.
static std::string getShapeName(KernelOp kernel) {
  Operation *op = getNamingOp(kernel);
  Type type = op->getNumResults() ? op->getResult(0).getType() : kernel.getResult(0).getType();
  SmallVector<int64_t> shape(cast<RankedTensorType>(type).getShape());
  if (isa<LinearOp, MatmulOp>(op)) {
    int64_t columns = shape.pop_back_val(), rows = 1;
    for (int64_t size : shape)
      rows *= size;
    auto lhs = cast<RankedTensorType>(op->getOperand(0).getType());
    shape = {rows, columns, rows && lhs.getNumElements() ? lhs.getNumElements() / rows : 0};
  }
  if (shape.empty())
    return "scalar";
  return llvm::join(llvm::map_range(shape, [](int64_t size) { return std::to_string(size); }), "x");
}

std::string vlp::getKernelSymbol(KernelOp kernel) {
  return (kernel.getAnchor() + "_" + getShapeName(kernel) + "_").str() +
         sha256Hex(getCanonicalText(kernel)).substr(0, 8);
}
