// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions of whole rows on the GPU: every op, both types, rows of every length and as long as a vocabulary, ignored
// labels, smoothing, masked and infinite logits, epilogues, logits that are read transposed.
#include "test/passes/CUDA/KernelHarness.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using vlp::test::checkKernel;
using vlp::test::KernelCase;
using vlp::test::with;

namespace {

const int kColumns[] = {1, 17, 50, 77, 192, 197, 257, 768, 1000, 1024, 1664, 5000};
const int kRows[] = {1, 3, 5};

/// Writes cases of `rows` x `columns` elements of `type`; what there is one of a row is f32.
struct Rows {
  int rows, columns;
  std::string type = "f32";

  std::string text(const std::string &t) const { return with(with(t, {{"R", rows}, {"C", columns}}), "T", type); }
  std::string matrix() const { return text("RxCxT"); }
  std::string column(const std::string &element = "f32") const { return text("Rx") + element; }
  KernelCase make(std::vector<std::string> inputs, const std::string &body, std::vector<std::string> yields,
                  std::vector<std::string> results) const {
    return {"row", std::move(inputs), text(body), std::move(yields), std::move(results)};
  }

  KernelCase softmax() const {
    KernelCase c = make({matrix()}, "%y = vlp.softmax %a0 : (tensor<RxCxT>) -> tensor<RxCxT>", {"%y"}, {matrix()});
    c.range = 30;
    return c;
  }
  KernelCase softmaxGrad() const {
    return make({matrix(), matrix()},
                "%y = vlp.softmax_grad %a0, %a1 : (tensor<RxCxT>, tensor<RxCxT>) -> tensor<RxCxT>", {"%y"}, {matrix()});
  }
  KernelCase l2Normalize(const std::string &eps = "1.0e-12") const {
    return make({matrix()},
                "%y, %n = vlp.l2_normalize %a0 {eps = " + eps +
                    " : f64} : (tensor<RxCxT>) -> (tensor<RxCxT>, tensor<Rxf32>)",
                {"%y", "%n"}, {matrix(), column()});
  }
  KernelCase l2NormalizeGrad(const std::string &eps = "0.0") const {
    KernelCase c = make({matrix(), column(), matrix()},
                        "%y = vlp.l2_normalize_grad %a0, %a1, %a2 {eps = " + eps +
                            " : f64} : (tensor<RxCxT>, tensor<Rxf32>, tensor<RxCxT>) -> tensor<RxCxT>",
                        {"%y"}, {matrix()});
    c.positive = true;
    return c;
  }
  KernelCase argmax() const {
    KernelCase c = make({matrix()}, "%y = vlp.argmax %a0 : (tensor<RxCxT>) -> tensor<Rxi32>", {"%y"}, {column("i32")});
    c.integers = 9;
    return c;
  }
  /// A third of the labels, about, is ignored.
  KernelCase crossEntropy(const std::string &smoothing = "0.1", int ignored = 2) const {
    KernelCase c = make({matrix(), column("i32")},
                        "%l, %e = vlp.cross_entropy %a0, %a1 {ignore_index = " + std::to_string(ignored) +
                            " : i64, smoothing = " + smoothing +
                            " : f64} : (tensor<RxCxT>, tensor<Rxi32>) -> (tensor<Rxf32>, tensor<Rxf32>)",
                        {"%l", "%e"}, {column(), column()});
    c.integers = std::min(columns, 3);
    c.range = 200;
    return c;
  }
  KernelCase crossEntropyGrad(const std::string &smoothing = "0.1", int ignored = 2) const {
    KernelCase c = make({matrix(), column("i32"), column(), column()},
                        "%g = vlp.cross_entropy_grad %a0, %a1, %a2, %a3 {ignore_index = " + std::to_string(ignored) +
                            " : i64, smoothing = " + smoothing +
                            " : f64} : (tensor<RxCxT>, tensor<Rxi32>, tensor<Rxf32>, tensor<Rxf32>) -> tensor<RxCxT>",
                        {"%g"}, {matrix()});
    c.integers = std::min(columns, 3);
    c.range = 2;
    return c;
  }
  KernelCase softCrossEntropy() const {
    KernelCase c = make({matrix(), matrix()},
                        "%l, %e = vlp.soft_cross_entropy %a0, %a1 : (tensor<RxCxT>, tensor<RxCxT>) -> (tensor<Rxf32>, "
                        "tensor<Rxf32>)",
                        {"%l", "%e"}, {column(), column()});
    c.range = 2;
    c.given[1] = random(2);
    for (double &target : c.given[1])
      target = std::abs(target); // a distribution, but for its scale
    return c;
  }
  KernelCase softCrossEntropyGrad() const {
    KernelCase c = make({matrix(), matrix(), column(), column()},
                        "%g = vlp.soft_cross_entropy_grad %a0, %a1, %a2, %a3 : (tensor<RxCxT>, tensor<RxCxT>, "
                        "tensor<Rxf32>, tensor<Rxf32>) -> tensor<RxCxT>",
                        {"%g"}, {matrix()});
    c.range = 2;
    c.tolerance = 5e-6;
    return c;
  }

