// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// No op may be half done: each is documented with an example that parses, executable, and differentiable or declared
// not to be.
#include "test/dialect/Interpreter/OpRunner.h"
#include <fstream>
#include <set>
#include <sstream>

using namespace vlp;
using namespace vlp::test;

namespace {

/// The section of each op in the generated reference, by op name.
std::map<std::string, std::string> readSections() {
  std::ifstream file(VLP_DOCS "/VLPDialect.md");
  std::map<std::string, std::string> sections;
  std::string line, op;
  while (std::getline(file, line)) {
    llvm::StringRef text = line;
    if (text.consume_front("#### `"))
      op = text.take_until([](char c) { return c == '`'; }).str();
    else if (text.starts_with("## ") || text.starts_with("### "))
      op.clear();
    if (!op.empty())
      sections[op] += line + "\n";
  }
  return sections;
}

/// The text between the fences of the section's example, or "".
std::string exampleOf(llvm::StringRef section) {
  auto [before, rest] = section.split("Example:\n```mlir\n");
  return rest.split("```").first.str();
}

/// Arguments "%a: type" for the operands that the example names: from the text after the op's name up to its functional
/// type.
std::string argumentsOf(llvm::StringRef op, llvm::StringRef example) {
  auto [operands, types] = example.split(op).second.split(" : (");
  if (types.empty())
    return "";
  llvm::SmallVector<llvm::StringRef> parts;
  types.split(')').first.split(parts, ", ");
  std::string arguments;
  for (llvm::StringRef type : parts) {
    operands = operands.drop_until([](char c) { return c == '%'; });
    llvm::StringRef name = operands.take_while([](char c) { return c == '%' || llvm::isAlnum(c) || c == '_'; });
    operands = operands.drop_front(name.size());
    arguments += (arguments.empty() ? "" : ", ") + name.str() + ": " + type.str();
  }
  return arguments;
}

/// A module in which the example stands where it may stand.
std::string moduleOfExample(llvm::StringRef op, const std::string &example) {
  const std::string parameter =
      "vlp.parameter @\"visual.proj\" : tensor<64x16xf32> {init = #vlp.init<constant, 0.0 : f64, 0.0 : f64>}\n";
  if (op == "vlp.parameter" || op == "vlp.variable")
    return example;
  if (op == "vlp.read" || op == "vlp.write")
    return parameter + "func.func @example(%w" + (op == "vlp.read" ? "0" : "") + ": tensor<64x16xf32>) {\n" + example +
           "return\n}";
  if (op == "vlp.yield")
    return "func.func @example(%x: tensor<8xf32>) {\n%y = vlp.kernel \"elementwise\" (%x) : (tensor<8xf32>) -> "
           "tensor<8xf32> {\n"
           "^bb0(%b: tensor<8xf32>):\n" +
           example + "}\nreturn\n}";
  return "func.func @example(" + argumentsOf(op, example) + ") {\n" + example + "return\n}";
}

std::vector<mlir::RegisteredOperationName> allOps(mlir::MLIRContext &context) {
  context.loadDialect<VLPDialect>();
  auto names = context.getRegisteredOperationsByDialect("vlp");
  return {names.begin(), names.end()};
}

/// State symbols, their access, and the terminator: what surrounds computation.
const std::set<std::string> structural = {"vlp.parameter", "vlp.variable", "vlp.read", "vlp.write", "vlp.yield"};
/// Ops that run after the gradients exist, and kernels, which form after autodiff.
const std::set<std::string> afterAutodiff = {"vlp.global_norm", "vlp.clip_factor", "vlp.adamw", "vlp.clamp",
                                             "vlp.kernel"};

} // namespace

TEST(Documentation, EveryOpHasAnExampleThatParses) {
  mlir::MLIRContext context;
  auto sections = readSections();
  for (mlir::RegisteredOperationName name : allOps(context)) {
    std::string op = name.getStringRef().str();
    ASSERT_TRUE(sections.count(op)) << op << " is not in docs/generated/VLPDialect.md; run tools/update-docs";
    std::string example = exampleOf(sections[op]);
    EXPECT_NE(example, "") << op << " has no example";
    Program program(moduleOfExample(op, example));
    ASSERT_TRUE(program.module) << op << ": " << program.errors << moduleOfExample(op, example);
    bool found = false;
    program.module->walk([&](mlir::Operation *inner) { found |= inner->getName().getStringRef() == op; });
    EXPECT_TRUE(found) << "the example of " << op << " does not use it";
  }
}

TEST(Documentation, EveryOpIsExecutable) {
  mlir::MLIRContext context;
  for (mlir::RegisteredOperationName name : allOps(context)) {
    std::string op = name.getStringRef().str();
    EXPECT_NE(name.hasInterface<ReferenceOpInterface>(), structural.count(op) == 1) << op;
  }
}

TEST(Documentation, EveryOpIsDifferentiableOrDeclaredNotToBe) {
  mlir::MLIRContext context;
  for (mlir::RegisteredOperationName name : allOps(context)) {
    llvm::StringRef op = name.getStringRef();
    int claims = name.hasInterface<DifferentiableOpInterface>() + name.hasTrait<NonDifferentiable>() +
                 op.ends_with("_grad") + structural.count(op.str()) + afterAutodiff.count(op.str());
    EXPECT_EQ(claims, 1) << op.str();
  }
}

// Labels count from 1 without gaps, and each has a negative case that carries its name.
TEST(Documentation, EveryConstraintHasANegativeTest) {
  std::string cases;
  for (const char *family :
       {"attention", "embedding", "kernel", "linear", "loss", "norm", "optimizer", "random", "state", "tensor"}) {
    std::ifstream file(std::string(VLP_INVALID) + "/" + family + ".mlir");
    ASSERT_TRUE(file) << family;
    std::stringstream text;
    text << file.rdbuf();
    cases += text.str();
  }
  auto sections = readSections();
  ASSERT_FALSE(sections.empty());
  for (auto &[op, section] : sections) {
    std::string prefix = op.substr(4) + "_c";
    int labels = 0;
    while (section.find("`" + prefix + std::to_string(labels + 1) + "`") != std::string::npos) {
      ++labels;
      std::string label = prefix + std::to_string(labels);
      EXPECT_NE(cases.find("@" + label), std::string::npos) << "no negative test of " << label;
    }
    EXPECT_EQ(labels > 0, section.find("Constraints:") != std::string::npos) << op;
  }
}
