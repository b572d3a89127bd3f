// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// nvJitLink, loaded at run time: vlpc neither links nor needs it for other targets.
#include "passes/CUDA/Assemble.h"
#include "passes/CUDA/PTX.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include <dlfcn.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::cuda;

namespace {
/// The functions used, as nvJitLink.h of CUDA 12 and 13 declares them; results are 0 on success.
struct NvJitLink {
  using Handle = void *;
  int (*create)(Handle *, uint32_t, const char **) = nullptr;
  int (*destroy)(Handle *) = nullptr;
  int (*addData)(Handle, int, const void *, size_t, const char *) = nullptr;
  int (*complete)(Handle) = nullptr;
  int (*cubinSize)(Handle, size_t *) = nullptr;
  int (*cubin)(Handle, void *) = nullptr;
  int (*errorLogSize)(Handle, size_t *) = nullptr;
  int (*errorLog)(Handle, char *) = nullptr;
  int (*infoLogSize)(Handle, size_t *) = nullptr;
  int (*infoLog)(Handle, char *) = nullptr;
  int (*getVersion)(unsigned *, unsigned *) = nullptr;

  static constexpr int kInputPTX = 2;
  std::string problem; // why it is not usable
  unsigned major = 0, minor = 0;

  NvJitLink() {
    std::string tried;
    void *library = open(tried);
    if (!library) {
      problem = "expected NVIDIA's assembler (libnvJitLink.so), found none in " + tried +
                "; run tools/setup, or set VLP_CUDA_HOME to a CUDA toolkit";
      return;
    }
    bool ok =
        find(library, "nvJitLinkCreate", create) && find(library, "nvJitLinkDestroy", destroy) &&
        find(library, "nvJitLinkAddData", addData) && find(library, "nvJitLinkComplete", complete) &&
        find(library, "nvJitLinkGetLinkedCubinSize", cubinSize) && find(library, "nvJitLinkGetLinkedCubin", cubin) &&
        find(library, "nvJitLinkGetErrorLogSize", errorLogSize) && find(library, "nvJitLinkGetErrorLog", errorLog) &&
        find(library, "nvJitLinkGetInfoLogSize", infoLogSize) && find(library, "nvJitLinkGetInfoLog", infoLog) &&
        find(library, "nvJitLinkVersion", getVersion) && getVersion(&major, &minor) == 0;
    if (!ok)
      problem = "expected a libnvJitLink.so of CUDA 12 or later, found one that lacks functions";
  }

private:
  template <typename F>
  static bool find(void *library, const char *name, F &function) {
    function = reinterpret_cast<F>(dlsym(library, name));
    return function != nullptr;
  }

  static void *open(std::string &tried) {
    std::vector<std::string> folders;
    for (const char *variable : {"VLP_CUDA_HOME", "CUDA_HOME", "CUDA_PATH"})
      if (std::optional<std::string> home = llvm::sys::Process::GetEnv(variable))
        folders.insert(folders.end(), {*home + "/lib64", *home + "/lib"});
    folders.insert(folders.end(), {"/usr/local/cuda/lib64", "/usr/local/cuda/lib"});
    std::string self = llvm::sys::fs::getMainExecutable(nullptr, reinterpret_cast<void *>(&open));
    for (StringRef folder = llvm::sys::path::parent_path(self); !folder.empty();
         folder = llvm::sys::path::parent_path(folder))
      for (const char *version : {"13", "12"}) // a wheel unpacked by tools/setup into the build folder
        folders.push_back((folder + "/cuda/nvidia/" + (version[1] == '3' ? "cu13" : "nvjitlink") + "/lib").str());
    for (const std::string &folder : folders)
      for (const char *name : {"libnvJitLink.so.13", "libnvJitLink.so.12", "libnvJitLink.so"})
        if (void *library = dlopen((folder + "/" + name).c_str(), RTLD_NOW | RTLD_LOCAL))
          return library;
    for (const char *name : {"libnvJitLink.so.13", "libnvJitLink.so.12"})
      if (void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL))
        return library;
    tried = "VLP_CUDA_HOME, CUDA_HOME, CUDA_PATH, /usr/local/cuda, build/cuda or the loader's path";
    return nullptr;
  }
};

