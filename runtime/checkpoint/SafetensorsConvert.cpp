// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Conversion of a safetensors tensor's elements to the types that programs compute with.
#include "runtime/checkpoint/Safetensors.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <utility>

namespace vlp {

namespace {

/// Storage types whose bits need decoding.
struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};

float decode(BFloat value) { return std::bit_cast<float>(uint32_t(value.bits) << 16); }

/// IEEE 754 binary16, subnormals, infinities and NaN included.
float decode(Half value) {
  int sign = value.bits >> 15 ? -1 : 1, exponent = value.bits >> 10 & 31, mantissa = value.bits & 1023;
  if (exponent == 31)
    return std::bit_cast<float>(uint32_t(value.bits & 0x8000) << 16 | 0x7f800000u | uint32_t(mantissa) << 13);
  if (exponent == 0)
    return std::copysign(std::ldexp(float(mantissa), -24), float(sign));
  return float(sign) * std::ldexp(float(1024 + mantissa), exponent - 25);
}

template <typename T>
T decode(T value) {
  return value;
}

/// Whether `from` can be given as Result: floats round, integers must come through exactly.
template <typename Result, typename From>
bool convertElement(From from, Result &result) {
  if constexpr (std::is_integral_v<From> && std::is_integral_v<Result>) {
    result = Result(from);
    return std::in_range<Result>(from);
  } else if constexpr (std::is_integral_v<From>) {
    result = Result(from);
    return static_cast<long double>(result) == static_cast<long double>(from);
  } else {
    result = Result(from);
    return true;
  }
}

template <typename Stored, typename Result>
Status convertAll(const SafetensorsTensor &tensor, std::span<Result> values) {
  if constexpr (std::is_same_v<Stored, Result>) {
    if (!values.empty())
      std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
    return Status::ok();
  }
  for (size_t i = 0; i < values.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, tensor.data.data() + i * sizeof stored, sizeof stored);
    if (!convertElement(decode(stored), values[i]))
      return Status::invalid("tensor '" + tensor.name + "': element " + std::to_string(i) +
                             " does not fit the type it is read as");
  }
  return Status::ok();
}

template <typename Result>
Status convert(const SafetensorsTensor &tensor, std::span<Result> values, const char *wanted) {
  if (values.size() != tensor.elements())
    return {StatusCode::Internal, "tensor '" + tensor.name + "' has " + std::to_string(tensor.elements()) +
                                      " elements, not " + std::to_string(values.size())};
  switch (tensor.type) {
  case SafetensorsType::Bool:
  case SafetensorsType::U8: return convertAll<uint8_t>(tensor, values);
  case SafetensorsType::I8: return convertAll<int8_t>(tensor, values);
  case SafetensorsType::I16: return convertAll<int16_t>(tensor, values);
  case SafetensorsType::U16: return convertAll<uint16_t>(tensor, values);
  case SafetensorsType::I32: return convertAll<int32_t>(tensor, values);
  case SafetensorsType::U32: return convertAll<uint32_t>(tensor, values);
  case SafetensorsType::I64: return convertAll<int64_t>(tensor, values);
  case SafetensorsType::U64: return convertAll<uint64_t>(tensor, values);
  default: break;
  }
  if constexpr (std::is_floating_point_v<Result>) {
    switch (tensor.type) {
    case SafetensorsType::F16: return convertAll<Half>(tensor, values);
    case SafetensorsType::BF16: return convertAll<BFloat>(tensor, values);
    case SafetensorsType::F32: return convertAll<float>(tensor, values);
    case SafetensorsType::F64: return convertAll<double>(tensor, values);
    default: break;
    }
  }
  return Status::invalid("tensor '" + tensor.name + "' is " + toString(tensor.type) + ", which cannot be read as " +
                         wanted);
}

} // namespace

Status SafetensorsTensor::read(std::span<float> values) const { return convert(*this, values, "f32"); }
Status SafetensorsTensor::read(std::span<double> values) const { return convert(*this, values, "f64"); }
Status SafetensorsTensor::read(std::span<int32_t> values) const { return convert(*this, values, "i32"); }
Status SafetensorsTensor::read(std::span<int64_t> values) const { return convert(*this, values, "i64"); }

} // namespace vlp
