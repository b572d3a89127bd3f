// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Status and Expected: how the runtime reports what went wrong. One line for the user, plus the place in our code.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>

namespace vlp {

enum class StatusCode : int32_t {
  Ok = 0,
  /// The user's mistake: a bad option, file, or input. Tools exit with 1.
  InvalidArgument = 1,
  NotFound = 2,
  /// A file is damaged or of another format or version.
  DataLoss = 3,
  /// Training cannot go on: the loss or a gradient is not finite.
  NotFinite = 4,
  /// The machine lacks something: memory, an instruction set, a device.
  Unavailable = 5,
  /// Our mistake. Tools exit with 2.
  Internal = 6,
};

/// The outcome of an operation: Ok, or a code with a one-line message that says what was expected, what was found and
/// where.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(StatusCode code, std::string message, std::source_location where = std::source_location::current())
      : info(std::make_shared<Info>(Info{code, std::move(message), where.file_name(), where.line()})) {}

  static Status ok() { return {}; }
  static Status invalid(std::string message, std::source_location where = std::source_location::current()) {
    return {StatusCode::InvalidArgument, std::move(message), where};
  }

  bool isOk() const { return !info; }
  explicit operator bool() const { return isOk(); }
  StatusCode code() const { return info ? info->code : StatusCode::Ok; }
  const std::string &message() const {
    static const std::string none;
    return info ? info->message : none;
  }
  const char *file() const { return info ? info->file : ""; }
  uint32_t line() const { return info ? info->line : 0; }

private:
  struct Info {
    StatusCode code;
    std::string message;
    const char *file;
    uint32_t line;
  };
  std::shared_ptr<const Info> info;
};

/// A value or the Status that explains its absence.
template <typename T>
class [[nodiscard]] Expected {
public:
  Expected(T value) : value(std::move(value)) {}
  Expected(Status status) : error(std::move(status)) {
    assert(!error.isOk() && "an Expected without a value needs an error");
  }

  explicit operator bool() const { return value.has_value(); }
  T &operator*() { return *value; }
  const T &operator*() const { return *value; }
  T *operator->() { return &*value; }
  const T *operator->() const { return &*value; }
  const Status &status() const { return error; }

private:
  std::optional<T> value;
  Status error;
};

} // namespace vlp

/// Returns from the enclosing function when `expr` (a Status) is not Ok.
#define VLP_RETURN_IF_ERROR(expr)                                                                                      \
  do {                                                                                                                 \
    if (::vlp::Status vlpStatus_ = (expr); !vlpStatus_.isOk())                                                         \
      return vlpStatus_;                                                                                               \
  } while (false)