std::string getLog(int (*size)(NvJitLink::Handle, size_t *), int (*read)(NvJitLink::Handle, char *),
                   NvJitLink::Handle handle) {
  size_t bytes = 0;
  if (size(handle, &bytes) != 0 || bytes == 0)
    return "";
  std::string log(bytes, '\0');
  if (read(handle, log.data()) != 0)
    return "";
  return log.substr(0, log.find('\0'));
}
} // namespace

static const NvJitLink &getLibrary() {
  static const NvJitLink library;
  return library;
}

std::string cuda::assemblerIdentity(Location where) {
  const NvJitLink &library = getLibrary();
  if (!library.problem.empty())
    return emitError(where) << library.problem, "";
  // Updates of one version differ in their file.
  Dl_info info;
  llvm::sys::fs::file_status status;
  if (dladdr(reinterpret_cast<void *>(library.create), &info) && info.dli_fname)
    (void)llvm::sys::fs::status(info.dli_fname, status);
  return ("nvJitLink " + llvm::Twine(library.major) + "." + llvm::Twine(library.minor) + " " +
          llvm::Twine(status.getSize()) + " " +
          llvm::Twine(status.getLastModificationTime().time_since_epoch().count()))
      .str();
}

FailureOr<uint32_t> cuda::requiredDriver(StringRef ptx, Location where) {
  llvm::Expected<uint32_t> driver = driverForPTX(ptx);
  if (!driver)
    return emitError(where) << llvm::toString(driver.takeError());
  return std::max<uint32_t>(*driver, getLibrary().major * 1000);
}

std::vector<KernelStatistics> cuda::parseStatistics(StringRef log) {
  std::vector<KernelStatistics> kernels;
  auto before = [](StringRef line, StringRef unit) -> uint32_t { // the number in front of `unit`
    size_t at = line.find(unit);
    uint32_t number = 0;
    if (at != StringRef::npos)
      (void)line.take_front(at).rtrim().rsplit(' ').second.getAsInteger(10, number);
    return number;
  };
  for (StringRef line : llvm::split(log, '\n')) {
    if (line.contains("Compiling entry function")) {
      kernels.emplace_back();
      kernels.back().name = line.split('\'').second.split('\'').first.str();
    } else if (!kernels.empty() && line.contains("bytes stack frame")) {
      kernels.back().stack = before(line, " bytes stack frame");
      kernels.back().spillStores = before(line, " bytes spill stores");
      kernels.back().spillLoads = before(line, " bytes spill loads");
    } else if (!kernels.empty() && line.contains("Used ")) {
      kernels.back().registers = before(line, " registers");
      kernels.back().staticShared = before(line, " bytes smem");
    }
  }
  return kernels;
}

FailureOr<Cubin> cuda::assemble(StringRef ptx, StringRef chip, Location where) {
  const NvJitLink &library = getLibrary();
  if (!library.problem.empty())
    return emitError(where) << library.problem;
  std::string arch = ("-arch=" + chip).str();
  const char *options[] = {arch.c_str(), "-O3", "-verbose", "-split-compile=0"};
  NvJitLink::Handle handle = nullptr;
  if (int code = library.create(&handle, std::size(options), options))
    return emitError(where) << "nvJitLink cannot assemble for " << chip << " (error " << code << ")";
  llvm::scope_exit destroy([&] { library.destroy(&handle); });
  std::string text = ptx.str(); // with the terminating zero that the assembler reads
  int code = library.addData(handle, NvJitLink::kInputPTX, text.c_str(), text.size() + 1, "kernels.ptx");
  if (code == 0)
    code = library.complete(handle);
  if (code != 0)
    return emitError(where) << "the kernels do not assemble for " << chip << ": "
                            << getLog(library.errorLogSize, library.errorLog, handle);
  Cubin cubin;
  size_t size = 0;
  library.cubinSize(handle, &size);
  cubin.bytes.resize(size);
  if (size == 0 || library.cubin(handle, cubin.bytes.data()) != 0)
    return emitError(where) << "nvJitLink gave no machine code for " << chip;
  cubin.kernels = parseStatistics(getLog(library.infoLogSize, library.infoLog, handle));
  return cubin;
}
