// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards our declarations of the CUDA driver API against the toolkit's cuda.h, where there is one to compare with.

// First, so that its macros, which rename functions, rename our members too.
#include <cuda.h>

#include "runtime/cuda/DriverApi.h"

#include <gtest/gtest.h>
#include <type_traits>

using namespace vlp::cuda;

namespace {

/// Alike for a call: as many parameters, each of the same size and kind.
template <typename A, typename B>
constexpr bool alike = sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B>;

template <typename R, typename... A, typename S, typename... B>
constexpr bool sameCall(R (*)(A...), S (*)(B...)) {
  if constexpr (sizeof...(A) != sizeof...(B))
    return false;
  else
    return alike<R, S> && (alike<A, B> && ...);
}

#define CHECK_CALL(name, symbol, parameters)                                                                           \
  static_assert(sameCall(static_cast<decltype(DriverApi::name)>(nullptr), static_cast<decltype(&::name)>(nullptr)),    \
                symbol);
VLP_CUDA_FUNCTIONS(CHECK_CALL)

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

} // namespace

// cuda.h spells each function's current version by a macro; an older one, which every driver still has, is fine where
// its parameters are the same.
TEST(DriverAbi, SymbolsAreThoseOfTheHeader) {
#define CHECK_SYMBOL(name, symbol, parameters)                                                                         \
  if (std::string(symbol) != "cuEventElapsedTime")                                                                     \
    EXPECT_STREQ(symbol, TEXT(name));
  VLP_CUDA_FUNCTIONS(CHECK_SYMBOL)
}

TEST(DriverAbi, ConstantsAreThoseOfTheHeader) {
  EXPECT_EQ(kInvalidValue, int(CUDA_ERROR_INVALID_VALUE));
  EXPECT_EQ(kOutOfMemory, int(CUDA_ERROR_OUT_OF_MEMORY));
  EXPECT_EQ(kNotInitialized, int(CUDA_ERROR_NOT_INITIALIZED));
  EXPECT_EQ(kStubLibrary, int(CUDA_ERROR_STUB_LIBRARY));
  EXPECT_EQ(kNoDevice, int(CUDA_ERROR_NO_DEVICE));
  EXPECT_EQ(kInvalidDevice, int(CUDA_ERROR_INVALID_DEVICE));
  EXPECT_EQ(kInvalidImage, int(CUDA_ERROR_INVALID_IMAGE));
  EXPECT_EQ(kInvalidContext, int(CUDA_ERROR_INVALID_CONTEXT));
  EXPECT_EQ(kUnsupportedPtxVersion, int(CUDA_ERROR_UNSUPPORTED_PTX_VERSION));
  EXPECT_EQ(kInvalidHandle, int(CUDA_ERROR_INVALID_HANDLE));
  EXPECT_EQ(kIllegalState, int(CUDA_ERROR_ILLEGAL_STATE));
  EXPECT_EQ(kNotFound, int(CUDA_ERROR_NOT_FOUND));
  EXPECT_EQ(kNotReady, int(CUDA_ERROR_NOT_READY));
  EXPECT_EQ(kIllegalAddress, int(CUDA_ERROR_ILLEGAL_ADDRESS));
  EXPECT_EQ(kLaunchOutOfResources, int(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES));
  EXPECT_EQ(kLaunchTimeout, int(CUDA_ERROR_LAUNCH_TIMEOUT));
  EXPECT_EQ(kIllegalInstruction, int(CUDA_ERROR_ILLEGAL_INSTRUCTION));
  EXPECT_EQ(kMisalignedAddress, int(CUDA_ERROR_MISALIGNED_ADDRESS));
  EXPECT_EQ(kInvalidPc, int(CUDA_ERROR_INVALID_PC));
  EXPECT_EQ(kLaunchFailed, int(CUDA_ERROR_LAUNCH_FAILED));
  EXPECT_EQ(kStreamCaptureUnsupported, int(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED));
  EXPECT_EQ(kStreamCaptureInvalidated, int(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED));
  EXPECT_EQ(kStreamCaptureMerge, int(CUDA_ERROR_STREAM_CAPTURE_MERGE));
  EXPECT_EQ(kStreamCaptureUnmatched, int(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED));
  EXPECT_EQ(kStreamCaptureUnjoined, int(CUDA_ERROR_STREAM_CAPTURE_UNJOINED));
  EXPECT_EQ(kStreamCaptureIsolation, int(CUDA_ERROR_STREAM_CAPTURE_ISOLATION));
  EXPECT_EQ(kCapturedEvent, int(CUDA_ERROR_CAPTURED_EVENT));
  EXPECT_EQ(kAttributeMaxThreadsPerBlock, int(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK));
  EXPECT_EQ(kAttributeMaxSharedPerBlock, int(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK));
  EXPECT_EQ(kAttributeMaxRegistersPerBlock, int(CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK));
  EXPECT_EQ(kAttributeMajor, int(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR));
  EXPECT_EQ(kAttributeMinor, int(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
  EXPECT_EQ(kAttributeMaxSharedPerBlockOptin, int(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN));
  EXPECT_EQ(kFunctionMaxDynamicShared, int(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES));
  EXPECT_EQ(kStreamNonBlocking, unsigned(CU_STREAM_NON_BLOCKING));
  EXPECT_EQ(kEventDisableTiming, unsigned(CU_EVENT_DISABLE_TIMING));
  EXPECT_EQ(kCaptureThreadLocal, unsigned(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
  EXPECT_EQ(kJitErrorLog, unsigned(CU_JIT_ERROR_LOG_BUFFER));
  EXPECT_EQ(kJitErrorLogSize, unsigned(CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES));
}
