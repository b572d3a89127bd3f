// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Writes and opens the container of a compiled file.
#include "runtime/format/Container.h"

#include "runtime/core/MappedFile.h"
#include "runtime/core/Sha256.h"
#include "runtime/format/Validate.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <mutex>
#include <zlib.h>

namespace vlp::format {

static_assert(std::endian::native == std::endian::little, "the container is read and written in place");

static constexpr char kMagic[8] = {'V', 'L', 'P', 'C', 'F', 'I', 'L', 'E'};

/// The fixed part of the file, as laid out in Container.h.
struct Header {
  char magic[8];
  uint32_t version;
  uint32_t manifestCrc;
  uint64_t manifestSize;
  uint64_t fileSize;
};
static_assert(sizeof(Header) == 32);

static uint64_t alignToSection(uint64_t offset) {
  return (offset + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

/// Protobuf may order map entries freely; a deterministic stream sorts them, so that equal input gives equal bytes.
static std::string serialize(const Manifest &manifest) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    manifest.SerializeToCodedStream(&coded);
  }
  return bytes;
}

static uint32_t crc32Of(std::span<const char> bytes) {
  return uint32_t(crc32_z(0, reinterpret_cast<const Bytef *>(bytes.data()), bytes.size()));
}

/// Fills in the offsets and returns the manifest's bytes. Offsets depend on the size of the manifest that states them,
/// and that size grows with them, so this repeats until nothing moves.
static std::string placeSections(Manifest &manifest, uint64_t &fileSize) {
  std::string bytes = serialize(manifest);
  for (;;) {
    uint64_t end = sizeof(Header) + bytes.size();
    for (Section &section : *manifest.mutable_sections()) {
      section.set_offset(alignToSection(end));
      end = section.offset() + section.size();
    }
    std::string next = serialize(manifest);
    if (next.size() == bytes.size()) {
      fileSize = end;
      return next;
    }
    bytes = std::move(next);
  }
}

std::string writeContainer(Manifest manifest, std::span<const std::string> sections) {
  assert(size_t(manifest.sections_size()) <= sections.size() && "more sections declared than given");
  while (size_t(manifest.sections_size()) < sections.size())
    manifest.add_sections();
  for (size_t i = 0; i < sections.size(); ++i) {
    Section &section = *manifest.mutable_sections(int(i));
    section.set_size(sections[i].size());
    section.set_sha256(sha256Hex(sections[i]));
    section.set_offset(0);
  }
  Header header;
  std::string body = placeSections(manifest, header.fileSize);
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kFormatVersion;
  header.manifestCrc = crc32Of(body);
  header.manifestSize = body.size();
  std::string file(header.fileSize, '\0');
  std::memcpy(file.data(), &header, sizeof header);
  std::memcpy(file.data() + sizeof header, body.data(), body.size());
  for (size_t i = 0; i < sections.size(); ++i)
    std::copy(sections[i].begin(), sections[i].end(), file.begin() + ptrdiff_t(manifest.sections(int(i)).offset()));
  return file;
}

struct Container::Impl {
  Impl(MappedFile file, std::string path) : file(std::move(file)), path(std::move(path)) {}

  static Expected<std::unique_ptr<Impl>> read(Expected<MappedFile> file, const std::string &path);

