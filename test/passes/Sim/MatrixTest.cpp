// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tensor-core products and matrix loads, with fragments laid out by the PTX ISA's own formulas.
#include "test/passes/Sim/SimKernel.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace vlp;
using namespace vlp::test;

namespace {

/// PTX ISA 8.x, "Matrix Fragments for mma.m16n8k16 with floating point type" and "mma.m16n8k8": element i of a lane's
/// fragment.
struct Place {
  int row, column;
};
struct BF16 {
  static constexpr int depth = 16, aElements = 8, bElements = 4, bitsOfElement = 16;
  static constexpr const char *intrinsic = "llvm.nvvm.mma.m16n8k16.row.col.bf16";
  static Place a(int lane, int i) {
    int group = lane >> 2, member = lane % 4;
    int row = (0 <= i && i < 2) || (4 <= i && i < 6) ? group : group + 8;
    int column = member * 2 + (i & 1) + (i >= 4 ? 8 : 0);
    return {row, column};
  }
  static Place b(int lane, int i) {
    int group = lane >> 2, member = lane % 4;
    return {member * 2 + (i & 1) + (i >= 2 ? 8 : 0), group};
  }
  static uint32_t encode(float x) { return bits(x) >> 16; }
  static float value(float x) { return asFloat(bits(x) & 0xffff0000); }
};
struct TF32 {
  static constexpr int depth = 8, aElements = 4, bElements = 2, bitsOfElement = 32;
  static constexpr const char *intrinsic = "llvm.nvvm.mma.m16n8k8.row.col.tf32";
  static Place a(int lane, int i) {
    int group = lane >> 2, member = lane % 4;
    return {i == 0 || i == 2 ? group : group + 8, i == 0 || i == 1 ? member : member + 4};
  }
  static Place b(int lane, int i) { return {i == 0 ? lane % 4 : lane % 4 + 4, lane >> 2}; }
  static uint32_t encode(float x) { return bits(x); }
  static float value(float x) { return asFloat(bits(x) & 0xffffe000); } // the low bits do not count
};
Place accumulator(int lane, int i) { return {(lane >> 2) + (i < 2 ? 0 : 8), lane % 4 * 2 + (i & 1)}; }

struct Matrix {
  int rows, columns;
  std::vector<float> data;
  Matrix(int rows, int columns) : rows(rows), columns(columns), data(rows * columns) {}
  float &at(Place p) { return data[p.row * columns + p.column]; }
  float &at(int i, int j) { return data[i * columns + j]; }
};

Matrix randomMatrix(int rows, int columns, std::mt19937 &random) {
  Matrix m(rows, columns);
  for (float &x : m.data)
    x = std::ldexp(float(int32_t(random())), -31);
  return m;
}

/// The words of every lane's fragment: `words` a lane.
template <typename Type, typename Layout>
Words fragments(Matrix &m, int elements, Layout layout) {
  int each = 32 / Type::bitsOfElement, words = elements / each;
  Words out(32 * words);
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < elements; ++i)
      out[lane * words + i / each] |= Type::encode(m.at(layout(lane, i))) << (i % each * Type::bitsOfElement % 32);
  return out;
}

Words accumulatorWords(Matrix &c) {
  Words out(128);
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i)
      out[lane * 4 + i] = bits(c.at(accumulator(lane, i)));
  return out;
}

/// c += a b in f32, ascending k, fused.
template <typename Type>
void multiply(Matrix &c, Matrix &a, Matrix &b) {
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 8; ++j)
      for (int k = 0; k < Type::depth; ++k)
        c.at(i, j) = std::fma(Type::value(a.at(i, k)), Type::value(b.at(k, j)), c.at(i, j));
}

std::string loadWords(const std::string &name, const std::string &parameter, int count, int offset = 0) {
  std::string text = "  %" + name + "base = mul i32 %lane, " + std::to_string(count) + "\n";
  for (int i = 0; i < count; ++i) {
    std::string n = name + std::to_string(i);
    text += "  %" + n + "i = add i32 %" + name + "base, " + std::to_string(i + offset) + "\n" +
            wordOf(n + "p", parameter, "%" + n + "i") + "  %" + n + " = load i32, ptr1 %" + n + "p\n";
  }
  return text;
}

