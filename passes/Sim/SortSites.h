// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The order of the table of instruction addresses in a simulator object.
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace vlp::sim {

/// Sorts the section vlp_sites of an ELF shared object by address. LLVM writes it in the order of a hash table of
/// pointers (AsmPrinter::emitPCSections), which differs from run to run.
llvm::Error sortSites(std::string &object);

} // namespace vlp::sim
