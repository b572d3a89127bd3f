// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the safetensors reader against every kind of damaged file, its conversions, and the writer's layout.
#include "runtime/checkpoint/Safetensors.h"
#include "test/runtime/core/TestModule.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

using namespace vlp;
using namespace vlp::test;

/// A file with this header and `size` bytes behind it that count up.
static std::string fileOf(const std::string &header, size_t size) {
  uint64_t length = header.size();
  std::string file(reinterpret_cast<const char *>(&length), sizeof length);
  file += header;
  for (size_t i = 0; i < size; ++i)
    file += char(i);
  return file;
}

static Expected<SafetensorsFile> parse(const std::string &bytes) {
  return SafetensorsFile::parse(bytes, "w.safetensors");
}

template <typename T>
static SafetensorsTensor tensorOf(const std::string &name, SafetensorsType type, std::span<const T> values) {
  return {name, type, {int64_t(values.size())}, std::as_bytes(values)};
}

TEST(Safetensors, ReadsAFileOfOthers) {
  // Spaces, an odd header length (so that data is not aligned), a scalar, an empty tensor, fields in another order.
  auto file = parse(fileOf(
      R"({ "b": {"shape":[2,3],"data_offsets":[4,10],"dtype":"U8"}, "a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
      R"("e":{"dtype":"I64","shape":[0,7],"data_offsets":[4,4]}, "__metadata__":{"format":"pt","k":"\u00e9"}}   )",
      10));
  ASSERT_TRUE(file) << file.status().message();
  EXPECT_EQ(file->tensors().size(), 3u);
  EXPECT_EQ(file->metadata().at("format"), "pt");
  EXPECT_EQ(file->metadata().at("k"), "é");
  const SafetensorsTensor *b = file->find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->shape, (std::vector<int64_t>{2, 3}));
  std::vector<int32_t> values(6);
  ASSERT_TRUE(b->read(std::span(values)));
  EXPECT_EQ(values, (std::vector<int32_t>{4, 5, 6, 7, 8, 9}));
  EXPECT_TRUE(file->find("a")->shape.empty());
  EXPECT_EQ(file->find("e")->elements(), 0u);
  EXPECT_EQ(file->find("c"), nullptr);
}

TEST(Safetensors, EmptyFiles) {
  EXPECT_TRUE(parse(fileOf("{}", 0)));
  EXPECT_TRUE(parse(fileOf(R"({"__metadata__":{}})", 0)));
  EXPECT_FALSE(parse(""));
  EXPECT_FALSE(parse(std::string(7, '\0')));
  EXPECT_FALSE(parse(std::string(8, '\0')));
}

TEST(Safetensors, RefusesDamagedHeaders) {
  struct Case {
    const char *expected, *header;
    size_t size;
  };
  const Case cases[] = {
      {"does not start with {", R"( {"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 4},
      {"does not start with {", "[]", 0},
      {"not JSON", R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})", 4},
      {"not JSON", R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}})", 4},
      {"not JSON", "{\"\xff\":{}}", 0},
      {"'a' occurs twice",
       R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
       4},
      {"'dtype' occurs twice", R"({"a":{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2},
      {"'a': expected dtype, shape and data_offsets", R"({"a":{"dtype":"U8","shape":[4]}})", 4},
      {"unknown field 'strides'", R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"strides":[1]}})", 4},
      {"tensor 'a': unknown dtype 'F31'", R"({"a":{"dtype":"F31","shape":[4],"data_offsets":[0,4]}})", 4},
      {"unexpected number", R"({"a":{"dtype":3,"shape":[4],"data_offsets":[0,4]}})", 4},
      {"unexpected number", R"({"a":5})", 4},
      {"unexpected string", R"({"a":{"dtype":"U8","shape":"4","data_offsets":[0,4]}})", 4},
      {"unexpected string", R"({"a":{"dtype":"U8","shape":["4"],"data_offsets":[0,4]}})", 4},
      {"unexpected negative number", R"({"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}})", 4},
      {"unexpected fraction", R"({"a":{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}})", 4},
      {"unexpected array", R"({"a":{"dtype":"U8","shape":[[4]],"data_offsets":[0,4]}})", 4},
      {"unexpected object", R"({"a":{"dtype":"U8","shape":[{}],"data_offsets":[0,4]}})", 4},
      {"unexpected object", R"({"__metadata__":{"a":{}}})", 0},
      {"unexpected number", R"({"__metadata__":{"a":1}})", 0},
      {"unexpected null", R"({"a":null})", 0},
      {"data_offsets are not two", R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0]}})", 4},
      {"data_offsets are not two", R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4,8]}})", 4},
      {"its shape needs 8 bytes, it has 4", R"({"a":{"dtype":"U16","shape":[4],"data_offsets":[0,4]}})", 4},
      {"a shape that no memory holds", R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})",
       0},
      {"a shape that no memory holds", R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}})",
       4},
      {"bytes end at 8, the file's at 4 (truncated?)", R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})", 4},
      {"4 bytes belong to no tensor", R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 8},
      {"leave a hole", R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})", 8},
      {"leave a hole",
       R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}})",
       5},
      {"overlap another's",
       R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
       4},
      {"bytes 4 to 0",
       R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[0],"data_offsets":[4,0]}})",
       4},
      {"belong to no tensor", "{}", 1},
  };
  for (const Case &bad : cases) {
    auto file = parse(fileOf(bad.header, bad.size));
    ASSERT_FALSE(file) << bad.header;
    const std::string &message = file.status().message();
    EXPECT_NE(message.find(bad.expected), std::string::npos) << bad.header << ": " << message;
    EXPECT_EQ(message.find("w.safetensors: "), 0u) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_EQ(file.status().code(), StatusCode::DataLoss);
  }
}

