// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tools rely on in a compiled model with an encoder of pictures and one of texts (CLIP, CoCa): its sizes, its
// entries and their tensors. Texts are CLIP's byte-pair codes.
#pragma once

#include "runtime/core/Module.h"
#include "runtime/data/Augment.h"
#include "runtime/tokenizer/ClipBpe.h"

namespace vlp::training {

inline constexpr const char *trainEntry = "train";
inline constexpr const char *imageEntry = "encode_image";
inline constexpr const char *textEntry = "encode_text";

/// Sizes that all entries share.
struct DualEncoderSizes {
  int imageSize = 0;     ///< R: pictures are [3, R, R]
  int contextLength = 0; ///< T: tokens a text
  int vocabulary = 0;    ///< capacity of the token embedding
  data::ImageOptions image;
};

/// Reads the sizes off the manifest; an error when it is no such model.
Expected<DualEncoderSizes> dualEncoderSizes(const format::Manifest &manifest);

/// The tensor `name` of `tensors`, which must have this type and shape (-1 matches any extent). `where` begins the
/// error.
Expected<const format::Tensor *> findTensor(const google::protobuf::RepeatedPtrField<format::Tensor> &tensors,
                                            const std::string &name, format::DType dtype,
                                            const std::vector<int64_t> &shape, const std::string &where);
/// "f32[128, 3, 56, 56]".
std::string describeType(format::DType dtype, std::span<const int64_t> shape);

/// Fails when the model would have to enlarge the dataset's pictures.
Status checkPictures(const DualEncoderSizes &sizes, const data::Dataset &dataset);

/// Fails when a vocabulary does not fit into the token embedding, or is not the one that the file was compiled for.
Status checkVocabulary(const format::Manifest &manifest, const tokenizer::Tokenizer &tokenizer,
                       const std::string &what);

/// Views of a session's tensors as numbers.
template <typename T>
std::span<T> viewAs(std::span<std::byte> bytes) {
  return {reinterpret_cast<T *>(bytes.data()), bytes.size() / sizeof(T)};
}
template <typename T>
std::span<const T> viewAs(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const T *>(bytes.data()), bytes.size() / sizeof(T)};
}

} // namespace vlp::training
