// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Inputs, reference results and comparison of kernel cases.
#include "test/passes/Kernels/PreparedCase.h"

#include "dialect/Interpreter/Interpreter.h"
#include "dialect/VLP/ReferenceSupport.h"
#include "mlir/Parser/Parser.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace vlp;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static std::vector<Array<double>> drawInputs(KernelOp kernel, const test::KernelCase &c) {
  std::mt19937 random(7);
  std::vector<Array<double>> inputs;
  for (auto [i, operand] : llvm::enumerate(kernel.getInputs())) {
    Array<double> array(typeOf(operand));
    for (int32_t &value : array.ints)
      value = static_cast<int32_t>(random() % c.integers);
    for (double &value : array.values) {
      double unit = random() / 4294967296.0;
      value = c.positive ? c.range * (unit + 1e-3) : c.range * (2 * unit - 1);
    }
    if (auto given = c.given.find(i); given != c.given.end()) {
      EXPECT_EQ(static_cast<int64_t>(given->second.size()), array.size()) << "elements given for input " << i;
      if (array.isInteger())
        array.ints.assign(given->second.begin(), given->second.end());
      else
        array.values = given->second;
    }
    for (double &value : array.values) {
      value = static_cast<float>(value);
      if (typeOf(operand).getElementType().isBF16())
        value = roundToBF16(static_cast<float>(value));
    }
    inputs.push_back(std::move(array));
  }
  return inputs;
}

test::PreparedCase test::prepare(const KernelCase &c, MLIRContext &context) {
  PreparedCase prepared;
  prepared.module = parseSourceString<ModuleOp>(moduleText(c), &context);
  if (!prepared.module) {
    ADD_FAILURE() << "the case does not parse";
    return prepared;
  }
  KernelOp kernel;
  prepared.module->walk([&](KernelOp op) { kernel = op; });
  prepared.inputs = drawInputs(kernel, c);
  Interpreter<double> interpreter(*prepared.module);
  auto expected = interpreter.run("k", prepared.inputs);
  if (failed(expected)) {
    ADD_FAILURE() << "the interpreter fails";
    return prepared;
  }
  prepared.expected = std::move(*expected);
  prepared.kernel = kernel;
  return prepared;
}

std::vector<char> test::toMemory(const Array<double> &array, RankedTensorType type) {
  int64_t size = type.getElementTypeBitWidth() / 8;
  std::vector<char> bytes(array.size() * size);
  for (int64_t i = 0; i < array.size(); ++i) {
    uint32_t word = array.isInteger() ? static_cast<uint32_t>(array.ints[i])
                                      : llvm::bit_cast<uint32_t>(static_cast<float>(array.values[i]));
    if (type.getElementType().isBF16())
      word >>= 16; // exact: the value is one of bf16
    std::memcpy(bytes.data() + i * size, &word, size);
  }
  return bytes;
}

Array<double> test::fromMemory(const char *bytes, RankedTensorType type) {
  Array<double> array(type);
  int64_t size = type.getElementTypeBitWidth() / 8;
  for (int64_t i = 0; i < array.size(); ++i) {
    uint32_t word = 0;
    std::memcpy(&word, bytes + i * size, size);
    if (array.isInteger())
      array.ints[i] = static_cast<int32_t>(word);
    else
      array.values[i] = llvm::bit_cast<float>(type.getElementType().isBF16() ? word << 16 : word);
  }
  return array;
}

/// Half the distance of bf16 numbers at `x`.
static double roundingOfBF16(double x) {
  return std::isfinite(x) && x != 0 ? std::ldexp(1.0, std::max(std::ilogb(x), -126) - 8) : 0;
}

void test::compare(const Array<double> &expected, const Array<double> &got, RankedTensorType type, const KernelCase &c,
                   unsigned index) {
  double largest = 0;
  for (double value : expected.values)
    largest = std::max(largest, std::isfinite(value) ? std::abs(value) : 0.0);
  int reported = 0;
  for (int64_t i = 0; i < expected.size() && reported < 3; ++i) {
    if (expected.isInteger()) {
      if (expected.ints[i] != got.ints[i])
        ADD_FAILURE() << "result " << index << " [" << i << "]: expected " << expected.ints[i] << ", got "
                      << got.ints[i] << (++reported, "");
      continue;
    }
    double want = static_cast<float>(expected.values[i]), have = got.values[i]; // may overflow
    double bound = c.tolerance * (c.floor > 0 ? std::max(std::abs(want), c.floor) : std::max(largest, 1e-30));
    if (type.getElementType().isBF16()) {
      bound += roundingOfBF16(std::abs(want) + bound);
      if (std::isinf(roundToBF16(static_cast<float>(want))))
        want = std::copysign(INFINITY, want);
    }
    bool same =
        std::isfinite(want) ? std::abs(have - want) <= bound : (std::isnan(want) ? std::isnan(have) : have == want);
    if (!same)
      ADD_FAILURE() << "result " << index << " [" << i << "]: expected " << want << ", got " << have << " (largest "
                    << largest << ", allowed " << bound << ")" << (++reported, "");
  }
}
