// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels of flags and draws.
#include "test/passes/Kernels/FlagCases.h"

using namespace vlp::test;

std::vector<KernelCase> vlp::test::makeFlagCases(const std::string &shape) {
  std::string f32 = shape + "xf32", i32 = shape + "xi32", columns = shape.substr(shape.find('x') + 1);
  auto t = [](const std::string &type) { return "tensor<" + type + ">"; };
  KernelCase floats = {"elementwise",
                       {f32, columns + "xf32"},
                       "%y = vlp.less %a0, %a1 : (" + t(f32) + ", " + t(columns + "xf32") + ") -> " + t(i32),
                       {"%y"},
                       {i32}};
  KernelCase integers = {"elementwise",
                         {i32, "i32", f32, f32},
                         "%e = vlp.equal %a0, %a1 : (" + t(i32) + ", tensor<i32>) -> " + t(i32) +
                             "\n%y = vlp.select %e, %a2, %a3 : (" + t(i32) + ", " + t(f32) + ", " + t(f32) + ") -> " +
                             t(f32),
                         {"%e", "%y"},
                         {i32, f32}};
  KernelCase draws = {"elementwise",
                      {"i32", "i32", f32},
                      "%r = vlp.random_uniform %a0, %a1 {stream = 5 : i64} : (tensor<i32>, tensor<i32>) -> " +
                          t(columns + "xf32") +
                          "\n%u = vlp.random_uniform %a0, %a1 {stream = 4294967295 : i64} : (tensor<i32>, tensor<i32>) "
                          "-> " +
                          t(f32) + "\n%y = vlp.add %u, %r : (" + t(f32) + ", " + t(columns + "xf32") + ") -> " + t(f32),
                      {"%u", "%y"},
                      {f32, f32}};
  draws.given = {{0, {-123456789}}, {1, {2000000000}}};
  draws.tolerance = 1e-7;
  return {floats, integers, draws};
}
