// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tools rely on in a compiled model with an encoder of pictures and one of texts.
#include "runtime/train/DualEncoder.h"

#include <cmath>

namespace vlp::training {

std::string describeType(format::DType dtype, std::span<const int64_t> shape) {
  std::string text = dtype == format::F32 ? "f32[" : "i32[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + (shape[i] < 0 ? std::string("?") : std::to_string(shape[i]));
  return text + "]";
}

Expected<DualEncoderSizes> dualEncoderSizes(const format::Manifest &manifest) {
  if (manifest.architecture() != "clip" && manifest.architecture() != "coca")
    return Status::invalid("expected a compiled CLIP or CoCa model, got '" + manifest.model() + "' of architecture '" +
                           manifest.architecture() + "'");
  const format::Preprocessing &given = manifest.preprocessing();
  if (!given.image_size() || !given.context_length() || !given.vocabulary_size())
    return Status::invalid(
        "the file of model '" + manifest.model() +
        "' does not say its image size, context length and vocabulary size; compile it anew with vlpc");
  DualEncoderSizes sizes;
  sizes.imageSize = int(given.image_size());
  sizes.contextLength = int(given.context_length());
  sizes.vocabulary = int(given.vocabulary_size());
  sizes.image.size = sizes.imageSize;
  for (int c = 0; c < 3 && given.mean_size() == 3 && given.std_size() == 3; ++c) {
    sizes.image.mean[c] = given.mean(c);
    sizes.image.deviation[c] = given.std(c);
  }
  return sizes;
}

static bool matches(const format::Tensor &tensor, format::DType dtype, const std::vector<int64_t> &shape) {
  if (tensor.dtype() != dtype || size_t(tensor.shape_size()) != shape.size())
    return false;
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] >= 0 && tensor.shape(int(i)) != shape[i])
      return false;
  return true;
}

Expected<const format::Tensor *> findTensor(const google::protobuf::RepeatedPtrField<format::Tensor> &tensors,
                                            const std::string &name, format::DType dtype,
                                            const std::vector<int64_t> &shape, const std::string &where) {
  for (const format::Tensor &tensor : tensors) {
    if (tensor.name() != name)
      continue;
    if (matches(tensor, dtype, shape))
      return &tensor;
    std::vector<int64_t> found(tensor.shape().begin(), tensor.shape().end());
    return Status::invalid(where + ": expected '" + name + "' to be " + describeType(dtype, shape) + ", got " +
                           describeType(tensor.dtype(), found));
  }
  return Status::invalid(where + ": expected a tensor '" + name + "', found none");
}

Status checkPictures(const DualEncoderSizes &sizes, const data::Dataset &dataset) {
  int crop = int(std::lround(dataset.side() * sizes.image.cropFraction));
  if (crop >= sizes.imageSize)
    return Status::ok();
  int needed = int(std::ceil(sizes.imageSize / sizes.image.cropFraction));
  return Status::invalid(dataset.path() + " holds pictures of " + std::to_string(dataset.side()) + " x " +
                         std::to_string(dataset.side()) + " pixels, the model sees " + std::to_string(sizes.imageSize) +
                         " x " + std::to_string(sizes.imageSize) + " of at least " + std::to_string(needed) +
                         "; prepare the data with --size=" + std::to_string(needed));
}

Status checkVocabulary(const format::Manifest &manifest, const tokenizer::Tokenizer &tokenizer,
                       const std::string &what) {
  int capacity = int(manifest.preprocessing().vocabulary_size());
  if (tokenizer.vocabularySize() > capacity)
    return Status::invalid(what + ": its vocabulary has " + std::to_string(tokenizer.vocabularySize()) +
                           " entries, the model '" + manifest.model() + "' has room for " + std::to_string(capacity) +
                           "; use fewer merges, or a model with a larger vocabulary");
  const std::string &wanted = manifest.preprocessing().tokenizer_sha256();
  if (!wanted.empty() && wanted != tokenizer.hash())
    return Status::invalid(what + ": the model was compiled for the vocabulary with hash " + wanted.substr(0, 12) +
                           ", this one has " + tokenizer.hash().substr(0, 12));
  return Status::ok();
}

} // namespace vlp::training
