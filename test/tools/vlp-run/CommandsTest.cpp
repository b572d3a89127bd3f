// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards what each command does when all is well.
#include "test/tools/vlp-run/RunTool.h"

#include "runtime/data/Image.h"

#include <nlohmann/json.hpp>

using namespace vlp::test;
using nlohmann::json;

namespace {
struct Commands : ToolTest {};
} // namespace

TEST_F(Commands, HelpHasExamples) {
  for (const char *command : {"info", "train", "eval", "embed", "search", "classify", "bench", "profile",
                              "data prepare emoji", "data prepare folder", "data info"}) {
    std::string text = succeeds(std::string(command) + " --help");
    EXPECT_NE(text.find("vlp-run " + std::string(command)), std::string::npos) << text;
  }
  EXPECT_NE(succeeds("--help").find("classify"), std::string::npos);
}

TEST_F(Commands, Info) {
  std::string text = succeeds("info model.vlp");
  for (const char *part : {"toy-clip (clip)", "train", "encode_image", "f32[8, 3, 14, 14]", "train.learning_rate",
                           "0.03", "runs its code for cpu x86-64"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  json info = json::parse(succeeds("info model.vlp --json"));
  EXPECT_EQ(info["parameters"], 588 * 16 + 640 * 16 + 1);
  EXPECT_EQ(info["programs"][0]["entries"].size(), 3u);
  EXPECT_EQ(info["programs"][0]["entries"][0]["batch"], 8);
  EXPECT_GT(info["programs"][0]["entries"][0]["arena_bytes"], 0);
  EXPECT_TRUE(info["runs_here"]);
}

TEST_F(Commands, DataInfo) {
  std::string text = succeeds("data info shapes");
  for (const char *part : {"shapes, 240 pictures of 16 x 16", "train", "160", "val", "test", "40"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST_F(Commands, PrepareFolderTrainAndResume) {
  std::filesystem::create_directories(folder->path / "pictures");
  std::string captions;
  for (int i = 0; i < 24; ++i) {
    vlp::data::Image image{20, 20, std::vector<uint8_t>(20 * 20 * 3, uint8_t(10 * i))};
    auto png = vlp::data::encodePng(image);
    ASSERT_TRUE(png);
    std::string name = "p" + std::to_string(i) + ".png";
    writeText(file("pictures/" + name), {reinterpret_cast<const char *>(png->data()), png->size()});
    captions += name + "\tgrey level " + std::to_string(i) + "\n";
  }
  writeText(file("pictures/captions.tsv"), captions);
  std::string prepared = succeeds("data prepare folder --images=pictures --out=grey --size=16 --val=20 --test=20");
  EXPECT_NE(prepared.find("24 items"), std::string::npos) << prepared;
  succeeds("train model.vlp --data=grey --out=grey-whole --steps=12 --seed=3 --threads=2");
  std::string stopped = succeeds("train model.vlp --data=grey --out=grey-part --steps=12 --seed=3 --stop-at=5");
  EXPECT_NE(stopped.find("--resume"), std::string::npos) << stopped;
  succeeds("train model.vlp --data=grey --out=grey-part --resume --threads=1");
  EXPECT_EQ(readText(file("grey-whole/checkpoint.safetensors")), readText(file("grey-part/checkpoint.safetensors")));
}

TEST_F(Commands, TrainWritesItsFiles) {
  for (const char *name :
       {"run/checkpoint.safetensors", "run/best.safetensors", "run/merges.txt", "run/log.jsonl", "run/report.html"})
    EXPECT_TRUE(std::filesystem::exists(file(name))) << name;
  std::string report = readText(file("run/report.html"));
  EXPECT_NE(report.find("<svg"), std::string::npos);
  EXPECT_NE(report.find("validation R@10"), std::string::npos);
}

TEST_F(Commands, Eval) {
  std::string text =
      succeeds("eval model.vlp --weights=run --data=shapes --bootstrap=50 --json=eval.json --html=eval.html");
  for (const char *part : {"test", "40", "picture to text", "pixel baseline", "chance"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  json result = json::parse(readText(file("eval.json")));
  EXPECT_EQ(result["sets"][0]["items"], 40);
  EXPECT_DOUBLE_EQ(result["sets"][0]["baselines"]["chance"]["R@1"], 2.5);
  EXPECT_TRUE(std::filesystem::exists(file("eval.html")));
  std::string two = succeeds("eval model.vlp --weights=run/best.safetensors,run/checkpoint.safetensors --data=shapes "
                             "--split=val --no-baseline");
  EXPECT_NE(two.find("mean of 2"), std::string::npos) << two;
  EXPECT_EQ(two.find("pixel baseline"), std::string::npos);
}

TEST_F(Commands, SearchByTextAndPicture) {
  std::string text = succeeds(
      "search model.vlp --weights=run --data=shapes --split=test --query='big red circle' --top=5 --html=search.html");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2 + 5 + 1) << text;
  std::string page = readText(file("search.html"));
  EXPECT_NE(page.find("data:image/png;base64,"), std::string::npos);
  EXPECT_NE(page.find("big red circle"), std::string::npos);

  vlp::data::Image image{16, 16, std::vector<uint8_t>(16 * 16 * 3, 100)};
  auto png = vlp::data::encodePng(image);
  ASSERT_TRUE(png);
  writeText(file("query.png"), {reinterpret_cast<const char *>(png->data()), png->size()});
  text = succeeds("search model.vlp --weights=run --images query.png --query-image=query.png --html=own.html");
  EXPECT_NE(text.find("1.000  query.png"), std::string::npos) << text;
}

TEST_F(Commands, Classify) {
  vlp::data::Image image{16, 16, std::vector<uint8_t>(16 * 16 * 3, 100)};
  auto png = vlp::data::encodePng(image);
  ASSERT_TRUE(png);
  writeText(file("one.png"), {reinterpret_cast<const char *>(png->data()), png->size()});
  std::string text = succeeds("classify model.vlp --weights=run --classes='red circle, blue square,ring' one.png");
  for (const char *part : {"one.png", "red circle", "blue square", "ring", "%"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  writeText(file("classes.txt"), "red\ngreen\n");
  succeeds(
      "classify model.vlp --weights=run --classes=classes.txt --template 'the {}' --template '{}' --top=1 one.png");
}

TEST_F(Commands, Embed) {
  EXPECT_NE(succeeds("embed model.vlp --weights=run --data=shapes --split=val --out=e.safetensors").find("f32[40, 16]"),
            std::string::npos);
  writeText(file("texts.txt"), "red circle\nblue ring");
  EXPECT_NE(
      succeeds("embed model.vlp --weights=run --texts=texts.txt --out=t.safetensors").find("text_embedding f32[2, 16]"),
      std::string::npos);
}

TEST_F(Commands, BenchAndProfile) {
  std::string text = succeeds("bench model.vlp --repeats=3 --json=bench.json --threads=1");
  for (const char *part : {"train", "encode_text", "rows/s", "of peak"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_EQ(json::parse(readText(file("bench.json"))).size(), 3u);
  text = succeeds("profile model.vlp --repeats=2 --trace=trace.json --html=profile.html --threads=1");
  for (const char *part : {"visual", "optimizer", "toy_clip_step", "all"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  json trace = json::parse(readText(file("trace.json")));
  EXPECT_EQ(trace["traceEvents"].size(), 2u + 4 + 4); // names of two tracks, four layers, four kernels
  EXPECT_NE(readText(file("profile.html")).find("By layer"), std::string::npos);
}

TEST_F(Commands, InterruptedTrainingSavesAndSaysHowToGoOn) {
  // Long enough that the signal comes while it trains; exit 130 as shells expect of an interrupt.
  std::string command = "train model.vlp --data=shapes --out=interrupted --steps=100000 --eval-every=0 & pid=$!; "
                        "while ! grep -q '\"step\":20,' interrupted/log.jsonl 2>/dev/null; do sleep 0.02; done; kill "
                        "-INT $pid; wait $pid; }";
  ToolResult result = tool("--help >/dev/null; { '" VLP_RUN "' " + command);
  EXPECT_EQ(result.exitCode, 130) << result.err;
  EXPECT_NE(result.out.find("--resume"), std::string::npos) << result.out;
  EXPECT_TRUE(std::filesystem::exists(file("interrupted/checkpoint.safetensors")));
}
