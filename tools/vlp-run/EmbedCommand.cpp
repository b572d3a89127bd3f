// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-run embed: embeddings of pictures or texts as a safetensors file.
#include "tools/vlp-run/Commands.h"
#include "tools/vlp-run/Common.h"

#include "runtime/checkpoint/Safetensors.h"
#include "runtime/train/Gallery.h"

#include <iostream>
#include <nlohmann/json.hpp>

namespace vlp::run {

namespace {

struct Arguments {
  ModelOptions model;
  WeightOptions weights;
  PictureOptions pictures;
  std::string texts, out;
};

/// The lines of a UTF-8 text file; empty ones are an error, since they would shift the rows.
Expected<std::vector<std::string>> readLines(const std::string &path) {
  auto bytes = data::readFile(path);
  if (!bytes)
    return bytes.status();
  std::vector<std::string> lines;
  std::string line;
  for (uint8_t c : *bytes)
    if (c == '\n') {
      lines.push_back(std::exchange(line, {}));
    } else if (c != '\r') {
      line += char(c);
    }
  if (!line.empty())
    lines.push_back(line);
  for (size_t i = 0; i < lines.size(); ++i)
    if (lines[i].find_first_not_of(" \t") == std::string::npos)
      return Status::invalid(path + ":" + std::to_string(i + 1) + ": empty text");
  if (lines.empty())
    return Status::invalid(path + " holds no texts");
  return lines;
}

Status save(const std::string &path, const char *name, std::span<const float> values,
            std::span<const std::string> names, const training::LoadedWeights &weights) {
  int64_t rows = int64_t(names.size()), width = int64_t(values.size() / names.size());
  nlohmann::json list(names);
  SafetensorsTensor tensor{name, SafetensorsType::F32, {rows, width}, std::as_bytes(values)};
  VLP_RETURN_IF_ERROR(writeSafetensors(path, {tensor},
                                       {{"names", list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)},
                                        {"weights", weights.path},
                                        {"tokenizer", weights.vocabulary->hash()}}));
  std::cout << path << ": " << name << " f32[" << rows << ", " << width << "]\n";
  return Status::ok();
}

int embedTexts(const Arguments &arguments, LoadedModel &model) {
  auto texts = readLines(arguments.texts);
  if (!texts)
    return fail(texts.status());
  report::Progress progress("embedding", texts->size());
  auto embedded = model.encoder->texts(*texts, tickOf(progress));
  if (!embedded)
    return fail(embedded.status());
  progress.finish();
  Status saved = save(arguments.out, "text_embedding", *embedded, *texts, model.weights);
  return saved.isOk() ? 0 : fail(saved);
}

int embed(const Arguments &arguments) {
  if (arguments.texts.empty() == !arguments.pictures.given())
    return fail(Status::invalid("give one of --data, --images and --texts: what to embed"));
  auto model = loadModel(arguments.model, arguments.weights);
  if (!model)
    return fail(model.status());
  if (!arguments.texts.empty())
    return embedTexts(arguments, *model);
  auto gallery = openGallery(arguments.pictures);
  if (!gallery)
    return fail(gallery.status());
  report::Progress progress("embedding", (*gallery)->size());
  auto embedded = training::embedGallery(*model->encoder, **gallery, tickOf(progress));
  if (!embedded)
    return fail(embedded.status());
  progress.finish();
  std::vector<std::string> names;
  for (size_t i = 0; i < (*gallery)->size(); ++i)
    names.push_back((*gallery)->title(i));
  Status saved = save(arguments.out, "image_embedding", *embedded, names, model->weights);
  return saved.isOk() ? 0 : fail(saved);
}

} // namespace

void addEmbed(CLI::App &app, int &exitCode) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App *command = app.add_subcommand("embed", "Write embeddings of pictures or texts as a safetensors file");
  arguments->model.add(*command);
  arguments->weights.add(*command);
  arguments->pictures.add(*command, "Pictures to embed");
  command->add_option("--texts", arguments->texts, "Texts to embed: a UTF-8 file, one a line");
  command->add_option("--out", arguments->out, "The file to write: a tensor [n, width], the names as metadata 'names'")
      ->required();
  command->footer(
      "Examples:\n"
      "  vlp-run embed emoji.vlp --weights=run --data=data/emoji --split=unseen-test --out=pictures.safetensors\n"
      "  vlp-run embed emoji.vlp --weights=run --texts=queries.txt --out=texts.safetensors");
  command->callback([arguments, &exitCode] { exitCode = embed(*arguments); });
}

} // namespace vlp::run
