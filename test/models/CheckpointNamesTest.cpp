// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards that the names and shapes of the official checkpoints are understood: each tensor is a state tensor, a second
// name of one, or known to be of no use; and that nothing of ours is missing there.
#include "dialect/Interpreter/Interpreter.h"
#include "models/Models.h"
#include "passes/Pipelines/Registration.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cstdlib>
#include <gtest/gtest.h>

using namespace mlir;
using namespace vlp;
using namespace vlp::models;

namespace {
struct Official {
  const char *file, *preset;
  /// Of ours, parameters that the official files do not have.
  const char *own;
};
const Official kFiles[] = {{"albef", "albef/base", ""},
                           {"blip", "blip/base", ""},
                           {"vlmo", "vlmo/base", ""},
                           // The released backbone has no heads of pretraining.
                           {"beit3", "beit3/base", "_head."},
                           {"coca_ViT-B-32", "coca/ViT-B-32", ""},
                           {"coca_ViT-L-14", "coca/ViT-L-14", ""}};

class CheckpointNames : public testing::TestWithParam<Official> {
protected:
  void SetUp() override {
    const char *shared = std::getenv("VLP_SHARED");
    if (!shared)
      GTEST_SKIP() << "VLP_SHARED is not set";
    auto buffer = llvm::MemoryBuffer::getFile(std::string(shared) + "/reference/checkpoint_keys/" + GetParam().file +
                                              "_keys.json");
    ASSERT_TRUE(bool(buffer));
    auto parsed = llvm::json::parse((*buffer)->getBuffer());
    ASSERT_TRUE(bool(parsed)) << llvm::toString(parsed.takeError());
    keys = std::move(*parsed->getAsArray());
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    auto architecture = findPreset(GetParam().preset);
    ASSERT_TRUE(bool(architecture)) << llvm::toString(architecture.takeError());
    auto built = (*architecture)->build(&context, GetParam().preset, {}, {{"train", {{"batch", 2}}}});
    ASSERT_TRUE(bool(built)) << llvm::toString(built.takeError());
    module = std::move(*built);
    for (auto &[name, type] : getStateTypes(*module))
      state[name] = type;
  }

  /// What the official tensor `name` fills: a state tensor's name, "" for none on purpose, or no value if it is
  /// unknown.
  std::optional<std::string> resolve(const std::string &name) {
    if (state.count(name))
      return name;
    auto aliases = (*module)->getAttrOfType<DictionaryAttr>("vlp.aliases");
    if (auto alias = aliases ? aliases.getAs<StringAttr>(name) : StringAttr())
      return alias.getValue().str();
    return std::nullopt;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  llvm::json::Array keys;
  std::map<std::string, RankedTensorType> state;
};
} // namespace

TEST_P(CheckpointNames, EveryTensorHasItsPlaceAndShape) {
  std::set<std::string> filled;
  for (const llvm::json::Value &key : keys) {
    const llvm::json::Array *pair = key.getAsArray(); // name and shape, or the name alone
    std::string name = pair ? (*pair)[0].getAsString()->str() : key.getAsString()->str();
    std::optional<std::string> target = resolve(name);
    ASSERT_TRUE(target) << name << " is not understood";
    filled.insert(*target);
    if (!pair || target->empty())
      continue;
    std::vector<int64_t> shape;
    for (const llvm::json::Value &extent : *(*pair)[1].getAsArray())
      shape.push_back(*extent.getAsInteger());
    if (shape != std::vector<int64_t>{1} || state[*target].getRank())
      EXPECT_EQ(ArrayRef<int64_t>(shape), state[*target].getShape()) << name;
  }
  StringRef own = GetParam().own;
  for (auto &[name, type] : state)
    if (!filled.count(name) && !StringRef(name).starts_with("train.") &&
        (own.empty() || !StringRef(name).contains(own)))
      ADD_FAILURE() << name << " is in no official file";
}

INSTANTIATE_TEST_SUITE_P(Official, CheckpointNames, testing::ValuesIn(kFiles), [](const auto &info) {
  std::string name = info.param.file;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});
