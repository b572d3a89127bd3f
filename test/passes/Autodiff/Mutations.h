// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Faults planted into gradient rules: the gradient check has to notice each of them.
#pragma once

#include "GradientCheck.h"

namespace vlp::test {

/// One fault in what the rule of one op under test returns.
struct Mutation {
  std::string op;       // the forward op: "vlp.linear"
  std::string change;   // what is altered, the same for the same fault in another case
  unsigned application; // how many ops under test of the case precede
  /// Plants the fault; false where the altered op would not even verify.
  std::function<bool(llvm::ArrayRef<mlir::Operation *> created, llvm::MutableArrayRef<mlir::Value> gradients,
                     mlir::OpBuilder &)>
      plant;
};

/// All faults that can be planted into the rules that the ops under test of a case use:
/// every returned gradient negated, doubled, every second element zeroed; every operand and every used result of every
/// op that the rule built zeroed (hence every term of a sum dropped); every attribute of such an op altered.
std::vector<Mutation> enumerateMutations(const GradientCase &gradientCase, mlir::MLIRContext &context);

/// Options that plant `mutation`; `planted` is set when that has happened.
DifferentiateOptions plant(const Mutation &mutation, bool &planted);

} // namespace vlp::test
