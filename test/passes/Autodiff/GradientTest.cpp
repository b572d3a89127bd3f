// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the gradient rules: each agrees with central differences, before and after simplification; none is missing
// from the table; and a fault in any of them would be noticed.
#include "GradientCheck.h"
#include "Mutations.h"
#include "gtest/gtest.h"
#include <set>

using namespace mlir;
using namespace vlp;
using namespace vlp::test;

class GradientCaseTest : public testing::TestWithParam<size_t> {
protected:
  std::unique_ptr<MLIRContext> context = makeContext();
};

TEST_P(GradientCaseTest, AgreesWithCentralDifferences) {
  const GradientCase &gradientCase = getGradientCases()[GetParam()];
  SCOPED_TRACE(gradientCase.name);
  GradientCheck check(gradientCase, *context);
  EXPECT_EQ(check.run(), "");
  EXPECT_EQ(check.run({}, /*simplify=*/true), "");
}

INSTANTIATE_TEST_SUITE_P(AllOps, GradientCaseTest, testing::Range<size_t>(0, getGradientCases().size()));

/// Ops of the dialect that are under test, with the operands for which a gradient is asked.
static std::map<std::string, std::set<unsigned>> getCoverage(MLIRContext &context) {
  std::map<std::string, std::set<unsigned>> coverage;
  for (const GradientCase &gradientCase : getGradientCases())
    for (const Mutation &mutation : enumerateMutations(gradientCase, context)) {
      unsigned operand;
      if (sscanf(mutation.change.c_str(), "gradient of operand %u negated", &operand) == 1)
        coverage[mutation.op].insert(operand);
    }
  return coverage;
}

TEST(GradientTable, CoversEveryDifferentiableOpAndOperand) {
  auto context = makeContext();
  auto coverage = getCoverage(*context);
  for (RegisteredOperationName name : context->getRegisteredOperationsByDialect("vlp")) {
    if (!name.hasInterface<DifferentiableOpInterface>())
      continue;
    EXPECT_TRUE(coverage.count(name.getStringRef().str()))
        << name.getStringRef().str() << " has a gradient rule and no case in GradientCases.cpp";
  }
  // Operands that carry no gradient by declaration (targets) must not be in the table; all others must.
  for (const GradientCase &gradientCase : getGradientCases()) {
    OwningOpRef<ModuleOp> module = parseModule(getModuleText(gradientCase), *context);
    ASSERT_TRUE(module) << gradientCase.name;
    module->walk([&](DifferentiableOpInterface op) {
      auto name = dyn_cast<NameLoc>(op->getLoc());
      if (!name || name.getName() != "subject")
        return;
      for (unsigned i = 0; i < op->getNumOperands(); ++i)
        EXPECT_EQ(coverage[op->getName().getStringRef().str()].count(i), op.isOperandDifferentiable(i))
            << op->getName().getStringRef().str() << ", operand " << i;
    });
  }
}

/// A new op has to take a stand: a gradient rule, a gradient of zero by definition, or a place in this list.
TEST(GradientTable, OpsWithoutGradientAreDeliberate) {
  const std::set<std::string> withoutGradient = {
      "vlp.parameter", "vlp.variable", "vlp.read", "vlp.write", "vlp.kernel", "vlp.yield",
      // Second derivatives are not supported.
      "vlp.attention_grad", "vlp.cross_entropy_grad", "vlp.embedding_grad", "vlp.gelu_grad", "vlp.l2_normalize_grad",
      "vlp.layer_norm_grad", "vlp.quick_gelu_grad", "vlp.soft_cross_entropy_grad", "vlp.softmax_grad",
      // Used after the gradients.
      "vlp.adamw", "vlp.clamp", "vlp.clip_factor", "vlp.global_norm"};
  auto context = makeContext();
  for (RegisteredOperationName name : context->getRegisteredOperationsByDialect("vlp"))
    if (!name.hasInterface<DifferentiableOpInterface>() && !name.hasTrait<NonDifferentiable>())
      EXPECT_TRUE(withoutGradient.count(name.getStringRef().str())) << name.getStringRef().str();
}

/// Every fault, in every case: at least one case must notice.
TEST(GradientMutation, EveryFaultIsNoticed) {
  auto context = makeContext();
  std::map<std::string, bool> noticed;
  std::map<std::string, std::set<std::string>> casesOf;
  unsigned runs = 0, stillborn = 0;
  for (const GradientCase &gradientCase : getGradientCases()) {
    GradientCheck check(gradientCase, *context);
    std::vector<Mutation> mutations = enumerateMutations(gradientCase, *context);
    EXPECT_FALSE(mutations.empty()) << gradientCase.name;
    for (const Mutation &mutation : mutations) {
      bool planted = false;
      std::string difference;
      {
        ScopedDiagnosticHandler quiet(context.get(), [](Diagnostic &) { return success(); });
        difference = check.run(plant(mutation, planted));
      }
      if (!planted) {
        ++stillborn;
        continue;
      }
      ++runs;
      std::string fault = mutation.op + ": " + mutation.change;
      noticed[fault] |= !difference.empty();
      casesOf[fault].insert(gradientCase.name);
    }
  }
  for (auto &[fault, seen] : noticed) {
    std::string cases;
    for (const std::string &name : casesOf[fault])
      cases += " '" + name + "'";
    EXPECT_TRUE(seen) << "survivor: " << fault << " in" << cases;
  }
  printf("%zu faults in %u variants, %u more refused by the verifier\n", noticed.size(), runs, stillborn);
  EXPECT_GT(noticed.size(), 250u);
}