TEST(Safetensors, RefusesHugeHeaders) {
  for (uint64_t length : {uint64_t(100), uint64_t(100000001), uint64_t(1) << 40, UINT64_MAX, UINT64_MAX - 7}) {
    std::string bytes(reinterpret_cast<const char *>(&length), sizeof length);
    bytes += "{}";
    EXPECT_NE(parse(bytes).status().message().find("header is said to have"), std::string::npos) << length;
  }
  // Deep nesting and endless arrays end at their first wrong token.
  EXPECT_FALSE(parse(fileOf("{\"a\":" + std::string(1000000, '['), 0)));
  std::string many = "{\"a\":{\"shape\":[";
  for (int i = 0; i < 100000; ++i)
    many += "1,";
  EXPECT_NE(parse(fileOf(many + "1]}}", 0)).status().message().find("too many numbers"), std::string::npos);
}

// A file cut anywhere, or with any bit flipped in its header, is refused or still consistent; never read outside.
TEST(Safetensors, CutAndFlipped) {
  std::string bytes = fileOf(
      R"({"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"I8","shape":[3],"data_offsets":[16,19]}})",
      19);
  ASSERT_TRUE(parse(bytes));
  for (size_t size = 0; size < bytes.size(); ++size)
    ASSERT_FALSE(parse(bytes.substr(0, size))) << size;
  for (size_t i = 0; i + 19 < bytes.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[i] = char(flipped[i] ^ 1 << bit);
      auto file = parse(flipped);
      if (!file)
        continue;
      for (const SafetensorsTensor &tensor : file->tensors()) {
        std::vector<float> values(tensor.elements());
        (void)tensor.read(std::span(values));
      }
    }
}

TEST(Safetensors, ConvertsFloats) {
  const double doubles[] = {1.5, -0.0, 1e300, 0.1};
  std::vector<float> out(4);
  ASSERT_TRUE(tensorOf<double>("d", SafetensorsType::F64, doubles).read(std::span(out)));
  EXPECT_EQ(out[0], 1.5f);
  EXPECT_TRUE(std::signbit(out[1]));
  EXPECT_TRUE(std::isinf(out[2]));
  EXPECT_EQ(out[3], 0.1f);
  // binary16: 1, -2, the largest, the smallest subnormal, a subnormal, infinities, NaN, both zeros.
  const uint16_t halves[] = {0x3c00, 0xc000, 0x7bff, 0x0001, 0x83ff, 0x7c00, 0xfc00, 0x7e00, 0x0000, 0x8000};
  out.resize(10);
  ASSERT_TRUE(tensorOf<uint16_t>("h", SafetensorsType::F16, halves).read(std::span(out)));
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_EQ(out[1], -2.0f);
  EXPECT_EQ(out[2], 65504.0f);
  EXPECT_EQ(out[3], std::ldexp(1.0f, -24));
  EXPECT_EQ(out[4], -1023 * std::ldexp(1.0f, -24));
  EXPECT_EQ(out[5], std::numeric_limits<float>::infinity());
  EXPECT_EQ(out[6], -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(out[7]));
  EXPECT_EQ(out[8], 0.0f);
  EXPECT_TRUE(out[9] == 0 && std::signbit(out[9]));
  const uint16_t bfloats[] = {0x3f80, 0xc040, 0x7f80, 0x7fc0};
  out.resize(4);
  ASSERT_TRUE(tensorOf<uint16_t>("b", SafetensorsType::BF16, bfloats).read(std::span(out)));
  EXPECT_EQ(out[0], 1.0f);
  EXPECT_EQ(out[1], -3.0f);
  EXPECT_TRUE(std::isinf(out[2]));
  EXPECT_TRUE(std::isnan(out[3]));
}