std::string floats(const std::string &to, const std::string &from) {
  std::string text;
  for (std::string i : {"0", "1", "2", "3"})
    text += "  %" + to + i + " = bitcast i32 %" + from + i + " to float\n";
  return text;
}

std::string product(const std::string &intrinsic, const std::string &to, const std::string &a, const std::string &b,
                    const std::string &c) {
  std::string text = "  %" + to + " = call {float, float, float, float} @" + intrinsic + "(";
  for (std::string i : {"0", "1", "2", "3"})
    text += "i32 %" + a + i + ", ";
  for (std::string i : {"0", "1"})
    text += "i32 %" + b + i + ", ";
  for (std::string i : {"0", "1", "2", "3"})
    text += "float %" + c + i + (i == "3" ? ")\n" : ", ");
  for (std::string i : {"0", "1", "2", "3"})
    text += "  %" + to + i + " = extractvalue {float, float, float, float} %" + to + ", " + i + "\n";
  return text;
}

/// Stores four floats at lane * 4 + `offset`.
std::string storeResult(const std::string &from, int offset = 0) {
  std::string text;
  for (std::string i : {"0", "1", "2", "3"}) {
    std::string n = from + "_" + i + std::to_string(offset);
    text += "  %" + n + "b = mul i32 %lane, 4\n  %" + n + "i = add i32 %" + n + "b, " +
            std::to_string(offset + std::stoi(i)) + "\n" + wordOf(n, "out", "%" + n + "i") + "  store float %" + from +
            i + ", ptr1 %" + n + "\n";
  }
  return text;
}

template <typename Type>
void checkProduct(Matrix &a, Matrix &b, Matrix &c) {
  Words got = runEverywhere({"  %lane = and i32 %t, 31\n" + loadWords("a", "in0", 4) + loadWords("b", "in1", 2) +
                                 loadWords("w", "in2", 4) + floats("c", "w") +
                                 product(Type::intrinsic, "d", "a", "b", "c") + storeResult("d"),
                             32,
                             1,
                             0,
                             {fragments<Type>(a, Type::aElements, Type::a),
                              fragments<Type>(b, Type::bElements, Type::b), accumulatorWords(c)},
                             128});
  multiply<Type>(c, a, b);
  Words expected = accumulatorWords(c);
  for (int i = 0; i < 128; ++i)
    if (std::isnan(asFloat(expected[i])))
      EXPECT_TRUE(std::isnan(asFloat(got[i])));
    else
      EXPECT_EQ(got[i], expected[i]) << "lane " << i / 4 << " register " << i % 4;
}

template <typename Type>
class Products : public testing::Test {};
using Types = testing::Types<BF16, TF32>;
TYPED_TEST_SUITE(Products, Types);

TYPED_TEST(Products, RandomTiles) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 3; ++trial) {
    Matrix a = randomMatrix(16, TypeParam::depth, random), b = randomMatrix(TypeParam::depth, 8, random),
           c = randomMatrix(16, 8, random);
    checkProduct<TypeParam>(a, b, c);
  }
}

// One element of A and one of B at a time: a wrong place of any of them shows.
TYPED_TEST(Products, EveryPairOfElementsMeets) {
  for (int k = 0; k < TypeParam::depth; ++k) {
    Matrix a(16, TypeParam::depth), b(TypeParam::depth, 8), c(16, 8);
    for (int i = 0; i < 16; ++i)
      a.at(i, k) = float(i + 1);
    for (int j = 0; j < 8; ++j)
      b.at(k, j) = float(1 << j);
    checkProduct<TypeParam>(a, b, c);
  }
}

TYPED_TEST(Products, SpecialValues) {
  std::mt19937 random(2);
  Matrix a = randomMatrix(16, TypeParam::depth, random), b = randomMatrix(TypeParam::depth, 8, random),
         c = randomMatrix(16, 8, random);
  a.at(3, 1) = INFINITY;
  a.at(5, 2) = NAN;
  b.at(2, 6) = -INFINITY;
  b.at(1, 4) = 0;
  c.at(9, 0) = INFINITY;
  a.at(11, 0) = 0x1p-140f;
  b.at(0, 3) = -0.0f;
  checkProduct<TypeParam>(a, b, c);
}