  /// Numbers in [-1, 1).
  std::vector<double> random(unsigned seed) const {
    std::mt19937 generator(seed);
    std::vector<double> values(rows * columns);
    for (double &value : values)
      value = generator() / 2147483648.0 - 1;
    return values;
  }
};

/// Calls `check` for every length, with numbers of rows and types that take turns.
void forEachLength(void (*check)(const Rows &)) {
  int turn = 0;
  for (int columns : kColumns) {
    check({kRows[turn % 3], columns, turn % 2 ? "bf16" : "f32"});
    if (columns % 8 == 0 || columns == 197)
      check({kRows[(turn + 1) % 3], columns, turn % 2 ? "f32" : "bf16"});
    ++turn;
  }
}

TEST(Row, Softmax) {
  forEachLength([](const Rows &rows) { checkKernel(rows.softmax()); });
}
TEST(Row, SoftmaxGrad) {
  forEachLength([](const Rows &rows) { checkKernel(rows.softmaxGrad()); });
}
TEST(Row, L2Normalize) {
  forEachLength([](const Rows &rows) { checkKernel(rows.l2Normalize()); });
}
TEST(Row, L2NormalizeGrad) {
  forEachLength([](const Rows &rows) { checkKernel(rows.l2NormalizeGrad()); });
}
TEST(Row, CrossEntropy) {
  forEachLength([](const Rows &rows) {
    // The loss of one class is 0, and smoothed only up to the logit's rounding.
    checkKernel(rows.crossEntropy(rows.columns == 1 ? "0.0" : "0.1"));
  });
}
TEST(Row, CrossEntropyGrad) {
  forEachLength([](const Rows &rows) { checkKernel(rows.crossEntropyGrad()); });
}
TEST(Row, SoftCrossEntropy) {
  forEachLength([](const Rows &rows) { checkKernel(rows.softCrossEntropy()); });
}
TEST(Row, SoftCrossEntropyGrad) {
  forEachLength([](const Rows &rows) { checkKernel(rows.softCrossEntropyGrad()); });
}
TEST(Row, Argmax) {
  forEachLength([](const Rows &rows) {
    checkKernel(rows.argmax());
    if (rows.type == "f32")
      checkKernel(Rows{rows.rows, rows.columns, "i32"}.argmax());
  });
}

// Many rows take a warp each, or share one, where few have a block.
TEST(Row, ManyRows) {
  for (auto [count, columns] : {std::pair{301, 1}, {270, 16}, {261, 77}, {259, 768}}) {
    Rows f32{count, columns}, bf16{count, columns, "bf16"};
    checkKernel(f32.softmax());
    checkKernel(bf16.l2Normalize());
    checkKernel(bf16.l2NormalizeGrad());
    checkKernel(f32.crossEntropy(columns == 1 ? "0.0" : "0.1"));
    checkKernel(f32.softCrossEntropy());
    checkKernel(bf16.softCrossEntropyGrad());
    checkKernel(bf16.argmax());
  }
}

// Where a thread has the most elements that it may, in a warp and in a block: no spills.
TEST(Row, LongestRowsInRegisters) {
  for (const char *type : {"f32", "bf16"}) {
    Rows warp{257, 1792, type}, block{1, 24576, type}, warpOfTwo{257, 1024, type}, blockOfTwo{1, 12288, type};
    for (const Rows &rows : {warp, block}) {
      checkKernel(rows.softmax());
      checkKernel(rows.l2Normalize());
      checkKernel(rows.crossEntropy());
    }
    for (const Rows &rows : {warpOfTwo, blockOfTwo}) {
      checkKernel(rows.softCrossEntropy());
      checkKernel(rows.softCrossEntropyGrad());
      checkKernel(rows.l2NormalizeGrad());
    }
  }
  checkKernel(Rows{1, 24575}.crossEntropy());
  checkKernel(Rows{1, 12287}.softCrossEntropy());
}

// Maximum and sum of exponentials are found in one sweep where the row does not stay in registers.
TEST(Row, LongerThanRegisters) {
  Rows odd{2, 24683}, even{1, 49408, "bf16"}, two{2, 12416};
  for (const Rows &rows : {odd, even}) {
    checkKernel(rows.softmax());
    checkKernel(rows.l2Normalize());
    checkKernel(rows.crossEntropy("0.1", 1));
    checkKernel(rows.argmax());
  }
  checkKernel(two.softCrossEntropy());
  checkKernel(two.softCrossEntropyGrad());
  checkKernel(two.softmaxGrad());
  checkKernel(two.l2NormalizeGrad());
}

TEST(Row, LabelsAndSmoothing) {
  for (const char *smoothing : {"0.0", "0.25", "1.0"})
    for (int ignored : {-100, 1}) {
      Rows rows{6, 33};
      for (KernelCase c : {rows.crossEntropy(smoothing, ignored), rows.crossEntropyGrad(smoothing, ignored)}) {
        c.given[1] = {0, 32, 1, double(ignored), 31, 7};
        checkKernel(c);
      }
    }
}

TEST(Row, LabelsThatNoIntegerCanIgnore) {
  KernelCase c = Rows{4, 12}.crossEntropy();
  c.body = with(c.body, "ignore_index = 2", "ignore_index = 4294967298"); // 2, in 32 bits
  c.given[1] = {2, 0, 2, 11};
  checkKernel(c);
}

TEST(Row, MaskedAndInfiniteLogits) {
  for (int columns : {20, 300, 24683}) {
    Rows rows{5, columns};
    std::vector<double> x = rows.random(11);
    x[3] = -INFINITY;                   // masked
    x[columns + 5] = INFINITY;          // too large
    x[2 * columns + columns - 1] = NAN; // not a number, at the end
    for (int i = 0; i < columns; ++i)
      x[3 * columns + i] = -INFINITY; // all masked
    for (int i = 1; i < columns; ++i)
      x[4 * columns + i] = -INFINITY; // all masked but one
    std::vector<KernelCase> cases = {rows.crossEntropy("0.0", -100)};
    if (columns < 1000)
      cases.insert(cases.end(), {rows.softmax(), rows.l2Normalize(), rows.argmax(), rows.crossEntropy("0.5", -100)});
    for (KernelCase &c : cases) {
      c.given[0] = x;
      if (c.inputs.size() > 1)
        c.given[1] = {1, 0, 1, 2, 0};
      checkKernel(c);
    }
  }
}

TEST(Row, ArgmaxOfEqualAndMissingNumbers) {
  for (int columns : {7, 40, 300}) {
    Rows rows{5, columns};
    std::vector<double> x(5 * columns, 0.5); // all equal: the first
    x[columns] = NAN;                        // nothing is larger than a NaN in front
    x[2 * columns + 1] = NAN;                // which is never larger itself
    x[2 * columns + 4] = x[2 * columns + 6] = 1;
    for (int i = 0; i < columns; ++i)
      x[3 * columns + i] = i % 2 ? -INFINITY : NAN;
    x[4 * columns + columns - 1] = INFINITY;
    KernelCase c = rows.argmax();
    c.given[0] = x;
    checkKernel(c);
    KernelCase integers = Rows{2, columns, "i32"}.argmax();
    integers.given[0] = std::vector<double>(2 * columns, INT32_MIN);
    integers.given[0][columns + columns / 2] = INT32_MAX;
    checkKernel(integers);
  }
}

TEST(Row, NormOfZeroRows) {
  for (int columns : {8, 100}) {
    Rows rows{3, columns};
    const char *eps = "9.765625e-4"; // 2^-10, the same in f32
    KernelCase forward = rows.l2Normalize(eps), backward = rows.l2NormalizeGrad(eps);
    std::vector<double> x = rows.random(4);
    for (int i = 0; i < columns; ++i)
      x[columns + i] = 0, x[2 * columns + i] *= 1e-6;
    forward.given[0] = x;
    checkKernel(forward);
    backward.given[1] = {1.5, 0, 9.765625e-4}; // above eps, below, equal
    checkKernel(backward);
  }
}

TEST(Row, CastsAtBothEnds) {
  for (int columns : {24, 77, 512}) {
    Rows rows{5, columns};
    KernelCase c = rows.l2NormalizeGrad();
    c.inputs[2] = rows.text("RxCxbf16");
    c.body = rows.text("%w = vlp.cast %a2 : (tensor<RxCxbf16>) -> tensor<RxCxf32>\n") + with(c.body, "%a2", "%w") +
             rows.text("\n%n = vlp.cast %y : (tensor<RxCxf32>) -> tensor<RxCxbf16>");
    c.yields = {"%n"};
    c.results = {rows.text("RxCxbf16")};
    checkKernel(c);
  }
}

TEST(Row, ScalarsOfARowGoOn) {
  for (int columns : {20, 257}) {
    Rows rows{6, columns};
    KernelCase c = rows.crossEntropy("0.1", 1);
    c.inputs.push_back("f32");
    c.body += rows.text("\n%s = vlp.mul %l, %a2 : (tensor<Rxf32>, tensor<f32>) -> tensor<Rxf32>"
                        "\n%p = vlp.exp %e : (tensor<Rxf32>) -> tensor<Rxf32>");
    c.yields = {"%s", "%l", "%p"};
    c.results = {"6xf32", "6xf32", "6xf32"};
    c.range = 3;
    checkKernel(c);
  }
}

TEST(Row, GradientOfAMeanIsAConstantInsideTheKernel) {
  checkKernel({"row",
               {"6x20xf32", "6x20xf32", "6xf32"},
               "%d = vlp.constant dense<0.25> : tensor<6xf32>\n"
               "%g = vlp.soft_cross_entropy_grad %a0, %a1, %a2, %d : (tensor<6x20xf32>, tensor<6x20xf32>, "
               "tensor<6xf32>, tensor<6xf32>) -> tensor<6x20xf32>",
               {"%g"},
               {"6x20xf32"},
               3,
               2.0,
               false,
               5e-6});
}

// Of the second tower: its logits are the first one's, transposed.
TEST(Row, TransposedLogits) {
  for (auto [count, columns] : {std::pair{5, 7}, {64, 64}, {300, 40}}) {
    Rows rows{count, columns};
    KernelCase c = rows.softCrossEntropy();
    c.inputs[0] = rows.text("CxRxf32");
    c.body =
        rows.text("%t = vlp.transpose %a0 {permutation = array<i64: 1, 0>} : (tensor<CxRxf32>) -> tensor<RxCxf32>\n") +
        with(c.body, "%a0", "%t");
    checkKernel(c);
  }
}

TEST(Row, TransposedLogitsOfALargeBatch) {
  Rows rows{2048, 1025};
  KernelCase c = rows.softCrossEntropy();
  c.inputs[0] = rows.text("CxRxf32");
  c.body =
      rows.text("%t = vlp.transpose %a0 {permutation = array<i64: 1, 0>} : (tensor<CxRxf32>) -> tensor<RxCxf32>\n") +
      with(c.body, "%a0", "%t");
  checkKernel(c);
}

TEST(Row, OneRow) {
  checkKernel({"row", {"40xf32"}, "%y = vlp.softmax %a0 : (tensor<40xf32>) -> tensor<40xf32>", {"%y"}, {"40xf32"}});
  checkKernel({"row", {"40xf32"}, "%y = vlp.argmax %a0 : (tensor<40xf32>) -> tensor<i32>", {"%y"}, {"i32"}});
  checkKernel({"row",
               {"2x3x12xbf16"},
               "%y, %n = vlp.l2_normalize %a0 {eps = 0.0 : f64} : (tensor<2x3x12xbf16>) -> (tensor<2x3x12xbf16>, "
               "tensor<2x3xf32>)",
               {"%y", "%n"},
               {"2x3x12xbf16", "2x3xf32"}});
}

} // namespace