TEST(Safetensors, ConvertsIntegersOnlyWhereTheyFit) {
  const int64_t longs[] = {-1, INT32_MAX, 0};
  std::vector<int32_t> ints(3);
  ASSERT_TRUE(tensorOf<int64_t>("i", SafetensorsType::I64, longs).read(std::span(ints)));
  EXPECT_EQ(ints, (std::vector<int32_t>{-1, INT32_MAX, 0}));
  const int64_t large[] = {0, 0, int64_t(INT32_MAX) + 1};
  EXPECT_EQ(tensorOf<int64_t>("i", SafetensorsType::I64, large).read(std::span(ints)).message(),
            "tensor 'i': element 2 does not fit the type it is read as");
  const uint64_t unsigneds[] = {UINT64_MAX};
  std::vector<int64_t> one(1);
  EXPECT_FALSE(tensorOf<uint64_t>("u", SafetensorsType::U64, unsigneds).read(std::span(one)));
  std::vector<double> number(1);
  EXPECT_FALSE(tensorOf<uint64_t>("u", SafetensorsType::U64, unsigneds).read(std::span(number)));
  const int32_t odd[] = {(1 << 24) + 1};
  std::vector<float> single(1);
  EXPECT_FALSE(tensorOf<int32_t>("o", SafetensorsType::I32, odd).read(std::span(single)));
  ASSERT_TRUE(tensorOf<int32_t>("o", SafetensorsType::I32, odd).read(std::span(number)));
  EXPECT_EQ(number[0], (1 << 24) + 1);
  const float fraction[] = {1};
  EXPECT_EQ(tensorOf<float>("f", SafetensorsType::F32, fraction).read(std::span(one)).message(),
            "tensor 'f' is F32, which cannot be read as i64");
  const uint8_t eight[] = {1};
  EXPECT_FALSE(tensorOf<uint8_t>("e", SafetensorsType::F8E4M3, eight).read(std::span(single)));
  std::vector<float> two(2);
  EXPECT_EQ(tensorOf<float>("f", SafetensorsType::F32, fraction).read(std::span(two)).code(), StatusCode::Internal);
}

TEST(Safetensors, WritesSortedAndAligned) {
  TemporaryFolder folder;
  std::string path = folder.file("w.safetensors");
  const double doubles[] = {1, 2};
  const float singles[] = {3, 4, 5};
  const int8_t bytes[] = {6};
  std::vector<SafetensorsTensor> tensors = {tensorOf<int8_t>("a", SafetensorsType::I8, bytes),
                                            tensorOf<float>("z", SafetensorsType::F32, singles),
                                            tensorOf<float>("\"quoted\\\n", SafetensorsType::F32, singles),
                                            tensorOf<double>("m", SafetensorsType::F64, doubles),
                                            {"empty", SafetensorsType::F32, {0, 4}, {}}};
  Status status = writeSafetensors(path, tensors, {{"step", "7"}, {"text", "ü\t\""}});
  ASSERT_TRUE(status) << status.message();
  auto file = SafetensorsFile::open(path);
  ASSERT_TRUE(file) << file.status().message();
  ASSERT_EQ(file->tensors().size(), 5u);
  EXPECT_EQ(file->metadata().at("text"), "ü\t\"");
  for (const SafetensorsTensor &tensor : file->tensors())
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data.data()) % sizeOf(tensor.type), 0u) << tensor.name;
  EXPECT_EQ(file->tensors()[0].name, "m");
  EXPECT_EQ(file->tensors()[4].name, "a");
  std::vector<float> out(3);
  ASSERT_TRUE(file->find("\"quoted\\\n")->read(std::span(out)));
  EXPECT_EQ(out[2], 5);
  // The order in which tensors are given changes nothing.
  std::string first = readFile(path);
  std::reverse(tensors.begin(), tensors.end());
  ASSERT_TRUE(writeSafetensors(path, tensors, {{"step", "7"}, {"text", "ü\t\""}}));
  EXPECT_EQ(readFile(path), first);
  tensors[0].shape = {99};
  EXPECT_EQ(writeSafetensors(path, tensors, {}).code(), StatusCode::Internal);
  EXPECT_EQ(readFile(path), first);
  ASSERT_TRUE(writeSafetensors(path, {}, {}));
  EXPECT_TRUE(SafetensorsFile::open(path));
}

// The golden files were written by others.
TEST(Safetensors, ReadsTheGoldenFiles) {
  const char *shared = std::getenv("VLP_SHARED");
  if (!shared)
    GTEST_SKIP() << "VLP_SHARED is not set";
  size_t files = 0;
  for (const auto &entry : std::filesystem::directory_iterator(std::filesystem::path(shared) / "golden")) {
    if (entry.path().extension() != ".safetensors")
      continue;
    auto file = SafetensorsFile::open(entry.path().string());
    ASSERT_TRUE(file) << file.status().message();
    EXPECT_GT(file->tensors().size(), 10u);
    for (const SafetensorsTensor &tensor : file->tensors()) {
      std::vector<double> values(tensor.elements());
      EXPECT_TRUE(tensor.read(std::span(values))) << tensor.name;
    }
    ++files;
  }
  EXPECT_GT(files, 0u);
}
