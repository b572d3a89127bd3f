// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Headers and declarations of PTX modules.
#include "passes/CUDA/PTX.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace vlp;
using llvm::StringRef;

/// Cuts `module` behind its header: comments, .version, .target and .address_size.
static llvm::Expected<std::pair<StringRef, StringRef>> splitHeader(StringRef module) {
  size_t at = module.find("\n.address_size ");
  size_t end = at == StringRef::npos ? at : module.find('\n', at + 1);
  if (end == StringRef::npos)
    return llvm::createStringError("expected PTX with a line .address_size, got '" + module.take_front(60) + "'");
  return std::pair(module.take_front(end + 1), module.drop_front(end + 1));
}

llvm::Expected<std::string> cuda::mergePTX(llvm::ArrayRef<StringRef> modules) {
  std::string merged;
  StringRef header;
  llvm::StringSet<> declared;
  for (StringRef module : modules) {
    auto parts = splitHeader(module);
    if (!parts)
      return parts.takeError();
    if (header.empty())
      merged = (header = parts->first).str();
    if (parts->first != header)
      return llvm::createStringError("expected PTX modules with the same header, got:\n" + header + "and:\n" +
                                     parts->first);
    for (StringRef rest = parts->second; !rest.empty();) {
      auto [line, next] = rest.split('\n');
      rest = next;
      // smem, the dynamic shared memory, is one symbol for all kernels.
      if (line.starts_with(".extern ") && !declared.insert(line).second)
        continue;
      merged += (line + "\n").str();
    }
  }
  return merged;
}

llvm::Expected<uint32_t> cuda::driverForPTX(StringRef ptx) {
  // PTX ISA, "Release Notes": versions and the toolkits that brought them. From 7.0 to 8.5 and from 9.0 on, a version a
  // toolkit; 8.6 came with CUDA 12.7.
  size_t at = ptx.find(".version ");
  StringRef line = at == StringRef::npos ? "" : ptx.drop_front(at).split('\n').first;
  auto [majorText, minorText] = StringRef(line).drop_front(std::min<size_t>(line.size(), 9)).trim().split('.');
  unsigned major, minor;
  if (majorText.getAsInteger(10, major) || minorText.getAsInteger(10, minor) || major < 7)
    return llvm::createStringError("expected PTX of version 7.0 or later, got '" + line + "'");
  if (major == 8 && minor > 5)
    ++minor;
  return (major + 4) * 1000 + minor * 10;
}
