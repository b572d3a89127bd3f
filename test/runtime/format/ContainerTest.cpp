// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards the container: equal bytes for equal input, and no damaged file gets past it, whatever byte is cut or flipped.
#include "runtime/format/Container.h"
#include "test/runtime/core/TestModule.h"

#include <cstring>
#include <gtest/gtest.h>
#include <zlib.h>

using namespace vlp;
using namespace vlp::format;
using namespace vlp::test;

/// A file of a few kilobytes: the toy's manifest with small sections.
static std::string smallFile(const std::function<void(Manifest &)> &edit = {}) {
  Manifest manifest = toyManifest(edit);
  std::vector<std::string> sections = {std::string(100, 'c'), std::string(kToyWidth * 4, 'k')};
  return writeContainer(std::move(manifest), sections);
}

static Expected<Container> parse(const std::string &bytes) {
  return Container::parse({bytes.begin(), bytes.end()}, "file.vlp");
}

/// What opening the file and reading all of its sections says.
static Status judge(const std::string &bytes) {
  auto container = parse(bytes);
  if (!container)
    return container.status();
  for (int i = 0; i < container->manifest().sections_size(); ++i)
    if (auto section = container->section(uint32_t(i)); !section)
      return section.status();
  return Status::ok();
}

TEST(Container, RoundTrip) {
  auto container = parse(smallFile());
  ASSERT_TRUE(container) << container.status().message();
  EXPECT_EQ(container->manifest().model(), "toy");
  EXPECT_EQ(container->manifest().programs(0).entries_size(), 4);
  auto section = container->section(1);
  ASSERT_TRUE(section) << section.status().message();
  EXPECT_EQ(std::string(section->data(), section->size()), std::string(kToyWidth * 4, 'k'));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(section->data()) % 4096, 0u);
  EXPECT_FALSE(container->section(2));
}

TEST(Container, EqualInputEqualBytes) {
  auto edit = [](Manifest &manifest) {
    for (int i = 0; i < 100; ++i)
      (*manifest.mutable_config())["size" + std::to_string(i * 7919 % 100)] = i;
  };
  auto reversed = [](Manifest &manifest) {
    for (int i = 99; i >= 0; --i)
      (*manifest.mutable_config())["size" + std::to_string(i * 7919 % 100)] = i;
  };
  EXPECT_EQ(smallFile(edit), smallFile(reversed));
}

// The manifest states the sections' offsets, which depend on its own size: every size must come out consistent.
TEST(Container, PlacesSectionsForAnyManifestSize) {
  for (size_t padding = 0; padding < 5000; padding += 13) {
    Status status = judge(smallFile([&](Manifest &manifest) { manifest.set_model(std::string(padding, 'm')); }));
    ASSERT_TRUE(status) << padding << ": " << status.message();
  }
  EXPECT_TRUE(judge(writeContainer(Manifest(), {})));
  std::vector<std::string> empty = {""};
  EXPECT_FALSE(judge(writeContainer(Manifest(), empty))) << "a section needs a name";
}

TEST(Container, NotACompiledFile) {
  for (std::string bytes :
       {std::string(), std::string("V\0", 2), std::string("#!/bin/sh\n"), std::string(5000, '\0')}) {
    Status status = judge(bytes);
    EXPECT_EQ(status.code(), StatusCode::DataLoss);
    EXPECT_NE(status.message().find("file.vlp: not a compiled VLPC file"), std::string::npos) << status.message();
  }
}

TEST(Container, AnotherVersion) {
  std::string bytes = smallFile();
  bytes[8] = kFormatVersion + 1;
  EXPECT_EQ(judge(bytes).message(), "file.vlp: compiled for another version: the file has format version " +
                                        std::to_string(kFormatVersion + 1) + ", this runtime reads version " +
                                        std::to_string(kFormatVersion) + "; compile the model again with vlpc");
}

