// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pictures to search among or to classify.
#include "runtime/train/Gallery.h"

#include "runtime/data/Resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace vlp::training {

namespace fs = std::filesystem;

namespace {

class DatasetGallery : public Gallery {
public:
  DatasetGallery(std::shared_ptr<const data::Dataset> dataset, std::vector<uint32_t> items)
      : dataset(std::move(dataset)), items(std::move(items)) {}
  size_t size() const override { return items.size(); }
  std::string title(size_t index) const override { return item(index).name(); }
  std::string source(size_t index) const override {
    std::string style = item(index).style;
    return (style.empty() ? "" : style + ", ") + std::string(data::splitName(item(index).split));
  }
  Expected<data::Image> picture(size_t index) const override {
    data::ByteView pixels = dataset->pixels(items[index]);
    return data::Image{dataset->side(), dataset->side(), {pixels.begin(), pixels.end()}};
  }
  Status fill(size_t index, const DualEncoderSizes &sizes, float *target) const override {
    data::evaluationImage(*dataset, items[index], sizes.image, target);
    return Status::ok();
  }

private:
  const data::Item &item(size_t index) const { return dataset->item(items[index]); }
  std::shared_ptr<const data::Dataset> dataset;
  std::vector<uint32_t> items;
};

Expected<data::RgbaImage> decodeFile(const std::string &path) {
  auto bytes = data::readFile(path);
  if (!bytes)
    return bytes.status();
  return data::decodeRgba(*bytes, path);
}

class FileGallery : public Gallery {
public:
  explicit FileGallery(std::vector<std::string> files) : files(std::move(files)) {}
  size_t size() const override { return files.size(); }
  std::string title(size_t index) const override { return files[index]; }
  Expected<data::Image> picture(size_t index) const override {
    auto image = decodeFile(files[index]);
    if (!image)
      return image.status();
    // Pages show pictures at most this wide.
    int side = std::clamp(std::max(image->width, image->height), 1, 256);
    return data::letterbox(*image, side);
  }
  Status fill(size_t index, const DualEncoderSizes &sizes, float *target) const override {
    auto image = decodeFile(files[index]);
    if (!image)
      return image.status();
    int side = int(std::lround(double(sizes.imageSize) / sizes.image.cropFraction));
    auto values = data::queryImage(*image, side, sizes.image);
    if (!values)
      return values.status();
    std::memcpy(target, values->data(), values->size() * sizeof(float));
    return Status::ok();
  }

private:
  std::vector<std::string> files;
};

bool isPicture(const fs::path &path) {
  std::string extension = path.extension();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

Status expand(const std::string &path, std::vector<std::string> &files) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    files.push_back(path);
    return Status::ok();
  }
  std::vector<std::string> found;
  for (const fs::directory_entry &entry : fs::recursive_directory_iterator(path, error))
    if (entry.is_regular_file() && isPicture(entry.path()))
      found.push_back(entry.path());
  if (error)
    return Status::invalid("cannot read the folder " + path + ": " + error.message());
  if (found.empty())
    return Status::invalid("no .png, .jpg or .jpeg file in " + path);
  std::sort(found.begin(), found.end());
  files.insert(files.end(), found.begin(), found.end());
  return Status::ok();
}

} // namespace

Expected<std::unique_ptr<Gallery>> galleryOf(std::shared_ptr<const data::Dataset> dataset,
                                             std::optional<data::Split> split) {
  std::vector<uint32_t> items;
  for (uint32_t i = 0; i < dataset->size(); ++i)
    if (!split || dataset->item(i).split == *split)
      items.push_back(i);
  if (items.empty())
    return Status::invalid(dataset->path() + " has no items" +
                           (split ? " of the split '" + std::string(data::splitName(*split)) + "'" : ""));
  return std::unique_ptr<Gallery>(std::make_unique<DatasetGallery>(std::move(dataset), std::move(items)));
}

Expected<std::unique_ptr<Gallery>> galleryOf(const std::vector<std::string> &paths) {
  std::vector<std::string> files;
  for (const std::string &path : paths)
    VLP_RETURN_IF_ERROR(expand(path, files));
  if (files.empty())
    return Status::invalid("no pictures were given");
  std::vector<std::string> problems;
  for (const std::string &file : files)
    if (auto image = decodeFile(file); !image)
      problems.push_back(image.status().message());
  if (!problems.empty()) {
    std::string message = problems.front();
    for (size_t i = 1; i < problems.size() && i < 10; ++i)
      message += "; " + problems[i];
    if (problems.size() > 10)
      message += "; and " + std::to_string(problems.size() - 10) + " more";
    return Status::invalid(message);
  }
  return std::unique_ptr<Gallery>(std::make_unique<FileGallery>(std::move(files)));
}

Expected<std::vector<float>> embedGallery(Encoder &encoder, const Gallery &gallery, const Encoder::Tick &tick) {
  return encoder.images(
      gallery.size(), [&](size_t row, float *target) { return gallery.fill(row, encoder.sizes(), target); }, tick);
}

static double dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += double(a[i]) * b[i];
  return sum;
}

std::vector<Hit> nearest(std::span<const float> embeddings, std::span<const float> query, size_t top) {
  std::vector<Hit> hits;
  for (size_t i = 0; (i + 1) * query.size() <= embeddings.size(); ++i)
    hits.push_back({i, float(dot(embeddings.subspan(i * query.size(), query.size()), query))});
  top = std::min(top, hits.size());
  std::partial_sort(hits.begin(), hits.begin() + ptrdiff_t(top), hits.end(), [](const Hit &a, const Hit &b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.index < b.index;
  });
  hits.resize(top);
  return hits;
}

Expected<std::vector<float>> embedClasses(Encoder &encoder, std::span<const std::string> names,
                                          std::span<const std::string> templates) {
  std::vector<std::string> texts;
  for (const std::string &name : names)
    for (const std::string &form : templates) {
      size_t place = form.find("{}");
      if (place == form.npos)
        return Status::invalid("the template '" + form + "' has no {} for the class name");
      texts.push_back(std::string(form).replace(place, 2, name));
    }
  auto embedded = encoder.texts(texts);
  if (!embedded)
    return embedded.status();
  size_t width = encoder.width();
  std::vector<float> classes(names.size() * width);
  for (size_t c = 0; c < names.size(); ++c) {
    float *sum = &classes[c * width];
    for (size_t t = 0; t < templates.size(); ++t)
      for (size_t i = 0; i < width; ++i)
        sum[i] += (*embedded)[(c * templates.size() + t) * width + i];
    float length = float(std::sqrt(dot({sum, width}, {sum, width})));
    for (size_t i = 0; i < width && length > 0; ++i)
      sum[i] /= length;
  }
  return classes;
}

std::vector<double> classProbabilities(std::span<const float> classes, std::span<const float> picture, double scale) {
  std::vector<double> values;
  for (size_t i = 0; (i + 1) * picture.size() <= classes.size(); ++i)
    values.push_back(scale * dot(classes.subspan(i * picture.size(), picture.size()), picture));
  if (values.empty())
    return values;
  double largest = *std::max_element(values.begin(), values.end()), sum = 0;
  for (double &value : values)
    sum += value = std::exp(value - largest);
  for (double &value : values)
    value /= sum;
  return values;
}

double similarityScale(Session &session) {
  auto bytes = session.readState("logit_scale");
  return bytes && bytes->size() == sizeof(float) ? std::exp(double(viewAs<float>(*bytes)[0])) : 1;
}

} // namespace vlp::training