// Two by two tiles over five steps of a loop with two products each in a chain, an accumulator that is read half way,
// one that the loop does not change, and fragments used several times: what one call collects and what it must not.
TYPED_TEST(Products, ChainsInALoop) {
  std::mt19937 random(3);
  std::vector<Matrix> a, b, c;
  Words aWords, bWords, cWords;
  for (int i = 0; i < 2; ++i) {
    a.push_back(randomMatrix(16, TypeParam::depth, random));
    b.push_back(randomMatrix(TypeParam::depth, 8, random));
    Words more = fragments<TypeParam>(a[i], TypeParam::aElements, TypeParam::a);
    aWords.insert(aWords.end(), more.begin(), more.end());
    more = fragments<TypeParam>(b[i], TypeParam::bElements, TypeParam::b);
    bWords.insert(bWords.end(), more.begin(), more.end());
  }
  for (int i = 0; i < 4; ++i) {
    c.push_back(randomMatrix(16, 8, random));
    Words more = accumulatorWords(c[i]);
    cWords.insert(cWords.end(), more.begin(), more.end());
  }
  std::string body = "  %lane = and i32 %t, 31\n", phis, last;
  for (int i = 0; i < 2; ++i) {
    std::string n = std::to_string(i);
    body += loadWords("a" + n + "_", "in0", 4, 128 * i) + loadWords("b" + n + "_", "in1", 2, 64 * i);
  }
  for (int i = 0; i < 4; ++i) {
    std::string n = std::to_string(i);
    body += loadWords("w" + n + "_", "in2", 4, 128 * i) + floats("s" + n + "_", "w" + n + "_");
    for (std::string r : {"0", "1", "2", "3"})
      phis += "  %c" + n + "_" + r + " = phi float [%s" + n + "_" + r + ", %entry], [%" + (i == 3 ? "c" : "e") + n +
              "_" + r + ", %loop]\n";
  }
  body += "  br label %loop\nloop:\n  %step = phi i32 [0, %entry], [%next, %loop]\n" + phis;
  // First product of each: tile i/2 of A, i%2 of B; then the other A. Accumulator 3 stays out of the loop.
  for (int i = 0; i < 3; ++i) {
    std::string n = std::to_string(i), x = std::to_string(i / 2), y = std::to_string(1 - i / 2),
                z = std::to_string(i % 2);
    body += product(TypeParam::intrinsic, "d" + n + "_", "a" + x + "_", "b" + z + "_", "c" + n + "_");
    if (i == 1)
      body += storeResult("d1_", 512); // somebody else wants the middle of the chain
    body += product(TypeParam::intrinsic, "e" + n + "_", "a" + y + "_", "b" + z + "_", "d" + n + "_");
  }
  body +=
      "  %next = add i32 %step, 1\n  %more = icmp ult i32 %next, 5\n  br i1 %more, label %loop, label %done\ndone:\n";
  for (int i = 0; i < 4; ++i)
    body += storeResult(std::string(i == 3 ? "c" : "e") + std::to_string(i) + "_", 128 * i);
  Words got = runEverywhere({body, 32, 1, 0, {aWords, bWords, cWords}, 640});

  Words expected;
  for (int step = 0; step < 5; ++step)
    for (int i = 0; i < 3; ++i) {
      multiply<TypeParam>(c[i], a[i / 2], b[i % 2]);
      if (i == 1)
        expected = accumulatorWords(c[1]);
      multiply<TypeParam>(c[i], a[1 - i / 2], b[i % 2]);
    }
  EXPECT_EQ(Words(got.begin() + 512, got.end()), expected);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(Words(got.begin() + 128 * i, got.begin() + 128 * (i + 1)), accumulatorWords(c[i])) << i;
}

