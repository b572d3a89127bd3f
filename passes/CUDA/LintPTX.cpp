// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A line-by-line reading of PTX, as the NVPTX back end prints it.
#include "passes/CUDA/LintPTX.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace vlp;
using namespace vlp::cuda;
using llvm::StringRef;

namespace {

class Reader {
public:
  PtxLint lint;

  void read(StringRef text) {
    for (StringRef line : llvm::split(text, '\n')) {
      line = line.split("//").first.trim();
      bool isDirective = line.starts_with(".");
      if (isDirective)
        readDirective(line);
      else
        for (StringRef statement : llvm::split(line, ';'))
          readInstruction(statement.ltrim("{ \t"));
    }
  }

private:
  void report(const llvm::Twine &problem) {
    std::string where = lint.kernels.empty() ? "" : "kernel '" + lint.kernels.back().kernel + "': ";
    lint.problems.push_back(where + problem.str());
  }

  void readDirective(StringRef line) {
    llvm::SmallVector<StringRef> words;
    llvm::SplitString(line, words);
    if (llvm::is_contained(words, ".entry"))
      lint.kernels.push_back({llvm::find(words, ".entry")[1].take_until([](char c) { return c == '('; }).str()});
    if (llvm::is_contained(words, ".func"))
      report("expected kernels only, found the function \"" + line + "\"");
    if (llvm::is_contained(words, ".param")) // may name the space that a pointer points to
      return;
    if (llvm::is_contained(words, ".local"))
      report("expected no local memory, found \"" + line + "\"");
    if (llvm::is_contained(words, ".shared"))
      readShared(line, words);
  }

  void readShared(StringRef line, llvm::ArrayRef<StringRef> words) {
    uint64_t alignment = 0, size = 0;
    if (auto at = llvm::find(words, ".align"); at != words.end() && at + 1 != words.end())
      (void)at[1].getAsInteger(10, alignment);
    if (alignment < 16)
      report("expected shared memory aligned to 16 bytes, found \"" + line + "\"");
    StringRef extent = line.split('[').second.split(']').first.trim();
    bool isExternal = llvm::is_contained(words, ".extern") && extent.empty();
    (void)extent.getAsInteger(10, size);
    if (!isExternal && size <= 1)
      report("expected a shared array, found \"" + line + "\"; dynamic shared memory must be external");
  }

  void readInstruction(StringRef statement) {
    if (statement.starts_with("@"))
      statement = statement.split(' ').second.ltrim();
    StringRef name = statement.take_until([](char c) { return llvm::isSpace(c); });
    auto [opcode, rest] = name.split('.');
    if (opcode == "call")
      report("expected no calls, found \"" + statement + "\"");
    if (lint.kernels.empty())
      return;
    PtxCounts &counts = lint.kernels.back();
    counts.mma += name.starts_with("mma.sync");
    counts.ldmatrix += opcode == "ldmatrix";
    counts.barriers +=
        name.starts_with("bar.sync") || name.starts_with("barrier.sync") || name.starts_with("barrier.cta.sync");
    if (name.starts_with("cp.async.ca.") || name.starts_with("cp.async.cg.")) {
      ++counts.asyncCopies;
      counts.wideAsyncCopies += copiedBytes(statement) == 16;
    }
    if (opcode == "ld" || opcode == "st")
      readAccess(statement, rest, counts);
  }

  void readAccess(StringRef statement, StringRef modifiers, PtxCounts &counts) {
    llvm::SmallVector<StringRef> parts;
    modifiers.split(parts, '.');
    if (llvm::is_contained(parts, "local"))
      report("expected no local memory, found \"" + statement + "\"");
    uint64_t lanes = 1, bits = 0;
    for (StringRef part : parts)
      if (part.starts_with("v"))
        (void)part.drop_front().getAsInteger(10, lanes);
    (void)parts.back().drop_front().getAsInteger(10, bits);
    bool isWide = lanes * bits >= 128;
    auto isIn = [&](StringRef space) { // "shared" or "shared::cta"
      return llvm::any_of(parts, [&](StringRef part) { return part.split(':').first == space; });
    };
    counts.wideGlobal += isWide && isIn("global");
    counts.wideShared += isWide && isIn("shared");
  }

  /// cp.async... [to], [from], SIZE, ...
  static uint64_t copiedBytes(StringRef statement) {
    llvm::SmallVector<StringRef> operands;
    statement.split(operands, ',');
    uint64_t bytes = 0;
    if (operands.size() > 2)
      (void)operands[2].trim(" ;").getAsInteger(10, bytes);
    return bytes;
  }
};

} // namespace

PtxLint cuda::lintPTX(StringRef ptx) {
  Reader reader;
  reader.read(ptx);
  return std::move(reader.lint);
}

std::vector<std::string> cuda::compareCounts(const PtxCounts &counts, const TileInstructions &expected) {
  std::vector<std::string> differences;
  auto compare = [&](const char *what, std::optional<int64_t> wanted, uint32_t found) {
    if (wanted && *wanted != found)
      differences.push_back("kernel '" + counts.kernel + "': expected " + std::to_string(*wanted) + " " + what +
                            " by its tiles, the PTX has " + std::to_string(found));
  };
  compare("mma.sync", expected.mma, counts.mma);
  compare("ldmatrix", expected.ldmatrix, counts.ldmatrix);
  compare("cp.async", expected.asyncCopies, counts.asyncCopies);
  compare("cp.async of 16 bytes", expected.wideAsyncCopies, counts.wideAsyncCopies);
  compare("accesses of 16 bytes to global memory", expected.wideGlobal, counts.wideGlobal);
  compare("accesses of 16 bytes to shared memory", expected.wideShared, counts.wideShared);
  return differences;
}
