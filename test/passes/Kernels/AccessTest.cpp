// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Access maps against the reference execution of the views they stand for.
#include "passes/Kernels/Access.h"
#include "dialect/Interpreter/Interpreter.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>
#include <random>

using namespace mlir;
using namespace vlp;

namespace {
class AccessTest : public ::testing::Test {
protected:
  AccessTest() : builder(&context) {
    context.loadDialect<VLPDialect, func::FuncDialect>();
    module = ModuleOp::create(builder.getUnknownLoc());
    builder.setInsertionPointToEnd(module->getBody());
  }

  RankedTensorType f32(ArrayRef<int64_t> shape) { return RankedTensorType::get(shape, builder.getF32Type()); }
  Location loc() { return builder.getUnknownLoc(); }

  /// Starts a function of one tensor; views are built on the value returned.
  Value begin(ArrayRef<int64_t> shape) {
    entry =
        func::FuncOp::create(builder, loc(), "f" + std::to_string(count++), builder.getFunctionType(f32(shape), {}));
    builder.setInsertionPointToStart(entry.addEntryBlock());
    return entry.getArgument(0);
  }

  /// Ends it, executes the views on 0, 1, 2, ... and compares every element with the one the access points at.
  void expectSame(Value value, const Access &access) {
    func::ReturnOp::create(builder, loc(), value);
    entry.setType(builder.getFunctionType(entry.getArgumentTypes(), value.getType()));
    builder.setInsertionPointToEnd(module->getBody());
    Array<float> input(cast<RankedTensorType>(entry.getArgumentTypes()[0]));
    std::iota(input.values.begin(), input.values.end(), 0.0f);
    auto results = Interpreter<float>(*module).run(entry.getSymName(), {input});
    ASSERT_TRUE(succeeded(results));
    EXPECT_EQ(access.source, entry.getArgument(0));
    ASSERT_EQ(access.shape, (*results)[0].shape);
    for (int64_t i = 0; i < (*results)[0].size(); ++i) {
      int64_t rest = i, at = access.offset;
      for (int64_t d = access.rank() - 1; d >= 0; --d) {
        at += rest % access.shape[d] * access.strides[d];
        rest /= access.shape[d];
      }
      ASSERT_EQ((*results)[0].values[i], static_cast<float>(at)) << "element " << i;
    }
  }