/// Fills 4 KiB of shared memory with bytes that differ, in every block of 32 threads.
std::string fillShared() {
  return R"(  br label %fill
fill:
  %f = phi i32 [%t, %entry], [%fnext, %fill]
  %fo = shl i32 %f, 2
  %fx = mul i32 %f, 131074
  %fv = add i32 %fx, 65536
  %fp = getelementptr i8, ptr3 @smem, i32 %fo
  store i32 %fv, ptr3 %fp
  %fnext = add i32 %f, 32
  %fmore = icmp ult i32 %fnext, 1024
  br i1 %fmore, label %fill, label %filled
filled:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
)";
}

uint32_t sharedHalf(int index) {
  uint32_t word = uint32_t(index / 2) * 131074 + 65536;
  return word >> (index % 2 * 16) & 0xffff;
}

/// Rows of eight halves, in no order.
int rowOf(int matrix, int row) { return (matrix * 61 + row * 37 + 5) % 256; }

TEST(MatrixLoads, EveryShape) {
  for (int count : {1, 2, 4})
    for (bool transposed : {false, true}) {
      SCOPED_TRACE(std::to_string(count) + (transposed ? " transposed" : ""));
      std::string name =
          "@llvm.nvvm.ldmatrix.sync.aligned.m8n8.x" + std::to_string(count) + (transposed ? ".trans" : "") + ".b16.p3";
      std::string type = count == 1 ? "i32" : count == 2 ? "{i32, i32}" : "{i32, i32, i32, i32}";
      Words rows(32); // those of the lanes that have no matrix are not looked at
      for (int lane = 0; lane < 32; ++lane)
        rows[lane] = lane / 8 < count ? rowOf(lane / 8, lane % 8) * 16 : 0x12345;
      std::string body = fillShared() + wordOf("rp", "in0", "%t") + "  %row = load i32, ptr1 %rp\n" +
                         sharedAt("address", "%row") + "  %m = call " + type + " " + name +
                         "(ptr3 %address)\n  %o = mul i32 %t, " + std::to_string(count) + "\n";
      for (int m = 0; m < count; ++m) {
        std::string n = std::to_string(m);
        std::string value = count == 1 ? "%m" : "%e" + n;
        if (count > 1)
          body += "  " + value + " = extractvalue " + type + " %m, " + n + "\n";
        body += "  %o" + n + " = add i32 %o, " + n + "\n" + wordOf("p" + n, "out", "%o" + n) + "  store i32 " + value +
                ", ptr1 %p" + n + "\n";
      }
      Words got = runEverywhere({body, 32, 1, 4096, {rows}, size_t(32 * count)});
      // PTX ISA: a lane receives elements 2 (lane % 4) and the next of row lane / 4 of each matrix, or of its
      // transpose.
      for (int lane = 0; lane < 32; ++lane)
        for (int m = 0; m < count; ++m)
          for (int i = 0; i < 2; ++i) {
            int row = lane / 4, column = lane % 4 * 2 + i;
            if (transposed)
              std::swap(row, column);
            EXPECT_EQ(got[lane * count + m] >> 16 * i & 0xffff, sharedHalf(rowOf(m, row) * 8 + column))
                << lane << " " << m << " " << i;
          }
    }
}

// A load that a store of the same row follows must come first, and one after it later, though their results are used at
// the end.
TEST(MatrixLoads, StaysBetweenTheWritesAroundIt) {
  std::string body = fillShared() + "  %o = shl i32 %t, 4\n" + sharedAt("row", "%o") + R"(
  %a = call i32 @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x1.b16.p3(ptr3 %row)
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  store i32 %t, ptr3 %row
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  %c = call i32 @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x1.b16.p3(ptr3 %row)
)" + wordOf("p", "out", "%t") +
                     "  store i32 %a, ptr1 %p\n  %u = add i32 %t, 32\n" + wordOf("q", "out", "%u") +
                     "  store i32 %c, ptr1 %q\n";
  Words got = runEverywhere({body, 32, 1, 4096, {}, 64});
  for (int lane = 0; lane < 32; ++lane) {
    int first = lane / 4 * 8 + lane % 4 * 2;
    uint32_t before = sharedHalf(first) | sharedHalf(first + 1) << 16;
    EXPECT_EQ(got[lane], before) << lane;
    EXPECT_EQ(got[lane + 32], lane % 4 == 0 ? uint32_t(lane / 4) : before) << lane;
  }
}

} // namespace
