// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs one op, or a module given as text, through the reference interpreter.
#pragma once

#include "dialect/Interpreter/Interpreter.h"
#include "dialect/Interpreter/Literals.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace vlp::test {

/// A parsed module and the errors that it gave.
class Program {
public:
  explicit Program(llvm::StringRef text) {
    context.loadDialect<VLPDialect, mlir::func::FuncDialect>();
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &diagnostic) {
      errors += diagnostic.str() + "\n";
      return mlir::success();
    });
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  }

  /// Results of @main, none after an error.
  template <typename T>
  std::vector<Array<T>> run(const std::vector<Array<T>> &inputs, State<T> &state) {
    if (!module)
      return {};
    auto results = Interpreter<T>(*module).run("main", inputs, state);
    return failed(results) ? std::vector<Array<T>>() : std::move(*results);
  }

  template <typename T>
  std::vector<Array<T>> run(const std::vector<Array<T>> &inputs) {
    State<T> none;
    return run(inputs, none);
  }

  mlir::MLIRContext context;
  std::string errors;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// "tensor<2x3xf32>".
template <typename T>
std::string typeOf(const Array<T> &array) {
  std::string text = "tensor<";
  for (int64_t extent : array.shape)
    text += std::to_string(extent) + "x";
  return text + (array.ints.empty() ? "f32>" : "i32>");
}

/// The module whose @main is one op on its arguments. `results` are types such as "tensor<2xf32>, tensor<2xf32>".
template <typename T>
std::string moduleOf(llvm::StringRef op, const std::vector<Array<T>> &inputs, llvm::StringRef attributes,
                     llvm::StringRef results) {
  std::vector<std::string> arguments, names, types;
  for (const Array<T> &input : inputs) {
    names.push_back("%a" + std::to_string(names.size()));
    types.push_back(typeOf(input));
    arguments.push_back(names.back() + ": " + types.back());
  }
  size_t count = results.count("tensor");
  std::string values = "%r";
  for (size_t i = 0; count > 1 && i < count; ++i)
    values = (i ? values + ", " : std::string()) + "%r#" + std::to_string(i);
  return "func.func @main(" + llvm::join(arguments, ", ") + ") -> (" + results.str() + ") {\n  %r" +
         (count > 1 ? ":" + std::to_string(count) : "") + " = vlp." + op.str() + " " + llvm::join(names, ", ") + " {" +
         attributes.str() + "} : (" + llvm::join(types, ", ") + ") -> (" + results.str() +
         ") loc(\"layer.under.test\")\n  return " + values + " : " + results.str() + "\n}\n";
}

/// Executes one op; a failure is a test failure and gives no results.
template <typename T>
std::vector<Array<T>> runOp(llvm::StringRef op, const std::vector<Array<T>> &inputs, llvm::StringRef results,
                            llvm::StringRef attributes = "") {
  Program program(moduleOf(op, inputs, attributes, results));
  auto outputs = program.run(inputs);
  EXPECT_EQ(program.errors, "");
  return outputs;
}

/// The error that executing one op gives.
template <typename T>
std::string errorOf(llvm::StringRef op, const std::vector<Array<T>> &inputs, llvm::StringRef results,
                    llvm::StringRef attributes = "") {
  Program program(moduleOf(op, inputs, attributes, results));
  EXPECT_TRUE(program.run(inputs).empty());
  return program.errors;
}

template <typename T>
Array<T> floats(llvm::ArrayRef<int64_t> shape, std::vector<T> values) {
  return makeArray<T>(shape, values);
}

template <typename T>
Array<T> ints(llvm::ArrayRef<int64_t> shape, std::vector<int32_t> values) {
  return makeIntArray<T>(shape, values);
}

/// Normally distributed numbers, the same on every run.
template <typename T>
Array<T> randoms(llvm::ArrayRef<int64_t> shape, unsigned seed, double deviation = 1) {
  Array<T> array = makeArray<T>(shape, T(0));
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal(0, deviation);
  for (T &value : array.values)
    value = static_cast<T>(normal(engine));
  return array;
}

/// How far a result may be from a formula in double: the interpreter rounds to T.
template <typename T>
constexpr double tolerance = std::is_same_v<T, float> ? 2e-6 : 1e-12;

/// Expects `actual` to have `shape` and the elements `expected` up to rounding; NaN equals NaN.
template <typename T>
void expectNear(const Array<T> &actual, llvm::ArrayRef<int64_t> shape, const std::vector<double> &expected) {
  EXPECT_EQ(llvm::ArrayRef<int64_t>(actual.shape), shape);
  ASSERT_EQ(actual.values.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(expected[i]) || std::isinf(expected[i]))
      EXPECT_TRUE(std::isnan(expected[i]) ? std::isnan(actual.values[i]) : actual.values[i] == T(expected[i])) << i;
    else
      EXPECT_NEAR(actual.values[i], expected[i], tolerance<T> * std::max(1.0, std::abs(expected[i])))
          << "element " << i;
  }
}

template <typename T>
class InBothPrecisions : public ::testing::Test {};
using Precisions = ::testing::Types<float, double>;

} // namespace vlp::test
