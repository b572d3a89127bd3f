// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builds the entries of a model: layers name locations and parameters, and a parameter is declared when it is first
// used.
#pragma once

#include "dialect/VLP/VLP.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "models/common/DecayRules.h"
#include <map>
#include <optional>
#include <set>
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
  /// `decays`: which parameters weight decay applies to.
  explicit ModelBuilder(mlir::ModuleOp module, DecayRule decays = decaysAsInOpenClip)
      : module(module), builder(module.getContext()), decays(decays) {}

  mlir::MLIRContext *getContext() { return module.getContext(); }
  mlir::ModuleOp getModule() { return module; }

  /// Starts an entry; its inputs are then getInput(name). `options` are the sizes that it is compiled for.
  void beginEntry(llvm::StringRef name, llvm::ArrayRef<Port> inputs, const std::map<std::string, int64_t> &options);
  mlir::Value getInput(llvm::StringRef name) const { return inputs.lookup(name); }
  /// Ends the entry, with what was given to write(), and returns it, for further attributes.
  mlir::func::FuncOp endEntry(llvm::ArrayRef<Output> outputs);

  /// The path of the current layer extended by `name`: "visual.transformer.resblocks.0" + "ln_1".
  std::string getPath(llvm::StringRef name) const { return path.empty() ? name.str() : path + "." + name.str(); }
  /// The location of ops: the current layer's name.
  mlir::Location getLoc();

  /// The parameter `name` of the current layer. The same parameter may be used often, always with the same shape. In a
  /// TwinScope it is the moving average.
  mlir::Value parameter(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, InitializerAttr init);

  /// The value of the variable `name` (no layer's) as the entry begins.
  mlir::Value variable(StateKind kind, llvm::StringRef name, mlir::RankedTensorType type, InitializerAttr init,
                       llvm::StringRef doc = "");
  /// What the parameter or variable `name` will be when the entry has ended.
  void write(llvm::StringRef name, mlir::Value value) { writes.push_back({name.str(), value}); }
  /// All that is to be written, for an entry that gives it as results and leaves the state alone.
  std::vector<Output> takeWrites() { return std::exchange(writes, {}); }
  /// Averages the parameters that have twins but were not used in a TwinScope of this entry. To be called when all
  /// parameters have been used.
  void averageOtherTwins();

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

  mlir::Value constant(int32_t value);
  mlir::RankedTensorType floatType(llvm::ArrayRef<int64_t> shape);
  mlir::RankedTensorType intType(llvm::ArrayRef<int64_t> shape);
  mlir::OpBuilder &ops() { return builder; }

private:
  friend class Layer;
  friend class TwinScope;

  mlir::Value readState(llvm::StringRef symbol, mlir::RankedTensorType type);
  mlir::Value readParameter(llvm::StringRef symbol, mlir::RankedTensorType type, InitializerAttr init);
  mlir::Value readTwin(llvm::StringRef symbol, mlir::RankedTensorType type, InitializerAttr init);

  mlir::ModuleOp module;
  mlir::OpBuilder builder;
  DecayRule decays;
  mlir::func::FuncOp entry;
  std::string path;
  llvm::StringMap<mlir::Value> inputs;
  /// Values of parameters and variables in the entry so far: as read, or averaged.
  llvm::StringMap<mlir::Value> reads;
  std::vector<Output> writes;
  /// Of the innermost TwinScope.
  std::optional<double> momentum;
  /// The first parts of the names of parameters with twins, and their momentum.
  std::map<std::string, double> twinned;
};

/// While it lives, ops and parameters belong to the layer `name` inside the enclosing one.
class Layer {
public:
  enum class Place { Inside, Absolute };
  /// Absolute: `name` is a path of its own. For parameters of a layer that belongs elsewhere by name.
  Layer(ModelBuilder &builder, llvm::StringRef name, Place place = Place::Inside)
      : builder(builder), outer(builder.path) {
    builder.path = place == Place::Inside ? builder.getPath(name) : name.str();
  }
  ~Layer() { builder.path = outer; }
  Layer(const Layer &) = delete;

private:
  ModelBuilder &builder;
  std::string outer;
};

/// While it lives, layers are those of the momentum model: the parameter "encoder_m.x" is the moving average of
/// "encoder.x", `momentum` of its old value and the rest of the other's as the entry began; no gradient flows. The new
/// average is written.
class TwinScope {
public:
  TwinScope(ModelBuilder &builder, double momentum) : builder(builder) { builder.momentum = momentum; }
  ~TwinScope() { builder.momentum.reset(); }
  TwinScope(const TwinScope &) = delete;

private:
  ModelBuilder &builder;
};

/// The dimensions of a tensor value.
llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);

} // namespace vlp::models
