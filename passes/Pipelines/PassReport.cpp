// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pass instrumentation for reports.
#include "passes/Pipelines/PassReport.h"

#include "dialect/Plan/Plan.h"
#include "dialect/VLP/VLP.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassInstrumentation.h"
#include <chrono>

using namespace mlir;
using namespace vlp;

ModuleCost vlp::getCost(Operation *root) {
  ModuleCost cost;
  root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<plan::KernelOp>(op)) // code; its launches count
      return WalkResult::skip();
    if (auto launch = dyn_cast<plan::LaunchOp>(op)) {
      cost.flops += launch.getFlops().convertToDouble();
      cost.bytes += launch.getBytes().convertToDouble();
      ++cost.ops;
    }
    if (auto priced = dyn_cast<CostOpInterface>(op))
      cost.flops += priced.getFlops();
    bool inKernel = op->getParentOfType<KernelOp>() != nullptr;
    if (op->getDialect() && op->getDialect()->getNamespace() == "vlp" && op->getNumResults() && !inKernel) {
      cost.bytes += getCompulsoryBytes(op);
      ++cost.ops;
    }
    return WalkResult::advance();
  });
  return cost;
}

class PassReport::Instrumentation : public PassInstrumentation {
public:
  explicit Instrumentation(PassReport &report) : report(report) {}

  void runBeforePass(Pass *pass, Operation *op) override {
    if (pass->getArgument().empty()) // adaptors
      return;
    // Function passes run on one function after the other, each through the whole nested pipeline.
    report.active = find(pass);
    fingerprint.emplace(op);
    ModuleCost cost = getCost(op);
    add(report.records[report.active].before, cost);
    report.running = true;
    start = std::chrono::steady_clock::now();
  }

  void runAfterPass(Pass *pass, Operation *op) override {
    if (pass->getArgument().empty())
      return;
    PassRecord &record = report.records[report.active];
    record.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    record.changed |= *fingerprint != OperationFingerPrint(op);
    add(record.after, getCost(op));
    report.running = false;
  }

private:
  static void add(ModuleCost &sum, const ModuleCost &cost) {
    sum.flops += cost.flops;
    sum.bytes += cost.bytes;
    sum.ops += cost.ops;
  }

  size_t find(Pass *pass) {
    auto [known, inserted] = indices.try_emplace(pass, report.records.size());
    if (inserted)
      report.records.emplace_back().name = pass->getArgument().str();
    return known->second;
  }

  PassReport &report;
  llvm::DenseMap<Pass *, size_t> indices;
  std::optional<OperationFingerPrint> fingerprint;
  std::chrono::steady_clock::time_point start;
};

PassReport::PassReport(MLIRContext *context) : context(context) {
  handler = context->getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
    bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
    if (isError || !running)
      return failure();
    std::string layer = getLayerName(diagnostic.getLocation());
    records[active].remarks.push_back((layer.empty() ? "" : layer + ": ") + diagnostic.str());
    return success(diagnostic.getSeverity() == DiagnosticSeverity::Remark);
  });
}

PassReport::~PassReport() { context->getDiagEngine().eraseHandler(handler); }

void PassReport::attach(PassManager &manager) { manager.addInstrumentation(std::make_unique<Instrumentation>(*this)); }