TEST(Container, TruncatedAnywhere) {
  std::string bytes = smallFile();
  for (size_t size = 0; size < bytes.size(); size += size < 64 || size + 300 > bytes.size() ? 1 : 37) {
    Status status = judge(bytes.substr(0, size));
    ASSERT_FALSE(status.isOk()) << size;
    ASSERT_EQ(status.message().find('\n'), std::string::npos);
    if (size >= 32)
      ASSERT_EQ(status.message(), "file.vlp: truncated: expected " + std::to_string(bytes.size()) + " bytes, got " +
                                      std::to_string(size));
  }
  EXPECT_NE(judge(bytes + "x").message().find("damaged file: expected"), std::string::npos);
}

// Every byte of the file is covered by a check: magic, version, sizes, checksum, padding or hash.
TEST(Container, AnyFlippedBit) {
  std::string bytes = smallFile();
  ASSERT_TRUE(judge(bytes));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string flipped = bytes;
    flipped[i] = char(flipped[i] ^ 1 << i % 8);
    Status status = judge(flipped);
    ASSERT_FALSE(status.isOk()) << "byte " << i;
    ASSERT_EQ(status.code(), StatusCode::DataLoss) << "byte " << i;
  }
}

namespace {
/// A change of the manifest that must be refused, and a part of the message.
struct BadManifest {
  const char *expected;
  std::function<void(Manifest &)> edit;
};
} // namespace

static Launch &firstLaunch(Manifest &manifest) {
  return *manifest.mutable_programs(0)->mutable_entries(0)->mutable_ops(0)->mutable_launch();
}
static Copy &firstCopy(Manifest &manifest) {
  return *manifest.mutable_programs(0)->mutable_entries(1)->mutable_ops(1)->mutable_copy();
}
static Tensor &firstState(Manifest &manifest) { return *manifest.mutable_state(0)->mutable_tensor(); }
static Tensor &firstInput(Manifest &manifest) {
  return *manifest.mutable_programs(0)->mutable_entries(0)->mutable_inputs(0);
}

