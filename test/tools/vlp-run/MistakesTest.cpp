// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards that every mistake of the user gives one clear line and exit 1.
#include "test/tools/vlp-run/RunTool.h"

using namespace vlp::test;

namespace {
struct Mistakes : ToolTest {};
} // namespace

TEST_F(Mistakes, Commands) {
  fails("", {"needs a command", "info", "train"});
  fails("trian", {"unknown command 'trian'", "did you mean 'train'"});
  fails("data", {"vlp-run data needs a command", "prepare", "info"});
  fails("data prepare emojis --out=x", {"unknown command 'emojis'", "did you mean 'emoji'"});
}

TEST_F(Mistakes, Options) {
  fails("train model.vlp --data=shapes --out=x --step=5", {"unknown option '--step'", "did you mean '--steps'"});
  fails("info model.vlp more.vlp", {"unexpected argument 'more.vlp'"});
  fails("train model.vlp --out=x", {"--data is required", "vlp-run train --help"});
  fails("train model.vlp --data=shapes --out=x --steps=many", {"--steps", "many"});
  fails("train model.vlp --data=shapes --out=x --steps=5 --pairs=5", {"--pairs", "--steps"});
  fails("train model.vlp --data=shapes --out=x --time-limit=soon", {"--time-limit", "soon"});
  fails("train model.vlp --data=shapes --out=x --crop=round", {"round", "offset"});
  fails("train model.vlp --data=shapes --out=x --steps=0", {"at least one step"});
  fails("train model.vlp --data=shapes --out=x --weight-decay=0.1",
        {"train.weight_decay", "train.learning_rate"}); // the toy has none
  fails("eval model.vlp --weights=run --data=shapes --split=tests", {"tests", "val"});
  fails("bench model.vlp --device=tpu",
        {"unknown device 'tpu'", "cpu, cpu:CHIP (as in cpu:x86-64-v3), cuda, cuda:N and sim"});
  fails("bench model.vlp --entry=trains", {"no entry 'trains'", "encode_image"});
  fails("profile model.vlp --entry=caption", {"no entry 'caption'"});
}

TEST_F(Mistakes, Files) {
  fails("info none.vlp", {"none.vlp"});
  writeText(file("text.vlp"), "this is not a compiled model");
  fails("info text.vlp", {"text.vlp"});
  std::string bytes = readText(file("model.vlp"));
  writeText(file("cut.vlp"), bytes.substr(0, bytes.size() - 100));
  fails("train cut.vlp --data=shapes --out=x", {"cut.vlp"});
  fails("train model.vlp --data=none --out=x", {"none"});
  fails("data info none", {"none"});
  fails("eval model.vlp --weights=none --data=shapes", {"none", "no such file"});
  fails("eval model.vlp --weights=shapes --data=shapes", {"best.safetensors"});
  writeText(file("x.safetensors"), "12345678");
  fails("eval model.vlp --weights=x.safetensors --data=shapes", {"x.safetensors"});
  fails("train model.vlp --data=shapes --out=model.vlp/x", {"cannot create the directory"});
}

TEST_F(Mistakes, WrongCpu) {
  writeToyClip(file("other.vlp"), [](vlp::format::Manifest &manifest) {
    manifest.mutable_programs(0)->add_features("amx_fp16_from_the_future");
  });
  fails("train other.vlp --data=shapes --out=x", {"amx_fp16_from_the_future"});
  EXPECT_NE(succeeds("info other.vlp").find("cannot run it"), std::string::npos);
}

TEST_F(Mistakes, Runs) {
  fails("train model.vlp --data=shapes --out=run --steps=5", {"already holds a run", "--resume", "--overwrite"});
  fails("train model.vlp --data=shapes --out=nothing --resume", {"checkpoint.safetensors to resume from"});
  fails("train model.vlp --data=shapes --out=run --resume --seed=4", {"--seed"});
}

TEST_F(Mistakes, Data) {
  auto small = toyShapes(*folder, 10);
  fails("train model.vlp --data=shapes10-6 --out=x", {"10 x 10 pixels", "--size=16"});
  fails("eval model.vlp --weights=run --data=shapes10-6 --other-data", {"10 x 10 pixels"});
  auto training = toyShapes(*folder, 16, 1);
  fails("eval model.vlp --weights=run --data=shapes16-1 --other-data", {"no test items to score"});
  auto other = toyShapes(*folder, 16, 5);
  fails("eval model.vlp --weights=run --data=shapes16-5", {"was trained on another dataset", "--other-data"});
  fails("search model.vlp --weights=run --data=shapes --split=unseen-test --query=x",
        {"no items of the split 'unseen-test'"});
  fails("search model.vlp --weights=run --data=shapes --split=exam --query=x", {"unknown split 'exam'", "unseen-test"});
}

TEST_F(Mistakes, Vocabulary) {
  fails("train model.vlp --data=shapes --out=x --vocabulary=9999", {"9999", "room for 640"});
  fails("train model.vlp --data=shapes --out=x --merges=none.txt", {"none.txt"});
  std::string merges = readText(file("run/merges.txt"));
  std::filesystem::create_directories(folder->path / "moved");
  std::filesystem::copy_file(file("run/best.safetensors"), file("moved/best.safetensors"));
  fails("eval model.vlp --weights=moved --data=shapes", {"has no vocabulary beside it", "--merges"});
  writeText(file("moved/merges.txt"), merges.substr(0, merges.rfind('\n', merges.size() - 2) + 1));
  fails("eval model.vlp --weights=moved --data=shapes", {"is not the vocabulary"});
  writeToyClip(file("small.vlp"),
               [](vlp::format::Manifest &manifest) { manifest.mutable_preprocessing()->set_vocabulary_size(520); });
  fails("train small.vlp --data=shapes --out=x --merges=run/merges.txt", {"merges.txt", "room for 520"});
}

TEST_F(Mistakes, CheckpointOfAnotherModel) {
  writeToyClip(file("wider.vlp"), [](vlp::format::Manifest &manifest) {
    manifest.mutable_state(1)->mutable_tensor()->set_name("text.table");
  });
  ToolResult result = tool("eval wider.vlp --weights=run --data=shapes");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_NE(result.err.find("text.table"), std::string::npos) << result.err;             // missing
  EXPECT_NE(result.err.find("token_embedding.weight"), std::string::npos) << result.err; // left over
}

TEST_F(Mistakes, Pictures) {
  writeText(file("broken.png"), "\x89PNG\r\n\x1a\nnothing more");
  fails("search model.vlp --weights=run --data=shapes --query-image=broken.png", {"broken.png"});
  fails("search model.vlp --weights=run --data=shapes --query-image=none.png", {"none.png"});
  fails("search model.vlp --weights=run --images broken.png --query=red", {"broken.png"});
  fails("search model.vlp --weights=run --data=shapes", {"--query=TEXT", "--query-image"});
  fails("search model.vlp --weights=run --query=red", {"--data", "--images"});
  fails("classify model.vlp --weights=run --classes=a,b broken.png", {"broken.png"});
  fails("classify model.vlp --weights=run --classes=a broken.png", {"at least two"});
  fails("embed model.vlp --weights=run --out=x.safetensors", {"--data, --images and --texts"});
  writeText(file("gap.txt"), "red\n\nblue\n");
  fails("embed model.vlp --weights=run --texts=gap.txt --out=x.safetensors", {"gap.txt:2", "empty text"});
}

TEST_F(Mistakes, LossThatIsNotFinite) {
  fails("train model.vlp --data=shapes --out=nan --steps=50 --lr=1e38",
        {"is not finite", "layer '", "the state after step", "nan/checkpoint.safetensors"});
}
