// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The interpreter itself: state, calls, kernels, the observer, and what it refuses.
#include "test/dialect/Interpreter/OpRunner.h"

using namespace vlp;
using namespace vlp::test;

template <typename T>
using InterpreterTest = InBothPrecisions<T>;
TYPED_TEST_SUITE(InterpreterTest, Precisions);

static const char *counting = R"(
vlp.variable counter @n : tensor<i32> {init = #vlp.init<constant, 3.0 : f64, 0.0 : f64>}
vlp.parameter @w : tensor<2xf32> {init = #vlp.init<constant, 0.5 : f64, 0.0 : f64>, trainable}
vlp.parameter @drawn : tensor<2xf32> {init = #vlp.init<normal, 0.0 : f64, 1.0 : f64>}
func.func @main(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<i32>) {
  %w = vlp.read @w : tensor<2xf32>
  %n = vlp.read @n : tensor<i32>
  %one = vlp.constant dense<1> : tensor<i32>
  %next = vlp.add %n, %one : (tensor<i32>, tensor<i32>) -> tensor<i32>
  %y = vlp.mul %w, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  vlp.write @w, %y : tensor<2xf32>
  vlp.write @n, %next : tensor<i32>
  return %y, %n : tensor<2xf32>, tensor<i32>
})";

TYPED_TEST(InterpreterTest, StateIsReadAndWritten) {
  Program program(counting);
  State<TypeParam> state;
  addConstantState(*program.module, state);
  EXPECT_EQ(state.size(), 2u) << "what is drawn at random stays missing";
  auto x = floats<TypeParam>({2}, {2, 4});
  auto first = program.run({x}, state);
  ASSERT_EQ(first.size(), 2u) << program.errors;
  expectNear(first[0], {2}, {1, 2});
  EXPECT_EQ(first[1].ints[0], 3) << "a read sees the state before the entry";
  auto second = program.run({x}, state);
  expectNear(second[0], {2}, {2, 8});
  expectNear(state.at("w"), {2}, {2, 8});
  EXPECT_EQ(state.at("n").ints[0], 5);
}

TYPED_TEST(InterpreterTest, AFailedRunLeavesTheStateAlone) {
  Program program(R"(
vlp.variable counter @n : tensor<i32> {init = #vlp.init<constant, 3.0 : f64, 0.0 : f64>}
func.func @main(%t: tensor<2x2xf32>) -> tensor<2xf32> {
  %n = vlp.read @n : tensor<i32>
  %zero = vlp.constant dense<0> : tensor<i32>
  vlp.write @n, %zero : tensor<i32>
  %y = vlp.embedding %t, %n : (tensor<2x2xf32>, tensor<i32>) -> tensor<2xf32> loc("text.table")
  return %y : tensor<2xf32>
})");
  State<TypeParam> state;
  addConstantState(*program.module, state);
  EXPECT_TRUE(program.run({floats<TypeParam>({2, 2}, {0})}, state).empty());
  EXPECT_EQ(program.errors,
            "'vlp.embedding' op expects ids below the table's 2 rows, got 3 at position 0 (layer text.table)\n");
  EXPECT_EQ(state.at("n").ints[0], 3);
}

TYPED_TEST(InterpreterTest, MissingAndMisshapenStateIsListedAtOnce) {
  Program program(counting);
  State<TypeParam> state;
  state["w"] = floats<TypeParam>({3}, {0});
  EXPECT_TRUE(program.run({floats<TypeParam>({2}, {0})}, state).empty());
  EXPECT_EQ(program.errors, "expects state n to be tensor<i32>, got no value; w to be tensor<2xf32>, got floats [3]\n");
}

TYPED_TEST(InterpreterTest, MisshapenInputsAreListedAtOnce) {
  Program program("func.func @main(%a: tensor<2xf32>, %b: tensor<i32>, %c: tensor<1xf32>) { return }");
  EXPECT_TRUE(
      program.run<TypeParam>({floats<TypeParam>({3}, {0}), floats<TypeParam>({}, {0}), floats<TypeParam>({1}, {0})})
          .empty());
  EXPECT_EQ(program.errors,
            "expects input #0 to be tensor<2xf32>, got floats [3]; input #1 to be tensor<i32>, got floats []\n");
  program.errors.clear();
  EXPECT_TRUE(program.run<TypeParam>({}).empty());
  EXPECT_EQ(program.errors, "expects 3 inputs, got 0\n");
}

TYPED_TEST(InterpreterTest, OpsWithoutReferenceAreListedAtOnce) {
  Program program("");
  program.context.allowUnregisteredDialects();
  program.module = mlir::parseSourceString<mlir::ModuleOp>(
      "func.func @other(%a: tensor<2xf32>) { \"test.one\"(%a) : (tensor<2xf32>) -> () return }\n"
      "func.func @main(%a: tensor<2xf32>) { \"test.two\"() : () -> () call @other(%a) : (tensor<2xf32>) -> () return }",
      &program.context);
  ASSERT_TRUE(program.module) << program.errors;
  EXPECT_TRUE(program.run<TypeParam>({floats<TypeParam>({2}, {0})}).empty());
  EXPECT_EQ(program.errors, "expects ops with a reference implementation, got none for test.two, test.one\n");
}

TYPED_TEST(InterpreterTest, UnknownEntry) {
  Program program("func.func @other() { return }");
  EXPECT_TRUE(program.run<TypeParam>({}).empty());
  EXPECT_EQ(program.errors, "expects a function @main, got none of that name\n");
}

TYPED_TEST(InterpreterTest, CallsShareTheState) {
  Program program(R"(
vlp.variable counter @n : tensor<i32> {init = #vlp.init<constant, 1.0 : f64, 0.0 : f64>}
func.func private @bump(%n: tensor<i32>) -> (tensor<i32>, tensor<i32>) {
  %two = vlp.add %n, %n : (tensor<i32>, tensor<i32>) -> tensor<i32>
  vlp.write @n, %two : tensor<i32>
  return %two, %n : tensor<i32>, tensor<i32>
}
func.func @main() -> (tensor<i32>, tensor<i32>) {
  %n = vlp.read @n : tensor<i32>
  %r:2 = call @bump(%n) : (tensor<i32>) -> (tensor<i32>, tensor<i32>)
  return %r#0, %r#1 : tensor<i32>, tensor<i32>
})");
  State<TypeParam> state;
  addConstantState(*program.module, state);
  auto results = program.run({}, state);
  ASSERT_EQ(results.size(), 2u) << program.errors;
  EXPECT_EQ(results[0].ints[0], 2);
  EXPECT_EQ(results[1].ints[0], 1);
  EXPECT_EQ(state.at("n").ints[0], 2);
}

// The body of a kernel means what it means outside: also with a value that is yielded twice or passed through.
TYPED_TEST(InterpreterTest, KernelsEqualTheirBodies) {
  Program program(R"(
func.func @main(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<f32>, tensor<3xf32>, tensor<3xf32>) {
  %y:4 = vlp.kernel "row" (%x) : (tensor<3xf32>) -> (tensor<3xf32>, tensor<f32>, tensor<3xf32>, tensor<3xf32>) {
  ^bb0(%a: tensor<3xf32>):
    %two = vlp.constant dense<2.0> : tensor<f32>
    %b = vlp.mul %a, %two : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
    %s = vlp.reduce_sum %b {axes = array<i64: 0>} : (tensor<3xf32>) -> tensor<f32>
    vlp.yield %b, %s, %b, %a : tensor<3xf32>, tensor<f32>, tensor<3xf32>, tensor<3xf32>
  }
  return %y#0, %y#1, %y#2, %y#3 : tensor<3xf32>, tensor<f32>, tensor<3xf32>, tensor<3xf32>
})");
  auto results = program.run<TypeParam>({floats<TypeParam>({3}, {1, 2, 3})});
  ASSERT_EQ(results.size(), 4u) << program.errors;
  expectNear(results[0], {3}, {2, 4, 6});
  expectNear(results[1], {}, {12});
  expectNear(results[2], {3}, {2, 4, 6});
  expectNear(results[3], {3}, {1, 2, 3});
}

TYPED_TEST(InterpreterTest, TheObserverSeesEachOpInOrder) {
  Program program("func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {\n"
                  "%a = vlp.neg %x : (tensor<2xf32>) -> tensor<2xf32> loc(\"first\")\n"
                  "%unused = vlp.exp %a : (tensor<2xf32>) -> tensor<2xf32> loc(\"second\")\n"
                  "%b = vlp.add %a, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32> loc(\"third\")\n"
                  "return %b : tensor<2xf32>\n}");
  std::vector<std::string> seen;
  Interpreter<TypeParam> interpreter(*program.module);
  interpreter.setObserver([&](mlir::Operation *op, llvm::ArrayRef<const Array<TypeParam> *> operands,
                              llvm::ArrayRef<const Array<TypeParam> *> results) {
    EXPECT_EQ(operands.size(), op->getNumOperands());
    seen.push_back(getLayerName(op->getLoc()) + " " + toText(*results[0]));
  });
  ASSERT_TRUE(succeeded(interpreter.run("main", {floats<TypeParam>({2}, {0, 0})})));
  EXPECT_EQ(seen, (std::vector<std::string>{"first [2] -0 -0", "second [2] 1 1", "third [2] 0 0"}));
}

// Values may be used several times by one op, by many ops, and returned twice.
TYPED_TEST(InterpreterTest, ValuesLiveUntilTheirLastUse) {
  Program program("func.func @main(%x: tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) {\n"
                  "%a = vlp.add %x, %x : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>\n"
                  "%b = vlp.mul %a, %a : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>\n"
                  "%c = vlp.sub %b, %a : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>\n"
                  "return %c, %c, %x : tensor<1xf32>, tensor<1xf32>, tensor<1xf32>\n}");
  auto results = program.run<TypeParam>({floats<TypeParam>({1}, {3})});
  ASSERT_EQ(results.size(), 3u) << program.errors;
  EXPECT_EQ(results[0][0], TypeParam(30));
  EXPECT_EQ(results[1][0], TypeParam(30));
  EXPECT_EQ(results[2][0], TypeParam(3));
}

TYPED_TEST(InterpreterTest, LiteralsAreParsed) {
  Program program("");
  auto array = parseArray<TypeParam>("dense<[[1.0, -2.5], [3.0, 0x7FC00000]]> : tensor<2x2xf32>", &program.context);
  ASSERT_TRUE(succeeded(array)) << program.errors;
  expectNear(*array, {2, 2}, {1, -2.5, 3, NAN});
  auto splat = parseArray<TypeParam>("dense<7> : tensor<3xi32>", &program.context);
  ASSERT_TRUE(succeeded(splat));
  EXPECT_EQ(toText(*splat, 2), "[3] 7 7 ...");
  EXPECT_TRUE(failed(parseArray<TypeParam>("1.0 : f32", &program.context)));
  EXPECT_EQ(program.errors, "expects a dense tensor literal, got 1.0 : f32\n");
}

TEST(LayerName, IsTheOutermostName) {
  mlir::MLIRContext context;
  auto name = [&](llvm::StringRef text) { return mlir::NameLoc::get(mlir::StringAttr::get(&context, text)); };
  auto unknown = mlir::UnknownLoc::get(&context);
  EXPECT_EQ(getLayerName(unknown), "");
  EXPECT_EQ(getLayerName(mlir::NameLoc::get(mlir::StringAttr::get(&context, "a.b"), name("inner"))), "a.b");
  EXPECT_EQ(getLayerName(mlir::FusedLoc::get(&context, {unknown, name("x"), name("y")})), "x");
  EXPECT_EQ(getLayerName(mlir::CallSiteLoc::get(name("callee"), name("caller"))), "callee");
}
