// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-run classify: zero-shot classification of pictures by class names.
#include "tools/vlp-run/Commands.h"
#include "tools/vlp-run/Common.h"

#include "runtime/report/Format.h"
#include "runtime/report/Table.h"
#include "runtime/train/Gallery.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <numeric>

namespace vlp::run {

namespace {

struct Arguments {
  ModelOptions model;
  WeightOptions weights;
  std::string classes;
  std::vector<std::string> templates = {"{}", "a picture of {}"}, pictures;
  size_t top = 3;
};

std::string trimmed(const std::string &text) {
  size_t first = text.find_first_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// Names between commas, or one a line when `text` names a file.
Expected<std::vector<std::string>> readClasses(const std::string &text) {
  std::string source = text;
  char separator = ',';
  std::error_code error;
  if (std::filesystem::is_regular_file(text, error)) {
    auto bytes = data::readFile(text);
    if (!bytes)
      return bytes.status();
    source.assign(bytes->begin(), bytes->end());
    separator = '\n';
  }
  std::vector<std::string> names;
  for (size_t begin = 0; begin <= source.size();) {
    size_t end = std::min(source.find(separator, begin), source.size());
    if (std::string name = trimmed(source.substr(begin, end - begin)); !name.empty())
      names.push_back(name);
    begin = end + 1;
  }
  if (names.size() < 2)
    return Status::invalid("--classes: expected at least two names between commas, or a file with one a line, got " +
                           std::to_string(names.size()) + " in '" + text + "'");
  return names;
}

int classify(const Arguments &arguments) {
  auto names = readClasses(arguments.classes);
  if (!names)
    return fail(names.status());
  auto gallery = training::galleryOf(arguments.pictures);
  if (!gallery)
    return fail(gallery.status());
  auto model = loadModel(arguments.model, arguments.weights);
  if (!model)
    return fail(model.status());
  auto classes = training::embedClasses(*model->encoder, *names, arguments.templates);
  if (!classes)
    return fail(classes.status());
  auto pictures = training::embedGallery(*model->encoder, **gallery);
  if (!pictures)
    return fail(pictures.status());
  double scale = training::similarityScale(*model->session);
  size_t width = model->encoder->width(), top = std::min(arguments.top, names->size());
  report::Table table({{"picture", report::Align::Left}, {"class", report::Align::Left}, {"probability"}});
  for (size_t i = 0; i < (*gallery)->size(); ++i) {
    std::vector<double> probabilities =
        training::classProbabilities(*classes, std::span<const float>(*pictures).subspan(i * width, width), scale);
    std::vector<size_t> order(names->size());
    std::iota(order.begin(), order.end(), size_t(0));
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return probabilities[a] != probabilities[b] ? probabilities[a] > probabilities[b] : a < b;
    });
    for (size_t k = 0; k < top; ++k)
      table.addRow(
          {k ? "" : (*gallery)->title(i), (*names)[order[k]], report::fixed(100 * probabilities[order[k]], 1) + " %"});
  }
  std::cout << table.text();
  return 0;
}

} // namespace

void addClassify(CLI::App &app, int &exitCode) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App *command =
      app.add_subcommand("classify", "Tell which of some class names fits a picture best, without training on them");
  arguments->model.add(*command);
  arguments->weights.add(*command);
  command->add_option("--classes", arguments->classes, "Names between commas, or a file with one a line")->required();
  command->add_option("--template", arguments->templates, "Texts with {} for the name; several are averaged")
      ->capture_default_str();
  command->add_option("--top", arguments->top, "Classes to show for each picture")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("PICTURES", arguments->pictures, "PNG or JPEG files, or folders of them")->required();
  command->footer("Example:\n  vlp-run classify emoji.vlp --weights=run --classes=cat,dog,horse photo.jpg");
  command->callback([arguments, &exitCode] { exitCode = classify(*arguments); });
}

} // namespace vlp::run
