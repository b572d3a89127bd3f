# Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# lit configuration: .mlir and .test files under test/, run on the tools of a build (--param build=FOLDER).
import os
import sys

import lit.formats

build = lit_config.params.get("build")
if not build:
    lit_config.fatal("say which build to test: lit --param build=BUILD_FOLDER test")
llvm = lit_config.params.get("llvm", "/usr/lib/llvm-22/bin")
tools = os.path.join(build, "bin")

config.name = "vlpc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(build, "test", "lit")
config.environment["PATH"] = os.pathsep.join([tools, llvm, os.environ.get("PATH", "")])
config.substitutions.append(("%test", config.test_source_root))
config.substitutions.append(("%python", sys.executable))

# A test that needs a tool, or the reference files, says `REQUIRES: vlp-run` or `REQUIRES: shared`.
for tool in ("vlpc", "vlp-opt", "vlp-run", "vlp-check"):
    if os.path.exists(os.path.join(tools, tool)):
        config.available_features.add(tool)
shared = os.environ.get("VLP_SHARED", "")
if os.path.isdir(shared):
    config.available_features.add("shared")
    config.environment["VLP_SHARED"] = shared
    config.substitutions.append(("%shared", shared))
# Compiled kernels are kept with the build, not in the user's home.
config.environment["XDG_CACHE_HOME"] = os.path.join(build, "test", "cache")
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
