// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Guards where the vocabulary comes from, that it fits the model, and that a checkpoint meets its own again.
#include "runtime/train/Vocabulary.h"

#include "test/runtime/train/ToyClip.h"

#include <gtest/gtest.h>

using namespace vlp;
using namespace vlp::test;
using namespace vlp::training;

TEST(Vocabulary, LearntWithinTheModelsRoom) {
  ScratchFolder folder;
  auto session = toyClipSession(folder);
  auto dataset = toyShapes(folder);
  const format::Manifest &manifest = session->module().manifest();
  TrainOptions options;
  auto vocabulary = makeVocabulary(manifest, options, *dataset);
  ASSERT_TRUE(vocabulary) << vocabulary.status().message();
  EXPECT_LE((*vocabulary)->vocabularySize(), kToyClipVocabulary);
  options.vocabularySize = 530;
  EXPECT_LE((*makeVocabulary(manifest, options, *dataset))->vocabularySize(), 530);
  options.vocabularySize = 641;
  auto refused = makeVocabulary(manifest, options, *dataset);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.status().message().find("room for 640"), std::string::npos) << refused.status().message();
}

TEST(Vocabulary, GivenMergesThatAreTooMany) {
  ScratchFolder folder;
  auto dataset = toyShapes(folder);
  auto small = toyClipSession(
      folder, 1, [](format::Manifest &manifest) { manifest.mutable_preprocessing()->set_vocabulary_size(520); });
  auto learnt = tokenizer::ClipBpe::train(dataset->trainingTexts(), 560);
  ASSERT_TRUE(learnt);
  ASSERT_TRUE(learnt->save(folder.file("big.txt")).isOk());
  TrainOptions options;
  options.mergesFile = folder.file("big.txt");
  auto refused = makeVocabulary(small->module().manifest(), options, *dataset);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.status().message().find("big.txt"), std::string::npos);
  EXPECT_NE(refused.status().message().find("room for 520"), std::string::npos) << refused.status().message();
  options.vocabularySize = 515;
  EXPECT_FALSE(makeVocabulary(small->module().manifest(), options, *dataset));
}

TEST(Vocabulary, WeightsFindTheirMerges) {
  ScratchFolder folder;
  auto session = toyClipSession(folder);
  auto dataset = toyShapes(folder);
  session->initialize(5);
  auto own = tokenizer::ClipBpe::train(dataset->trainingTexts(), 560),
       other = tokenizer::ClipBpe::train(dataset->trainingTexts(), 540);
  TrainSettings settings;
  settings.tokenizer = own->hash();
  std::string path = folder.file("w.safetensors");
  ASSERT_TRUE(saveCheckpoint(*session, path, {{settingsKey, settings.json()}}).isOk());

  auto loaded = loadWeights(*session, path, "");
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.status().message().find("--merges=FILE"), std::string::npos) << loaded.status().message();
  ASSERT_TRUE(other->save(folder.file("merges.txt")).isOk());
  loaded = loadWeights(*session, path, "");
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.status().message().find("is not the vocabulary"), std::string::npos) << loaded.status().message();
  ASSERT_TRUE(own->save(folder.file("merges.txt")).isOk());
  loaded = loadWeights(*session, path, "");
  ASSERT_TRUE(loaded) << loaded.status().message();
  EXPECT_EQ(loaded->vocabulary->hash(), own->hash());
}

TEST(Vocabulary, WhatWeightsMean) {
  ScratchFolder folder;
  auto missing = findCheckpoint(folder.file("none"));
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.status().message().find("no such file"), std::string::npos);
  EXPECT_FALSE(findCheckpoint(folder.path));
  writeText(folder.file("checkpoint.safetensors"), "");
  EXPECT_EQ(*findCheckpoint(folder.path), folder.file("checkpoint.safetensors"));
  writeText(folder.file("best.safetensors"), "");
  EXPECT_EQ(*findCheckpoint(folder.path), folder.file("best.safetensors"));
  EXPECT_EQ(*findCheckpoint(folder.file("checkpoint.safetensors")), folder.file("checkpoint.safetensors"));
}
