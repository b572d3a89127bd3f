// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Central differences of the cases, and their comparison with autodiff.
#include "GradientCheck.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Autodiff/Activity.h"
#include "passes/Autodiff/Passes.h"

using namespace mlir;
using namespace vlp;
using namespace vlp::test;

// In f64 the truncation error is h^2 / 6 times a third derivative of order 1, the rounding error 1e-16 / h: 1e-11 each.
static constexpr double kStep = 1e-5;
static constexpr double kTolerance = 1e-7;

std::unique_ptr<MLIRContext> vlp::test::makeContext() {
  auto context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  context->loadDialect<func::FuncDialect, VLPDialect>();
  context->printOpOnDiagnostic(false);
  return context;
}

OwningOpRef<ModuleOp> vlp::test::parseModule(const std::string &text, MLIRContext &context) {
  return parseSourceString<ModuleOp>(text, &context);
}

void vlp::test::fillUniform(Array<double> &array, const std::string &seed, double low, double high) {
  uint64_t state = 0xcbf29ce484222325;
  for (char c : seed)
    state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  for (double &value : array.values) {
    // SplitMix64.
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    value = low + (high - low) * static_cast<double>(z >> 11) * 0x1p-53;
  }
}

State<double> vlp::test::makeState(const GradientCase &gradientCase, ModuleOp module) {
  State<double> state;
  for (auto &[name, type] : getStateTypes(module))
    state[name] = Array<double>(type);
  for (const CaseInput &input : gradientCase.inputs)
    fillUniform(state[input.name], gradientCase.name + "/" + input.name, input.low, input.high);
  return state;
}

std::optional<Arrays> vlp::test::runGradients(ModuleOp module, StringRef name, ArrayRef<Array<double>> inputs,
                                              State<double> state) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  auto results = Interpreter<double>(module).run(name, inputs, state);
  if (failed(results))
    return std::nullopt;
  Arrays gradients;
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (auto parameter = function.getResultAttrOfType<FlatSymbolRefAttr>(i, kGradientAttr))
      gradients[parameter.getValue().str()] = (*results)[i];
  return gradients;
}

std::string vlp::test::compare(const Arrays &actual, const Arrays &expected, double tolerance) {
  std::string difference;
  llvm::raw_string_ostream out(difference);
  if (actual.size() != expected.size())
    out << "expected " << expected.size() << " gradients, got " << actual.size() << "\n";
  for (const auto &[name, array] : expected) {
    auto found = actual.find(name);
    if (found == actual.end()) {
      out << "no gradient of " << name << "\n";
      continue;
    }
    for (int64_t i = 0; i < array.size(); ++i)
      if (!(std::abs(found->second[i] - array[i]) <= tolerance * (1 + std::abs(array[i])))) {
        out << "gradient of " << name << ", element " << i << ": expected " << array[i] << ", got " << found->second[i]
            << "\n";
        break;
      }
  }
  return difference;
}

GradientCheck::GradientCheck(const GradientCase &gradientCase, MLIRContext &context)
    : gradientCase(gradientCase), context(context), text(getModuleText(gradientCase)),
      module(parseModule(text, context)) {
  if (!module)
    return;
  state = makeState(gradientCase, *module);
  auto function = module->lookupSymbol<func::FuncOp>("function");
  result = Array<double>(cast<RankedTensorType>(function.getArgumentTypes().front()));
  computeJacobian();
}

std::vector<double> GradientCheck::evaluate(const State<double> &at) const {
  State<double> copy = at;
  auto results = Interpreter<double>(*module).run("function", result, copy);
  return succeeded(results) ? (*results)[1].values : std::vector<double>(result.values.size(), NAN);
}

void GradientCheck::computeJacobian() {
  State<double> moved = state;
  for (const CaseInput &input : gradientCase.inputs) {
    if (!input.trainable)
      continue;
    for (double &value : moved[input.name].values) {
      double center = value;
      value = center + kStep;
      std::vector<double> derivative = evaluate(moved);
      value = center - kStep;
      std::vector<double> below = evaluate(moved);
      value = center;
      for (size_t i = 0; i < derivative.size(); ++i)
        derivative[i] = (derivative[i] - below[i]) / (2 * kStep);
      jacobian[input.name].push_back(std::move(derivative));
    }
  }
}

Arrays GradientCheck::project(const Array<double> &projection) const {
  Arrays gradients;
  for (const auto &[name, rows] : jacobian) {
    Array<double> gradient = state.at(name);
    for (size_t e = 0; e < rows.size(); ++e) {
      gradient.values[e] = 0;
      for (size_t i = 0; i < rows[e].size(); ++i)
        gradient.values[e] += rows[e][i] * projection.values[i];
    }
    gradients[name] = std::move(gradient);
  }
  return gradients;
}

std::string GradientCheck::run(const DifferentiateOptions &options, bool simplify) const {
  if (!module)
    return "the case does not parse:\n" + text;
  OwningOpRef<ModuleOp> differentiated = ModuleOp(*module).clone();
  if (failed(differentiate(differentiated->lookupSymbol<func::FuncOp>("function"), options)) ||
      failed(verify(*differentiated)))
    return "differentiation failed";
  PassManager simplification(&context);
  simplification.addNestedPass<func::FuncOp>(createSimplifyGradients());
  if (simplify && failed(simplification.run(*differentiated)))
    return "vlp-simplify-gradients failed";
  for (std::string seed : {"first", "second"}) {
    Array<double> projection = result;
    fillUniform(projection, gradientCase.name + seed, -1, 1);
    auto actual = runGradients(*differentiated, "function", projection, state);
    if (!actual)
      return "the interpreter failed";
    if (std::string difference = compare(*actual, project(projection), kTolerance); !difference.empty())
      return difference;
    // Along a direction that moves all inputs at once.
    State<double> above = state, below = state;
    double slope = 0;
    for (auto &[name, gradient] : *actual) {
      Array<double> direction = gradient;
      fillUniform(direction, gradientCase.name + seed + name, -1, 1);
      for (int64_t i = 0; i < direction.size(); ++i) {
        above[name].values[i] += kStep * direction[i];
        below[name].values[i] -= kStep * direction[i];
        slope += gradient[i] * direction[i];
      }
    }
    std::vector<double> upper = evaluate(above), lower = evaluate(below);
    double expected = 0;
    for (size_t i = 0; i < upper.size(); ++i)
      expected += projection.values[i] * (upper[i] - lower[i]) / (2 * kStep);
    if (!(std::abs(slope - expected) <= kTolerance * (1 + std::abs(expected))))
      return "derivative along a random direction: expected " + std::to_string(expected) + ", got " +
             std::to_string(slope) + "\n";
  }
  return "";
}