  MLIRContext context{MLIRContext::Threading::DISABLED};
  OpBuilder builder;
  OwningOpRef<ModuleOp> module;
  func::FuncOp entry;
  int count = 0;
};

TEST_F(AccessTest, SliceOfHeadsOfAFusedProjection) {
  Value qkv = begin({2, 5, 24});
  Value k = SliceOp::create(builder, loc(), qkv, ArrayRef<int64_t>{0, 0, 8}, ArrayRef<int64_t>{2, 5, 8});
  Value heads = ReshapeOp::create(builder, loc(), f32({2, 5, 2, 4}), k);
  Value moved = TransposeOp::create(builder, loc(), heads, ArrayRef<int64_t>{0, 2, 1, 3});
  FailureOr<Access> access = getAccess(moved);
  ASSERT_TRUE(succeeded(access));
  EXPECT_EQ(access->offset, 8);
  EXPECT_EQ(access->strides, (SmallVector<int64_t>{120, 4, 24, 1}));
  EXPECT_FALSE(access->isContiguous());
  expectSame(moved, *access);
}

TEST_F(AccessTest, ReshapeThatNeedsACopyFails) {
  Value x = begin({4, 6});
  Value t = TransposeOp::create(builder, loc(), x, ArrayRef<int64_t>{1, 0});
  EXPECT_TRUE(failed(getAccess(ReshapeOp::create(builder, loc(), f32({24}), t))));
  EXPECT_TRUE(succeeded(getAccess(ReshapeOp::create(builder, loc(), f32({2, 3, 4}), t)))) << "dimensions only split";
  Value column = SliceOp::create(builder, loc(), x, ArrayRef<int64_t>{0, 1}, ArrayRef<int64_t>{4, 2});
  EXPECT_TRUE(failed(getAccess(ReshapeOp::create(builder, loc(), f32({8}), column))));
  Value mixed = ReshapeOp::create(builder, loc(), f32({2, 4}), column);
  FailureOr<Access> access = getAccess(mixed);
  EXPECT_TRUE(failed(access)) << "two rows of two elements are no run of four";
}

TEST_F(AccessTest, OneElementAndEmptyTensors) {
  Value scalar = begin({});
  Value row = ReshapeOp::create(builder, loc(), f32({1, 1}), scalar);
  Value wide = BroadcastOp::create(builder, loc(), f32({3, 2}), row);
  FailureOr<Access> access = getAccess(wide);
  ASSERT_TRUE(succeeded(access));
  EXPECT_EQ(access->strides, (SmallVector<int64_t>{0, 0}));
  expectSame(wide, *access);
  Value empty = begin({0, 3});
  access = getAccess(ReshapeOp::create(builder, loc(), f32({3, 0}), empty));
  ASSERT_TRUE(succeeded(access));
  EXPECT_EQ(access->shape, (SmallVector<int64_t>{3, 0}));
}

TEST_F(AccessTest, BroadcastDimensionsMerge) {
  Value x = begin({2, 1, 3});
  Value wide = BroadcastOp::create(builder, loc(), f32({4, 2, 5, 3}), x);
  EXPECT_TRUE(failed(getAccess(ReshapeOp::create(builder, loc(), f32({8, 5, 3}), wide))));
  Value split = ReshapeOp::create(builder, loc(), f32({2, 2, 2, 5, 3}), wide);
  FailureOr<Access> access = getAccess(split);
  ASSERT_TRUE(succeeded(access));
  expectSame(split, *access);
}

TEST_F(AccessTest, ElementwiseBroadcast) {
  Access access = broadcastAccess(getDenseAccess(begin({3, 1})), {2, 3, 4});
  EXPECT_EQ(access.strides, (SmallVector<int64_t>{0, 1, 0}));
  EXPECT_EQ(broadcastAccess(getDenseAccess(begin({})), {2, 3}).strides, (SmallVector<int64_t>{0, 0}));
}

/// Chains of random views, each checked element by element wherever it has an access.
TEST_F(AccessTest, RandomChains) {
  std::mt19937 random(7);
  auto draw = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  int composed = 0;
  for (int round = 0; round < 200; ++round) {
    Value value = begin({draw(1, 4), draw(1, 4), draw(1, 4)});
    for (int i = 0; i < 4; ++i) {
      auto shape = cast<RankedTensorType>(value.getType()).getShape();
      SmallVector<int64_t> order(shape.size()), offsets, sizes;
      std::iota(order.begin(), order.end(), 0);
      std::shuffle(order.begin(), order.end(), random);
      for (int64_t size : shape) {
        offsets.push_back(draw(0, size - 1));
        sizes.push_back(draw(1, size - offsets.back()));
      }
      Value next;
      switch (draw(0, 3)) {
      case 0: next = TransposeOp::create(builder, loc(), value, order); break;
      case 1: next = SliceOp::create(builder, loc(), value, offsets, sizes); break;
      case 2: {
        SmallVector<int64_t> flat;
        for (int64_t size : shape)
          if (flat.empty() || draw(0, 1))
            flat.push_back(size);
          else
            flat.back() *= size;
        next = ReshapeOp::create(builder, loc(), f32(flat), value);
        break;
      }
      default: next = StopGradientOp::create(builder, loc(), value);
      }
      if (failed(getAccess(next)))
        break;
      value = next;
      ++composed;
    }
    FailureOr<Access> access = getAccess(value);
    ASSERT_TRUE(succeeded(access));
    expectSame(value, *access);
  }
  EXPECT_GT(composed, 400) << "most views of a dense tensor have an access";
}
} // namespace
