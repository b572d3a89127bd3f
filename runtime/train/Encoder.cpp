// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Embeds any number of pictures and texts with a file whose encode entries have a fixed batch.
#include "runtime/train/Encoder.h"

#include <algorithm>
#include <cstring>

namespace vlp::training {

Expected<Encoder> Encoder::create(Session &session, const tokenizer::Tokenizer &tokenizer) {
  auto sizes = dualEncoderSizes(session.module().manifest());
  if (!sizes)
    return sizes.status();
  return Encoder(session, tokenizer, *sizes);
}

Expected<std::vector<float>> Encoder::run(const char *entryName, const char *inputName, const char *outputName,
                                          size_t n, const FillRow &fill, const Tick &tick) {
  auto entry = session->module().entry(entryName);
  if (!entry)
    return entry.status();
  bool isImage = std::string_view(inputName) == "image";
  std::string where = "entry '" + std::string(entryName) + "'";
  std::vector<int64_t> shape = isImage ? std::vector<int64_t>{-1, 3, clip.imageSize, clip.imageSize}
                                       : std::vector<int64_t>{-1, clip.contextLength};
  auto input = findTensor((*entry)->inputs(), inputName, isImage ? format::F32 : format::I32, shape, where);
  if (!input)
    return input.status();
  size_t batch = size_t((*input)->shape(0));
  auto output = findTensor((*entry)->outputs(), outputName, format::F32, {int64_t(batch), -1}, where);
  if (!output)
    return output.status();
  embedding = size_t((*output)->shape(1));
  if (!batch || !embedding)
    return Status::invalid(where + ": expected a batch and an embedding of at least 1");

  // Puts the rows from `first` on into the input, and copies of the first of them where there are too few.
  auto fillBatch = [&](size_t first) -> Status {
    auto target = session->input(entryName, inputName);
    if (!target)
      return target.status();
    size_t rows = std::min(batch, n - first), rowBytes = target->size() / batch;
    for (size_t row = 0; row < rows; ++row)
      VLP_RETURN_IF_ERROR(fill(first + row, target->subspan(row * rowBytes, rowBytes)));
    for (size_t row = rows; row < batch; ++row)
      std::memcpy(target->data() + row * rowBytes, target->data(), rowBytes);
    return Status::ok();
  };
  std::vector<float> result(n * embedding);
  if (n)
    VLP_RETURN_IF_ERROR(fillBatch(0));
  for (size_t first = 0; first < n; first += batch) {
    VLP_RETURN_IF_ERROR(session->start(entryName));
    // A GPU gets the next batch while it embeds this one.
    if (first + batch < n) {
      VLP_RETURN_IF_ERROR(fillBatch(first + batch));
      VLP_RETURN_IF_ERROR(session->stage(entryName));
    }
    VLP_RETURN_IF_ERROR(session->wait());
    auto values = session->output(entryName, outputName);
    if (!values)
      return values.status();
    size_t rows = std::min(batch, n - first);
    std::memcpy(result.data() + first * embedding, values->data(), rows * embedding * sizeof(float));
    if (tick)
      tick(first + rows);
  }
  return result;
}

Expected<std::vector<float>> Encoder::images(size_t n, const FillImage &fill, const Tick &tick) {
  auto fillRow = [&](size_t row, std::span<std::byte> target) { return fill(row, viewAs<float>(target).data()); };
  return run(imageEntry, "image", "image_embedding", n, fillRow, tick);
}

Expected<std::vector<float>> Encoder::texts(std::span<const std::string> texts, const Tick &tick) {
  auto fillRow = [&](size_t row, std::span<std::byte> target) {
    std::vector<int32_t> ids = tokenizer->encode(texts[row], clip.contextLength);
    std::copy(ids.begin(), ids.end(), viewAs<int32_t>(target).begin());
    return Status::ok();
  };
  return run(textEntry, "text", "text_embedding", texts.size(), fillRow, tick);
}

Expected<std::vector<float>> Encoder::items(const data::Dataset &dataset, std::span<const uint32_t> items,
                                            const Tick &tick) {
  VLP_RETURN_IF_ERROR(checkPictures(clip, dataset));
  auto fill = [&](size_t row, float *target) {
    data::evaluationImage(dataset, items[row], clip.image, target);
    return Status::ok();
  };
  return images(items.size(), fill, tick);
}

} // namespace vlp::training