  MappedFile file;
  std::string path;
  Manifest manifest;
  std::mutex mutex;
  /// Whether the hash of a section was found right already.
  std::vector<bool> verified;
};

Container::Container(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Container::Container(Container &&) noexcept = default;
Container &Container::operator=(Container &&) noexcept = default;
Container::~Container() = default;

const Manifest &Container::manifest() const { return impl->manifest; }
const std::string &Container::path() const { return impl->path; }

static Status damaged(const std::string &path, const std::string &what) {
  return {StatusCode::DataLoss, path + ": damaged file: " + what + "; compile the model again with vlpc"};
}

/// Judges the fixed part of the file.
static Status readHeader(std::span<const char> bytes, const std::string &path, Header &header) {
  size_t compared = std::min(bytes.size(), sizeof kMagic);
  if (compared == 0 || std::memcmp(bytes.data(), kMagic, compared) != 0)
    return {StatusCode::DataLoss,
            path + ": not a compiled VLPC file (it does not start with VLPCFILE); vlpc MODEL -o FILE.vlp makes one"};
  if (bytes.size() < sizeof header)
    return {StatusCode::DataLoss, path + ": truncated: expected at least " + std::to_string(sizeof header) +
                                      " bytes, got " + std::to_string(bytes.size())};
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.version != kFormatVersion)
    return {StatusCode::DataLoss, path + ": compiled for another version: the file has format version " +
                                      std::to_string(header.version) + ", this runtime reads version " +
                                      std::to_string(kFormatVersion) + "; compile the model again with vlpc"};
  if (bytes.size() < header.fileSize)
    return {StatusCode::DataLoss, path + ": truncated: expected " + std::to_string(header.fileSize) + " bytes, got " +
                                      std::to_string(bytes.size())};
  if (bytes.size() > header.fileSize)
    return damaged(path, "expected " + std::to_string(header.fileSize) + " bytes, got " + std::to_string(bytes.size()));
  if (header.manifestSize > bytes.size() - sizeof header || header.manifestSize > INT32_MAX)
    return damaged(path, "a manifest of " + std::to_string(header.manifestSize) + " bytes does not fit");
  return Status::ok();
}

/// Sections lie in order, aligned, apart, inside the file, with zeros between and nothing behind.
static Status checkSections(std::span<const char> bytes, const Header &header, const Manifest &manifest,
                            const std::string &path) {
  uint64_t end = sizeof header + header.manifestSize;
  for (const Section &section : manifest.sections()) {
    std::string name = "section '" + section.name() + "'";
    if (section.offset() % kSectionAlignment != 0 || section.offset() < end)
      return damaged(path, name + " lies at offset " + std::to_string(section.offset()));
    if (section.offset() > bytes.size() || section.size() > bytes.size() - section.offset())
      return damaged(path, name + " reaches past the end of the file");
    auto padding = bytes.subspan(end, section.offset() - end);
    if (std::any_of(padding.begin(), padding.end(), [](char byte) { return byte != 0; }))
      return damaged(path, "the padding before " + name + " is not zero");
    end = section.offset() + section.size();
  }
  if (end != bytes.size())
    return damaged(path, std::to_string(bytes.size() - end) + " bytes follow the last section");
  return Status::ok();
}

static Status readManifest(std::span<const char> bytes, const std::string &path, Manifest &manifest) {
  Header header;
  VLP_RETURN_IF_ERROR(readHeader(bytes, path, header));
  auto body = bytes.subspan(sizeof header, header.manifestSize);
  if (crc32Of(body) != header.manifestCrc)
    return damaged(path, "the manifest does not match its checksum");
  if (!manifest.ParseFromArray(body.data(), int(body.size())))
    return damaged(path, "the manifest is not a protobuf of the expected form");
  VLP_RETURN_IF_ERROR(checkSections(bytes, header, manifest, path));
  if (std::string problem = validateManifest(manifest); !problem.empty())
    return damaged(path, problem);
  return Status::ok();
}

Expected<std::unique_ptr<Container::Impl>> Container::Impl::read(Expected<MappedFile> file, const std::string &path) {
  if (!file)
    return file.status();
  auto impl = std::make_unique<Impl>(std::move(*file), path);
  VLP_RETURN_IF_ERROR(readManifest(impl->file.bytes(), path, impl->manifest));
  impl->verified.resize(size_t(impl->manifest.sections_size()));
  return impl;
}

Expected<Container> Container::open(const std::string &path) {
  auto impl = Impl::read(MappedFile::open(path), path);
  if (!impl)
    return impl.status();
  return Container(std::move(*impl));
}

Expected<Container> Container::parse(std::vector<char> bytes, const std::string &name) {
  auto impl = Impl::read(MappedFile::copy(bytes), name);
  if (!impl)
    return impl.status();
  return Container(std::move(*impl));
}

Expected<std::span<const char>> Container::section(uint32_t index) const {
  if (index >= impl->verified.size())
    return Status(StatusCode::Internal, impl->path + ": no section " + std::to_string(index));
  const Section &section = impl->manifest.sections(int(index));
  auto bytes = impl->file.bytes().subspan(section.offset(), section.size());
  std::lock_guard lock(impl->mutex);
  if (!impl->verified[index]) {
    if (sha256Hex({bytes.data(), bytes.size()}) != section.sha256())
      return damaged(impl->path, "section '" + section.name() + "' does not match its SHA-256");
    impl->verified[index] = true;
  }
  return bytes;
}

} // namespace vlp::format
