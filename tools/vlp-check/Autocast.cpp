// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Documents of errors, by the hash of their golden file.
#include "tools/vlp-check/Autocast.h"

#include "models/common/Architecture.h"
#include "runtime/core/Sha256.h"
#include "tools/vlp-check/AutocastData.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace vlp;
using namespace vlp::tools;
namespace json = llvm::json;

namespace {
struct Document {
  std::string golden, hash;
  AutocastErrors errors;
};

bool fromJSON(const json::Value &value, Document &document, json::Path path) {
  json::ObjectMapper object(value, path);
  return object && object.map("golden", document.golden) && object.map("golden_sha256", document.hash) &&
         object.map("torch", document.errors.torch) && object.map("errors", document.errors.errors);
}
} // namespace

static llvm::Expected<std::string> readFile(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return models::makeError("cannot read " + path + ": " + buffer.getError().message());
  return (*buffer)->getBuffer().str();
}

llvm::Expected<AutocastErrors> tools::findAutocastErrors(const std::string &golden, const std::string &file) {
  llvm::Expected<std::string> bytes = readFile(golden);
  if (!bytes)
    return bytes.takeError();
  std::string hash = sha256Hex(*bytes);
  if (!file.empty()) {
    llvm::Expected<std::string> text = readFile(file);
    if (!text)
      return text.takeError();
    auto document = json::parse<Document>(*text);
    if (!document)
      return models::makeError(
          file + " is not what tools/reference/clip_autocast.py writes: " + llvm::toString(document.takeError()));
    if (document->hash != hash)
      return models::makeError(file + " holds errors for " + document->golden + " with SHA-256 " + document->hash +
                               ", expected that of " + golden + ", " + hash);
    return document->errors;
  }
  for (const char *text : knownAutocastErrors)
    if (auto document = llvm::cantFail(json::parse<Document>(text)); document.hash == hash)
      return document.errors;
  return models::makeError("no errors of PyTorch's bf16 autocast are built in for " + golden +
                           "; make them with "
                           "tools/reference/clip_autocast.py and give --autocast=FILE.json");
}
