// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text of kernel cases.
#include "test/passes/Kernels/KernelCase.h"

using namespace vlp;

static std::string joined(const std::vector<std::string> &items) {
  std::string text;
  for (const std::string &item : items)
    text += (text.empty() ? "" : ", ") + item;
  return text;
}

static std::vector<std::string> tensors(const std::vector<std::string> &types) {
  std::vector<std::string> result;
  for (const std::string &type : types)
    result.push_back("tensor<" + type + ">");
  return result;
}

std::string test::moduleText(const KernelCase &c) {
  std::vector<std::string> arguments, names, outer;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    names.push_back("%x" + std::to_string(i));
    arguments.push_back(names.back() + ": tensor<" + c.inputs[i] + ">");
    outer.push_back("%a" + std::to_string(i) + ": tensor<" + c.inputs[i] + ">");
  }
  std::vector<std::string> returned;
  for (size_t i = 0; i < c.results.size(); ++i)
    returned.push_back(c.results.size() == 1 ? "%r" : "%r#" + std::to_string(i));
  std::string types = joined(tensors(c.results));
  return "func.func @k(" + joined(arguments) + ") -> (" + types + ") {\n  %r" +
         (c.results.size() == 1 ? "" : ":" + std::to_string(c.results.size())) + " = vlp.kernel \"" + c.anchor +
         "\" (" + joined(names) + ") : (" + joined(tensors(c.inputs)) + ") -> (" + types + ") {\n  ^bb0(" +
         joined(outer) + "):\n" + c.body + "\n  vlp.yield " + joined(c.yields) + " : " + types + "\n  }\n  return " +
         joined(returned) + " : " + types + "\n}\n";
}

std::string test::with(std::string text, const std::vector<std::pair<std::string, int>> &values) {
  for (const auto &[name, value] : values)
    text = with(text, name, std::to_string(value));
  return text;
}

std::string test::with(std::string text, const std::string &name, const std::string &value) {
  for (size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += value.size())
    text.replace(at, name.size(), value);
  return text;
}
