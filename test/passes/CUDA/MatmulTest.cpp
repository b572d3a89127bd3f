// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Matrix products on the GPU: the three training forms, both types, tails of every dimension, views as operands,
// epilogues in registers and through shared memory, sums in parts, tiles of every shape, exact numbers of instructions.
#include "passes/CUDA/MatmulTile.h"
#include "test/passes/CUDA/KernelHarness.h"
#include "test/passes/CUDA/MutatedKernel.h"
#include "llvm/IR/Constants.h"

#include <gtest/gtest.h>
#include <limits>

using namespace vlp::cuda;
using vlp::test::checkKernel;
using vlp::test::KernelCase;
using vlp::test::MutatedKernel;

namespace {

const char *const kTypes[] = {"f32", "bf16"};

std::string tensor(std::initializer_list<int> sizes, const std::string &type) {
  std::string text;
  for (int size : sizes)
    text += std::to_string(size) + "x";
  return text + type;
}

/// "(tensor<a>, tensor<b>)"
std::string types(const std::vector<std::string> &list) {
  std::string text;
  for (const std::string &type : list)
    text += (text.empty() ? "tensor<" : ", tensor<") + type + ">";
  return "(" + text + ")";
}

/// "%name = vlp.op %operands : types -> type"
std::string call(const std::string &name, const std::string &op, const std::string &operands,
                 const std::vector<std::string> &from, const std::string &to, const std::string &attributes = "") {
  return name + " = vlp." + op + " " + operands + " " + attributes + " : " + types(from) + " -> tensor<" + to + ">\n";
}

std::string slice(const std::string &name, const std::string &from, const std::string &fromType,
                  const std::string &offsets, const std::string &sizes, const std::string &type) {
  return call(name, "slice", from, {fromType}, type,
              "{offsets = array<i64: " + offsets + ">, sizes = array<i64: " + sizes + ">}");
}

enum Form { Linear, InputGradient, WeightGradient };
constexpr Form kForms[] = {Linear, InputGradient, WeightGradient};

/// A product of plain operands, its value called %y. f32: the error of a product is about 2^-22 of its factors, that of
/// a sum 2^-24 of partial sums, which are no larger than the largest result's terms taken together: the CPU's tolerance
/// holds for any k.
KernelCase product(Form form, int m, int n, int k, const std::string &type, std::string resultType = "") {
  resultType = resultType.empty() ? type : resultType;
  std::string a = form == WeightGradient ? tensor({k, m}, type) : tensor({m, k}, type);
  std::string b = form == Linear ? tensor({n, k}, type) : tensor({k, n}, type), c = tensor({m, n}, resultType);
  const char *op = form == Linear ? "linear" : "matmul";
  return {"matmul",
          {a, b},
          call("%y", op, "%a0, %a1", {a, b}, c, form == WeightGradient ? "{transpose_lhs}" : ""),
          {"%y"},
          {c}};
}

/// Adds an input of `type`; its name.
std::string addInput(KernelCase &c, const std::string &type) {
  c.inputs.push_back(type);
  return "%a" + std::to_string(c.inputs.size() - 1);
}

/// A linear map with a bias of `biasType`.
KernelCase linear(int m, int n, int k, const std::string &type, const std::string &biasType,
                  const std::string &resultType) {
  std::vector<std::string> inputs = {tensor({m, k}, type), tensor({n, k}, type), tensor({n}, biasType)};
  std::string result = tensor({m, n}, resultType);
  return {"matmul", inputs, call("%y", "linear", "%a0, %a1, %a2", inputs, result), {"%y"}, {result}};
}

struct Sizes {
  int m, n, k;
};

// Every size stands in every place.
constexpr Sizes kSizes[] = {{1, 5, 50},    {3, 1, 17},   {5, 77, 257},    {17, 192, 1}, {50, 17, 3},
                            {77, 128, 77}, {128, 50, 5}, {192, 257, 128}, {257, 3, 192}};

class CudaMatmulForms : public testing::TestWithParam<std::tuple<const char *, Form>> {};

TEST_P(CudaMatmulForms, SizesWithAndWithoutTails) {
  auto [type, form] = GetParam();
  for (auto [m, n, k] : kSizes)
    checkKernel(product(form, m, n, k, type));
}

INSTANTIATE_TEST_SUITE_P(All, CudaMatmulForms, testing::Combine(testing::ValuesIn(kTypes), testing::ValuesIn(kForms)));

TEST(CudaMatmul, ResultsInF32OfOperandsInBF16) {
  for (Form form : kForms)
    for (auto [m, n, k] : {Sizes{17, 24, 40}, {64, 7, 33}})
      checkKernel(product(form, m, n, k, "bf16", "f32"));
}

TEST(CudaMatmul, LeadingDimensions) {
  for (const char *type : kTypes) {
    std::string x = tensor({2, 3, 17, 24}, type), w = tensor({40, 24}, type), y = tensor({2, 3, 17, 40}, type);
    checkKernel({"matmul", {x, w}, call("%y", "linear", "%a0, %a1", {x, w}, y), {"%y"}, {y}});
    std::string d = tensor({24, 5}, type), z = tensor({2, 3, 17, 5}, type);
    checkKernel({"matmul", {x, d}, call("%y", "matmul", "%a0, %a1", {x, d}, z), {"%y"}, {z}});
    // One row: a vector times a matrix.
    std::string v = tensor({24}, type), r = tensor({40}, type);
    checkKernel({"matmul", {v, w}, call("%y", "linear", "%a0, %a1", {v, w}, r), {"%y"}, {r}});
  }
}

// Query, key and value gradients lie side by side in rows; those of odd size leave copies of one element.
TEST(CudaMatmul, SlicesOfAFusedProjection) {
  for (const char *type : kTypes)
    for (int width : {16, 20, 18, 17})
      for (int place : {0, 2}) {
        std::string fused = tensor({3, 19, 3 * width}, type), x = tensor({3, 19, width}, type),
                    w = tensor({24, width}, type);
        std::string y = tensor({3, 19, 24}, type);
        std::string offsets = "0, 0, " + std::to_string(place * width), sizes = "3, 19, " + std::to_string(width);
        checkKernel({"matmul",
                     {fused, w},
                     slice("%x", "%a0", fused, offsets, sizes, x) + call("%y", "linear", "%x, %a1", {x, w}, y),
                     {"%y"},
                     {y}});
      }
}

TEST(CudaMatmul, SlicesInAWeightGradient) {
  for (const char *type : kTypes)
    for (int width : {16, 18, 17}) {
      std::string dy = tensor({70, 3 * width}, type), d = tensor({70, width}, type), x = tensor({71, 21}, type);
      std::string rest = tensor({70, 20}, type), y = tensor({width, 20}, "f32");
      std::string first = "0, " + std::to_string(width), sizes = "70, " + std::to_string(width);
      checkKernel({"matmul",
                   {dy, x},
                   slice("%d", "%a0", dy, first, sizes, d) + slice("%x", "%a1", x, "1, 1", "70, 20", rest) +
                       call("%y", "matmul", "%d, %x", {d, rest}, y, "{transpose_lhs}"),
                   {"%y"},
                   {y}});
    }
}

// Rows of the left operand do not follow one another: the class token is left out, or the class tokens alone are taken.
TEST(CudaMatmul, RowsOfEachBatch) {
  for (const char *type : kTypes)
    for (auto [first, rows] : {std::pair{1, 16}, {0, 1}, {2, 7}}) {
      std::string x = tensor({5, 17, 24}, type), s = tensor({5, rows, 24}, type), w = tensor({16, 24}, type),
                  p = tensor({17, 16}, type);
      std::string y = tensor({5, rows, 16}, type), q = tensor({rows, 16}, type);
      std::string offset = std::to_string(first), count = std::to_string(rows);
      KernelCase c{"matmul",
                   {x, w, p},
                   slice("%s", "%a0", x, "0, " + offset + ", 0", "5, " + count + ", 24", s) +
                       call("%y", "linear", "%s, %a1", {s, w}, y) +
                       slice("%p", "%a2", p, offset + ", 0", count + ", 16", q) +
                       call("%z", "add", "%y, %p", {y, q}, y),
                   {"%z"},
                   {y}};
      c.tolerance = std::string(type) == "bf16" ? 1.0 / 256 : c.tolerance; // y is rounded before the sum
      checkKernel(c);
    }
}

TEST(CudaMatmul, TransposedViews) {
  for (const char *type : kTypes)
    for (int m : {24, 19}) {
      std::string a = tensor({40, m}, type), at = tensor({m, 40}, type), w = tensor({40, 33}, type),
                  wt = tensor({33, 40}, type);
      std::string y = tensor({m, 33}, type), swap = "{permutation = array<i64: 1, 0>}";
      checkKernel({"matmul",
                   {a, w},
                   call("%x", "transpose", "%a0", {a}, at, swap) + call("%w", "transpose", "%a1", {w}, wt, swap) +
                       call("%y", "linear", "%x, %w", {at, wt}, y),
                   {"%y"},
                   {y}});
      // The three dimensions of the left operand in an order in which no single step leads from row to row.
      std::string b = tensor({40, 3, m}, type), bt = tensor({m, 3, 40}, type), z = tensor({m, 3, 33}, type);
      checkKernel({"matmul",
                   {b, wt},
                   call("%x", "transpose", "%a0", {b}, bt, "{permutation = array<i64: 2, 1, 0>}") +
                       call("%y", "linear", "%x, %a1", {bt, wt}, z),
                   {"%y"},
                   {z}});
    }
}

TEST(CudaMatmul, Bias) {
  struct Case {
    const char *type, *bias, *result;
  };
  for (auto [type, bias, result] :
       {Case{"f32", "f32", "f32"}, {"bf16", "bf16", "bf16"}, {"bf16", "f32", "bf16"}, {"bf16", "f32", "f32"}})
    for (auto [m, n, k] : {Sizes{33, 40, 24}, {5, 37, 9}, {130, 200, 16}})
      checkKernel(linear(m, n, k, type, bias, result));
}

/// Appends z = op(y, further inputs of y's type) and yields it, beside y if `both`. In bf16 the kernel rounds y, which
/// the interpreter's f64 mode does not: up to 2^-8 of it, times the steepest slope of all functions, that of
/// GELU, 1.13.
void addEpilogue(KernelCase &c, const std::string &op, int operands, bool both) {
  std::string type = c.results[0], names = "%y";
  std::vector<std::string> from = {type};
  for (int i = 1; i < operands; ++i) {
    names += ", " + addInput(c, type);
    from.push_back(type);
  }
  c.body += call("%z", op, names, from, type);
  c.yields = both ? std::vector<std::string>{"%y", "%z"} : std::vector<std::string>{"%z"};
  c.results = std::vector<std::string>(c.yields.size(), type);
  if (type.find("bf16") != std::string::npos)
    c.tolerance = 1.13 / 256;
}

TEST(CudaMatmul, HeavyEpiloguesGoThroughSharedMemory) {
  struct Epilogue {
    const char *op;
    int operands;
  };
  for (const char *type : kTypes)
    for (auto [op, operands] : {Epilogue{"gelu", 1}, {"quick_gelu", 1}, {"gelu_grad", 2}, {"quick_gelu_grad", 2}})
      for (auto [n, both] : {std::pair{40, true}, {48, false}, {37, true}}) {
        KernelCase c = linear(33, n, 24, type, type, type);
        addEpilogue(c, op, operands, both);
        checkKernel(c);
      }
}

TEST(CudaMatmul, LightEpiloguesStayInRegisters) {
  for (const char *type : kTypes)
    for (int n : {40, 64, 37}) {
      KernelCase residual = linear(33, n, 24, type, type, type);
      addEpilogue(residual, "add", 2, false);
      checkKernel(residual);
      KernelCase scaled = product(Linear, 17, n, 24, type);
      std::string y = scaled.results[0], scale = addInput(scaled, type);
      scaled.body += call("%e", "exp", scale, {type}, type) + call("%z", "mul", "%y, %e", {y, type}, y);
      scaled.yields = {"%y", "%z"};
      scaled.results = {y, y};
      scaled.tolerance = std::string(type) == "bf16" ? 2.0 / 256 : scaled.tolerance; // y and e are rounded first
      checkKernel(scaled);
      KernelCase gradient = product(WeightGradient, 24, n, 33, type);
      addEpilogue(gradient, "accumulate", 3, false);
      checkKernel(gradient);
    }
}

// What mixed precision makes of a layer: products in bf16, residuals and biases in f32, results rounded at the end.
TEST(CudaMatmul, MixedPrecision) {
  for (int n : {64, 40, 37}) {
    std::string f32 = tensor({33, n}, "f32"), bf16 = tensor({33, n}, "bf16");
    KernelCase c = linear(33, n, 24, "bf16", "f32", "f32");
    c.body += call("%s", "add", "%y, " + addInput(c, f32), {f32, f32}, f32) + call("%c", "cast", "%s", {f32}, bf16);
    c.yields = {"%s", "%c"};
    c.results = {f32, bf16};
    checkKernel(c);

    KernelCase two = linear(33, n, 24, "bf16", "f32", "f32");
    two.body += call("%c", "cast", "%y", {f32}, bf16) + call("%g", "gelu", "%y", {f32}, f32) +
                call("%h", "cast", "%g", {f32}, bf16);
    two.yields = {"%c", "%h"};
    two.results = {bf16, bf16};
    checkKernel(two);

    KernelCase gradient = product(InputGradient, 33, n, 24, "bf16", "f32");
    gradient.body += call("%p", "cast", addInput(gradient, bf16), {bf16}, f32) +
                     call("%g", "gelu_grad", "%p, %y", {f32, f32}, f32) + call("%c", "cast", "%g", {f32}, bf16);
    gradient.yields = {"%c"};
    gradient.results = {bf16};
    checkKernel(gradient);
  }
}

TEST(CudaMatmul, LongSumsGoInParts) {
  for (const char *type : kTypes)
    for (auto [m, n, k] : {Sizes{64, 48, 1600}, {3, 5, 4099}, {13, 130, 2000}}) {
      auto counts = checkKernel(product(WeightGradient, m, n, k, type, "f32"));
      EXPECT_EQ(counts.size(), 2u) << m << "x" << n << "x" << k << " is not split";
    }
}

TEST(CudaMatmul, PartsMeetTheEpilogue) {
  for (const char *type : kTypes)
    for (int n : {40, 37}) {
      KernelCase c = linear(20, n, 333, type, "f32", type);
      addEpilogue(c, "gelu", 1, true);
      for (const char *tile : {"32x32x32,16x16,2,3", "16x64x64,16x16,3,2", "32x32x32,16x16,2,11"}) {
        auto counts = checkKernel(c, tile);
        ASSERT_EQ(counts.size(), 2u);
        EXPECT_EQ(counts[1].mma, 0u);
      }
    }
}

TEST(CudaMatmul, ANotANumberStaysInItsRow) {
  for (const char *type : kTypes)
    for (const char *tile : {"", "32x32x32,16x16,3,1", "32x32x32,16x16,2,2"}) {
      KernelCase c = product(Linear, 20, 36, 50, type);
      std::vector<double> values(20 * 50);
      for (size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<int>(i % 7) / 4.0 - 0.75;
      values[3 * 50 + 49] = std::numeric_limits<double>::quiet_NaN();
      c.given[0] = values;
      checkKernel(c, tile);
    }
}

// A number of 18 bits is two of tf32, and sums of fifty are exact in f32: each of the three products must be there.
TEST(CudaMatmul, WholeNumbersAreExact) {
  for (Form form : kForms)
    for (unsigned wide : {0u, 1u}) {
      KernelCase c = product(form, 33, 41, 50, "f32");
      for (unsigned i : {0u, 1u}) {
        std::vector<double> values(i == 0 ? 33 * 50 : 41 * 50);
        for (size_t e = 0; e < values.size(); ++e)
          values[e] = i == wide ? static_cast<int>(e * 30011 % 524287) - 262143 : static_cast<int>(e * 7 % 3) - 1;
        c.given[i] = values;
      }
      c.tolerance = 0;
      checkKernel(c);
    }
}

MatmulTile read(const char *text) { return parseTile(text).value(); }

class CudaMatmulTiles : public testing::TestWithParam<const char *> {};

TEST_P(CudaMatmulTiles, EveryFormWithTails) {
  MatmulTile tile = read(GetParam());
  std::string why;
  for (const char *type : kTypes)
    for (Form form : kForms) {
      int m = tile.rows + 3, n = tile.columns + 9,
          k = tile.stages == 1 ? tile.depth - 5 : tile.depth * tile.stages + 11;
      ProductShape p{m, n, k, type[0] == 'f' ? 4 : 2, {}, {}};
      bool fits = isValidTile(p, tile, getChip("sm_80"), why);
      EXPECT_TRUE(fits || p.isF32()) << why; // of f32, shared memory holds half as much
      if (fits)
        checkKernel(product(form, m, n, k, type), GetParam());
    }
}

INSTANTIATE_TEST_SUITE_P(All, CudaMatmulTiles,
                         testing::Values("128x256x32,64x64,3,1", "128x128x64,64x32,3,1", "64x128x64,32x64,2,1",
                                         "128x32x32,32x32,4,1", "16x128x64,16x32,2,1", "64x32x64,32x16,1,1",
                                         "16x16x64,16x16,4,1"));

// Operands of a tensor-core instruction: 0 to 3 of the rows, 4 and 5 of the columns. Exchanged halves of k or strips,
// in one instruction alone, or any one product left out: the harness sees it.
TEST(CudaMatmul, EveryFragmentAndEveryProductCounts) {
  for (const char *type : kTypes)
    for (Form form : kForms) {
      SCOPED_TRACE(std::string(type) + " form " + std::to_string(form));
      MutatedKernel kernel(product(form, 33, 41, 100, type));
      EXPECT_TRUE(kernel.failures([](llvm::Module &) {}).empty());
      for (auto [i, j] : {std::pair{0, 1}, {0, 2}, {4, 5}})
        EXPECT_FALSE(kernel
                         .failures([&, i = i, j = j](llvm::Module &module) {
                           llvm::Instruction *mma = MutatedKernel::calls(module, "mma.").front();
                           llvm::Value *first = mma->getOperand(i);
                           mma->setOperand(i, mma->getOperand(j));
                           mma->setOperand(j, first);
                         })
                         .empty())
            << "operands " << i << " and " << j << " exchanged";
      size_t count = MutatedKernel::calls(*kernel.code->device, "mma.").size();
      EXPECT_GT(count, 0u);
      for (size_t number = 0; number < count; ++number)
        EXPECT_FALSE(kernel
                         .failures([&](llvm::Module &module) {
                           llvm::Instruction *mma = MutatedKernel::calls(module, "mma.")[number];
                           for (unsigned operand : {0, 1, 2, 3})
                             mma->setOperand(operand, llvm::ConstantInt::get(mma->getOperand(operand)->getType(), 0));
                         })
                         .empty())
            << "product " << number << " left out";
    }
}

// 767 bf16 are copied one by one, from rows without a common step: offsets that stay in registers.
TEST(CudaMatmul, ManyCopiesWithOffsetsOfTheirOwnDoNotSpill) {
  std::string x = tensor({20, 51, 767}, "bf16"), rows = tensor({20, 50, 767}, "bf16"), w = tensor({767, 767}, "bf16");
  KernelCase c{"matmul",
               {x, w},
               slice("%x", "%a0", x, "0, 1, 0", "20, 50, 767", rows) + call("%y", "linear", "%x, %a1", {rows, w}, rows),
               {"%y"},
               {rows}};
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  vlp::test::loadDialects(context);
  vlp::test::PreparedCase prepared = vlp::test::prepare(c, context);
  ASSERT_TRUE(prepared.kernel);
  for (const char *chip : {"sm_80", "sm_90"}) {
    SCOPED_TRACE(chooseTile({1000, 767, 767, 2, {true, 2, true}, {true, 2}}, getChip(chip)).text() + " on " + chip);
    if (auto code = vlp::test::compileKernel(prepared.kernel, chip))
      vlp::test::judge(*code, chip);
  }
}

// Plans.

TEST(CudaMatmulTile, TextIsReadBack) {
  for (const char *text : {"128x128x64,64x32,3,1", "16x16x32,16x16,2,12"})
    EXPECT_EQ(read(text).text(), text);
  for (const char *text : {"", "128x128x64", "128x128x64,64x32,3", "128x128x64,64x32,3,1,1", "128x128x64,64x32,3,0",
                           "128x128x64,64x32,3,-1", "128,128,64,64,32,3,1", "axbxc,dxe,f,g", "0128x128x64,64x32,3,1"})
    EXPECT_FALSE(parseTile(text)) << text;
}

TEST(CudaMatmulTile, WhatIsWrongIsSaid) {
  ProductShape p{256, 256, 256, 2, {}, {}};
  std::string why;
  struct Case {
    const char *tile, *says;
  };
  for (auto [tile, says] : {Case{"48x128x64,16x16,3,1", "powers of two"},
                            {"128x128x16,64x32,3,1", "a depth of 32 or 64"},
                            {"128x128x64,128x32,3,1", "16 to 64 rows and columns a warp"},
                            {"32x32x64,64x16,3,1", "16 to 64 rows and columns a warp"},
                            {"128x256x64,16x16,3,1", "at most 512 threads"},
                            {"16x256x32,16x16,3,1", "a copy for every thread"},
                            {"128x128x64,64x32,1,1", "one only where k is one tile deep"},
                            {"128x128x64,64x32,7,1", "one to six stages"},
                            {"128x256x64,64x32,6,1", "shared memory"},
                            {"128x128x64,64x32,3,5", "no part of the sum without"}}) {
    EXPECT_FALSE(isValidTile(p, read(tile), getChip("sm_80"), why)) << tile;
    EXPECT_NE(why.find(says), std::string::npos) << why;
    EXPECT_EQ(why.find(std::string("tile ") + tile + ": expected "), 0u) << why;
  }
  EXPECT_TRUE(isValidTile(p, read("128x128x64,64x32,3,1"), getChip("sm_80"), why)) << why;
}

TEST(CudaMatmulTile, EveryShapeGetsAValidTileOfEveryChip) {
  std::string why;
  for (const char *name : {"sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"})
    for (int64_t bytes : {2, 4})
      for (int64_t copy : {2, 4, 16})
        for (auto [m, n, k] :
             {Sizes{1, 1, 1}, {1, 1, 100000}, {65536, 768, 3072}, {768, 3072, 65536}, {50, 768, 768}, {3, 49408, 512}})
          if (copy >= bytes) {
            ProductShape p{m, n, k, bytes, {true, copy}, {false, copy}};
            MatmulTile tile = chooseTile(p, getChip(name));
            EXPECT_TRUE(isValidTile(p, tile, getChip(name), why)) << why;
            EXPECT_EQ(tile.text(), chooseTile(p, getChip(name)).text());
          }
}

TEST(CudaMatmulTile, LargeProductsFillTheChip) {
  const Chip &chip = getChip("sm_80");
  // Many blocks: the largest tiles, whole sums.
  MatmulTile large = chooseTile({65536, 768, 3072, 2, {}, {}}, chip);
  EXPECT_GE(large.rows * large.columns, 128 * 128) << large.text();
  EXPECT_EQ(large.splits, 1) << large.text();
  // A small result of a long sum: parts of it, about as many blocks as there are multiprocessors.
  ProductShape gradient{768, 768, 65536, 2, {false, 16}, {false, 16}};
  MatmulTile parts = chooseTile(gradient, chip);
  EXPECT_GT(parts.splits, 1) << parts.text();
  EXPECT_GE(parts.blocks(gradient), chip.multiprocessors) << parts.text();
}

TEST(CudaMatmul, InstructionsFollowFromTheTile) {
  struct Case {
    Form form;
    Sizes sizes;
    const char *type, *tile;
    ProductShape shape;
  };
  constexpr OperandForm kAlong{true, 16}, kAcross{false, 16};
  for (const Case &c :
       {Case{Linear, {128, 64, 96}, "bf16", "64x32x32,32x16,3,1", {128, 64, 96, 2, kAlong, kAlong}},
        {InputGradient, {128, 64, 96}, "bf16", "64x32x32,32x16,3,1", {128, 64, 96, 2, kAlong, kAcross}},
        {WeightGradient, {128, 64, 96}, "bf16", "64x64x64,32x32,2,1", {128, 64, 96, 2, kAcross, kAcross}},
        {Linear, {128, 64, 96}, "f32", "64x32x32,32x16,3,1", {128, 64, 96, 4, kAlong, kAlong}},
        {WeightGradient, {128, 64, 96}, "f32", "64x32x32,32x16,3,1", {128, 64, 96, 4, kAcross, kAcross}},
        {Linear, {20, 30, 18}, "bf16", "32x32x32,16x16,1,1", {20, 30, 18, 2, {true, 4}, {true, 4}}},
        {Linear, {20, 30, 17}, "bf16", "32x32x32,16x16,1,1", {20, 30, 17, 2, {true, 2}, {true, 2}}}}) {
    auto counts = checkKernel(product(c.form, c.sizes.m, c.sizes.n, c.sizes.k, c.type), c.tile);
    ASSERT_EQ(counts.size(), 1u);
    vlp::TileInstructions expected = countInstructions(c.shape, read(c.tile));
    EXPECT_EQ(counts[0].mma, expected.mma) << c.tile;
    EXPECT_EQ(counts[0].ldmatrix, expected.ldmatrix) << c.tile;
    EXPECT_EQ(counts[0].asyncCopies, expected.asyncCopies) << c.tile;
    EXPECT_EQ(counts[0].wideAsyncCopies, expected.wideAsyncCopies) << c.tile;
  }
  // 128x128x64 of bf16 by warps of 64x32, by hand: four steps of four by four products of tiles; four and two matrices
  // a step; in three stages two operands of 1024 chunks by 256 threads.
  vlp::TileInstructions counts = countInstructions({65536, 768, 3072, 2, kAlong, kAlong}, read("128x128x64,64x32,3,1"));
  EXPECT_EQ(counts.mma, 4 * 4 * 4);
  EXPECT_EQ(counts.ldmatrix, 4 * (4 + 2));
  EXPECT_EQ(counts.wideAsyncCopies, 3 * 2 * 4);
}

} // namespace
