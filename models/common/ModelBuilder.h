// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builds entries and parameters of a model, with the layer's name as the location of every op.
#pragma once

#include "dialect/VLP/VLP.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/MapVector.h"
#include <string>

namespace vlp::models {

using mlir::Value;

/// Initialisers, named as their papers and torch.nn.init do.
struct Init {
  InitializerKind kind;
  double a, b;
  static Init constant(double value) { return {InitializerKind::Constant, value, 0}; }
  static Init normal(double deviation) { return {InitializerKind::Normal, 0, deviation}; }
  static Init uniform(double bound) { return {InitializerKind::Uniform, -bound, bound}; }
};

class ModelBuilder {
public:
  explicit ModelBuilder(mlir::ModuleOp module);

  /// An input or output of an entry.
  struct Port {
    std::string name;
    mlir::RankedTensorType type;
  };
  /// Starts the function `name` with the attribute vlp.entry; returns its arguments.
  llvm::SmallVector<Value> beginEntry(llvm::StringRef name, llvm::ArrayRef<Port> inputs, int64_t batch);
  /// Ends it with the named outputs. With `differentiate` the first must be the scalar loss.
  void endEntry(llvm::ArrayRef<std::pair<std::string, Value>> outputs, bool differentiate = false);

  /// Enters the layer `name` below the current one for the lifetime of the guard: "visual" then "ln_pre" is visual.ln_pre.
  class Layer {
  public:
    Layer(ModelBuilder &builder, llvm::StringRef name);
    ~Layer();

  private:
    ModelBuilder &builder;
    std::string outer;
  };

  /// The value of the parameter `name` of the current layer, declared at its first use in the module, read once an entry. Decay follows
  /// open_clip's rule: matrices and larger, unless the name says norm, bias or logit scale.
  Value parameter(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, Init init);

  mlir::RankedTensorType f32(llvm::ArrayRef<int64_t> shape) { return mlir::RankedTensorType::get(shape, b.getF32Type()); }
  mlir::RankedTensorType i32(llvm::ArrayRef<int64_t> shape) { return mlir::RankedTensorType::get(shape, b.getI32Type()); }
  static llvm::ArrayRef<int64_t> shape(Value value) {
    return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape();
  }
  Value scalar(double value);

  mlir::ImplicitLocOpBuilder b;

private:
  std::string qualified(llvm::StringRef name) const;
  void updateLocation();

  mlir::ModuleOp module;
  mlir::func::FuncOp entry;
  std::string layer;
  llvm::StringMap<Value> reads; // of the current entry
};

} // namespace vlp::models