// A checksum that is right does not make a manifest right: each of these would read or write outside of its memory, or
// crash.
TEST(Container, RefusesManifestsThatPointOutside) {
  const BadManifest cases[] = {
      {"unknown memory region 9", [](Manifest &m) { firstLaunch(m).mutable_args(0)->set_region(Region(9)); }},
      {"op 0: argument 0: bytes", [](Manifest &m) { firstLaunch(m).mutable_args(0)->set_offset(uint64_t(1) << 40); }},
      {"op 0: argument 0: bytes", [](Manifest &m) { firstLaunch(m).mutable_args(0)->set_size(445); }},
      {"op 0: argument 0: bytes", [](Manifest &m) { firstLaunch(m).mutable_args(0)->set_offset(UINT64_MAX - 3); }},
      {"op 0: argument 1: bytes 0 + 149 of region CONSTANTS, which has 148",
       [](Manifest &m) { firstLaunch(m).mutable_args(1)->set_size(149); }},
      {"offset 2 is not a multiple of 4", [](Manifest &m) { firstLaunch(m).mutable_args(0)->set_offset(2); }},
      {"kernel 8 of 8", [](Manifest &m) { firstLaunch(m).set_kernel(8); }},
      {"4 results among 3", [](Manifest &m) { firstLaunch(m).mutable_results()->Resize(4, Launch::FLOAT32); }},
      {"a result of unknown type 9", [](Manifest &m) { firstLaunch(m).set_results(0, Launch::Result(9)); }},
      {"negative number of tasks", [](Manifest &m) { firstLaunch(m).set_tasks(-1); }},
      {"3000000000 blocks, a grid has at most 2147483647",
       [](Manifest &m) {
         m.mutable_programs(0)->set_target("cuda");
         firstLaunch(m).set_threads(32);
         firstLaunch(m).set_tasks(3000000000);
       }},
      {"scratch of", [](Manifest &m) { firstLaunch(m).set_scratch(UINT64_MAX); }},
      {"writes to read-only region CONSTANTS",
       [](Manifest &m) { firstLaunch(m).mutable_results()->Resize(2, Launch::FLOAT32); }},
      {"writes to read-only region INPUT", [](Manifest &m) { firstLaunch(m).mutable_args(2)->set_region(INPUT); }},
      {"writes state in an entry that is said not to",
       [](Manifest &m) { m.mutable_programs(0)->mutable_entries(0)->set_writes_state(false); }},
      {"neither launch nor copy",
       [](Manifest &m) { m.mutable_programs(0)->mutable_entries(0)->mutable_ops(0)->clear_op(); }},
      {"a copy of 444 bytes to 440", [](Manifest &m) { firstCopy(m).mutable_dst()->set_size(440); }},
      {"overlap",
       [](Manifest &m) {
         *firstCopy(m).mutable_dst() = firstCopy(m).src(), firstCopy(m).mutable_dst()->set_offset(4);
       }},
      {"source: bytes", [](Manifest &m) { firstCopy(m).mutable_src()->set_size(1 << 20); }},
      {"expected it in region STATE", [](Manifest &m) { firstState(m).mutable_slot()->set_region(ARENA); }},
      {"offset 4 is not a multiple of 64", [](Manifest &m) { firstState(m).mutable_slot()->set_offset(4); }},
      {"its shape needs 152 bytes, its slot has 148", [](Manifest &m) { firstState(m).set_shape(0, 38); }},
      {"a shape that no memory holds", [](Manifest &m) { firstState(m).set_shape(0, -1); }},
      {"a shape that no memory holds",
       [](Manifest &m) { firstState(m).set_shape(0, INT64_MAX), firstState(m).add_shape(3); }},
      {"unknown element type 7", [](Manifest &m) { firstState(m).set_dtype(DType(7)); }},
      {"tensors 'weight' and 'adam.m/weight' overlap",
       [](Manifest &m) { m.mutable_state(1)->mutable_tensor()->mutable_slot()->set_offset(64); }},
      {"two of kind state tensor are called 'weight'",
       [](Manifest &m) { m.mutable_state(1)->mutable_tensor()->set_name("weight"); }},
      {"a twin of 'nothing', which is no parameter", [](Manifest &m) { m.mutable_state(0)->set_twin_of("nothing"); }},
      {"a counter is one i32", [](Manifest &m) { m.mutable_state(0)->set_kind(StateTensor::COUNTER); }},
      {"unknown kind", [](Manifest &m) { m.mutable_state(0)->mutable_init()->set_kind(Initializer::Kind(5)); }},
      {"no number of its type", [](Manifest &m) { m.mutable_state(0)->mutable_init()->set_a(1.0 / 0.0); }},
      {"no number of its type", [](Manifest &m) { m.mutable_state(2)->mutable_init()->set_a(1e10); }},
      {"the state is said to have", [](Manifest &m) { m.set_state_bytes(UINT64_MAX); }},
      {"expected it in region INPUT", [](Manifest &m) { firstInput(m).mutable_slot()->set_region(STATE); }},
      {"input tensor 'image': bytes",
       [](Manifest &m) { m.mutable_programs(0)->mutable_entries(0)->set_input_size(440); }},
      {"region ARENA is said to have",
       [](Manifest &m) { m.mutable_programs(0)->mutable_entries(0)->set_arena_size(UINT64_MAX - 64); }},
      {"its flag 'fine' is not one i32",
       [](Manifest &m) { m.mutable_programs(0)->mutable_entries(0)->set_finite_flag("fine"); }},
      {"its flag 'loss' is not one i32",
       [](Manifest &m) { m.mutable_programs(0)->mutable_entries(0)->set_finite_flag("loss"); }},
      {"two of kind entry are called 'train'",
       [](Manifest &m) { m.mutable_programs(0)->mutable_entries(1)->set_name("train"); }},
      {"entry without a proper name", [](Manifest &m) { m.mutable_programs(0)->mutable_entries(1)->clear_name(); }},
      {"kernel without a proper name",
       [](Manifest &m) { m.mutable_programs(0)->mutable_kernels(1)->set_name(std::string("a\0b", 3)); }},
      {"two of kind output",
       [](Manifest &m) { m.mutable_programs(0)->mutable_entries(0)->mutable_outputs(0)->set_name("finite"); }},
      {"lies in section 2, but there are 2", [](Manifest &m) { m.mutable_programs(0)->set_section(2); }},
  };
  for (const BadManifest &bad : cases) {
    Status status = judge(smallFile(bad.edit));
    EXPECT_FALSE(status.isOk()) << bad.expected;
    EXPECT_NE(status.message().find(bad.expected), std::string::npos)
        << "expected '" << bad.expected << "' in: " << status.message();
    EXPECT_EQ(status.code(), StatusCode::DataLoss);
  }
}

