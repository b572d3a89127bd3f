// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builds the entries of a model: layers name locations and parameters, and a parameter is declared when it is first
// used.
#pragma once

#include "dialect/VLP/VLP.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include <map>
#include <string>

namespace vlp::models {

/// A named input of an entry.
struct Port {
  std::string name;
  mlir::RankedTensorType type;
};

/// A named output of an entry.
struct Output {
  std::string name;
  mlir::Value value;
};

class ModelBuilder {
public:
  explicit ModelBuilder(mlir::ModuleOp module) : module(module), builder(module.getContext()) {}

  mlir::MLIRContext *getContext() { return module.getContext(); }
  mlir::ModuleOp getModule() { return module; }

  /// Starts an entry; its inputs are then getInput(name). `options` are the sizes that it is compiled for.
  void beginEntry(llvm::StringRef name, llvm::ArrayRef<Port> inputs, const std::map<std::string, int64_t> &options);
  mlir::Value getInput(llvm::StringRef name) const { return inputs.lookup(name); }
  /// Ends the entry and returns it, for further attributes.
  mlir::func::FuncOp endEntry(llvm::ArrayRef<Output> outputs);

  /// The path of the current layer extended by `name`: "visual.transformer.resblocks.0" + "ln_1".
  std::string getPath(llvm::StringRef name) const { return path.empty() ? name.str() : path + "." + name.str(); }
  /// The location of ops: the current layer's name.
  mlir::Location getLoc();

  /// The parameter `name` of the current layer. The same parameter may be used often, always with the same shape.
  /// Weight decay applies as in open_clip: to matrices, not to vectors, scalars, biases and norms.
  mlir::Value parameter(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, InitializerAttr init);

  /// Makes an op in the current layer and returns its first result.
  template <typename OpTy, typename... Args>
  mlir::Value make(Args &&...args) {
    return OpTy::create(builder, getLoc(), std::forward<Args>(args)...)->getResult(0);
  }
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  mlir::Value broadcast(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  /// Elements [offset, offset + size) along dimension `axis`.
  mlir::Value slice(mlir::Value value, int64_t axis, int64_t offset, int64_t size);
  /// A float scalar.
  mlir::Value constant(double value);

  mlir::RankedTensorType floatType(llvm::ArrayRef<int64_t> shape);
  mlir::RankedTensorType intType(llvm::ArrayRef<int64_t> shape);
  mlir::OpBuilder &ops() { return builder; }

private:
  friend class Layer;
  mlir::ModuleOp module;
  mlir::OpBuilder builder;
  mlir::func::FuncOp entry;
  std::string path;
  llvm::StringMap<mlir::Value> inputs;
  /// Parameters read by the entry so far.
  llvm::StringMap<mlir::Value> reads;
};

/// While it lives, ops and parameters belong to the layer `name` inside the enclosing one.
class Layer {
public:
  Layer(ModelBuilder &builder, llvm::StringRef name) : builder(builder), outer(builder.path) {
    builder.path = builder.getPath(name);
  }
  ~Layer() { builder.path = outer; }
  Layer(const Layer &) = delete;

private:
  ModelBuilder &builder;
  std::string outer;
};

/// The dimensions of a tensor value.
llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);

} // namespace vlp::models