/// A file whose manifest is `manifest` as it stands, under a right checksum, followed by zeros up to `size`.
static std::string fileWith(const Manifest &manifest, uint64_t size) {
  std::string body = manifest.SerializeAsString();
  uint32_t header[8] = {0, 0, kFormatVersion,
                        uint32_t(crc32(0, reinterpret_cast<const Bytef *>(body.data()), uInt(body.size())))};
  uint64_t manifestSize = body.size();
  std::memcpy(header, "VLPCFILE", 8);
  std::memcpy(header + 4, &manifestSize, 8);
  std::memcpy(header + 6, &size, 8);
  std::string file(reinterpret_cast<const char *>(header), sizeof header);
  file += body;
  file.resize(size);
  return file;
}

// Sections that writeContainer would never write.
TEST(Container, RefusesSectionsOutsideOfTheFile) {
  auto judgeSections = [](std::vector<std::pair<uint64_t, uint64_t>> places) {
    Manifest manifest;
    for (auto [offset, size] : places) {
      Section &section = *manifest.add_sections();
      section.set_name("s" + std::to_string(manifest.sections_size()));
      section.set_offset(offset);
      section.set_size(size);
    }
    return parse(fileWith(manifest, 12288)).status();
  };
  EXPECT_TRUE(judgeSections({{4096, 4096}, {8192, 4096}}));
  EXPECT_NE(judgeSections({{4096, 8193}}).message().find("'s1' reaches past the end"), std::string::npos);
  EXPECT_NE(judgeSections({{4096, UINT64_MAX - 4095}}).message().find("past the end"), std::string::npos);
  EXPECT_NE(judgeSections({{UINT64_MAX - 4095, 8192}}).message().find("past the end"), std::string::npos);
  EXPECT_NE(judgeSections({{4096, 8192}, {8192, 4096}}).message().find("'s2' lies at offset 8192"), std::string::npos);
  EXPECT_NE(judgeSections({{0, 4096}}).message().find("lies at offset 0"), std::string::npos);
  EXPECT_NE(judgeSections({{4100, 4096}}).message().find("lies at offset 4100"), std::string::npos);
  EXPECT_NE(judgeSections({{4096, 4096}}).message().find("4096 bytes follow the last section"), std::string::npos);
}

TEST(Container, RefusesAManifestThatIsNoProtobuf) {
  std::string bytes = fileWith(Manifest(), 32 + 3);
  bytes.replace(32, 3, "\xff\xff\xff");
  uint64_t size = 3;
  uint32_t crc = uint32_t(crc32(0, reinterpret_cast<const Bytef *>("\xff\xff\xff"), 3));
  std::memcpy(bytes.data() + 16, &size, sizeof size);
  std::memcpy(bytes.data() + 12, &crc, sizeof crc);
  EXPECT_NE(judge(bytes).message().find("not a protobuf of the expected form"), std::string::npos)
      << judge(bytes).message();
}

TEST(Container, SectionHashIsCheckedOnUse) {
  std::string bytes = smallFile();
  bytes.back() = 'x';
  auto container = parse(bytes);
  ASSERT_TRUE(container) << container.status().message();
  EXPECT_TRUE(container->section(0));
  EXPECT_EQ(
      container->section(1).status().message(),
      "file.vlp: damaged file: section 'constants' does not match its SHA-256; compile the model again with vlpc");
}
