// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// vlp-run search: the pictures nearest to a text or to a picture.
#include "tools/vlp-run/Commands.h"
#include "tools/vlp-run/Common.h"

#include "runtime/data/Resize.h"
#include "runtime/report/Format.h"
#include "runtime/report/Html.h"
#include "runtime/train/Gallery.h"

#include <iostream>

namespace vlp::run {

namespace {

struct Arguments {
  ModelOptions model;
  WeightOptions weights;
  PictureOptions pictures;
  std::string query, queryImage, html;
  size_t top = 10;
};

struct Query {
  std::vector<float> embedding;
  std::optional<data::Image> picture;
};

Expected<Query> embedQuery(const Arguments &arguments, training::Encoder &encoder) {
  Query query;
  if (arguments.queryImage.empty()) {
    auto embedded = encoder.texts({&arguments.query, 1});
    if (!embedded)
      return embedded.status();
    query.embedding = std::move(*embedded);
    return query;
  }
  auto own = training::galleryOf(std::vector<std::string>{arguments.queryImage});
  if (!own)
    return own.status();
  if ((*own)->size() != 1)
    return Status::invalid("--query-image takes one picture, " + arguments.queryImage + " is a folder");
  auto embedded = training::embedGallery(encoder, **own);
  if (!embedded)
    return embedded.status();
  query.embedding = std::move(*embedded);
  auto picture = (*own)->picture(0);
  if (!picture)
    return picture.status();
  query.picture = std::move(*picture);
  return query;
}

Status saveSheet(const Arguments &arguments, const training::Gallery &gallery, const Query &query,
                 std::span<const training::Hit> hits) {
  std::string what = arguments.queryImage.empty() ? arguments.query : arguments.queryImage;
  report::HtmlPage page("Pictures for: " + what);
  if (query.picture) {
    page.heading("The query");
    VLP_RETURN_IF_ERROR(page.contactSheet({{*query.picture, arguments.queryImage, "", true}}));
    page.heading("The nearest");
  }
  std::vector<report::Card> cards;
  for (const training::Hit &hit : hits) {
    auto picture = gallery.picture(hit.index);
    if (!picture)
      return picture.status();
    std::string source = gallery.source(hit.index);
    cards.push_back({std::move(*picture), gallery.title(hit.index),
                     report::fixed(hit.similarity, 3) + (source.empty() ? "" : " · " + source), false});
  }
  VLP_RETURN_IF_ERROR(page.contactSheet(cards));
  page.paragraph("Cosine similarities among " + std::to_string(gallery.size()) + " pictures.");
  return page.save(arguments.html);
}

int search(const Arguments &arguments) {
  if (arguments.query.empty() == arguments.queryImage.empty())
    return fail(Status::invalid("give one of --query=TEXT and --query-image=FILE"));
  if (!arguments.pictures.given())
    return fail(Status::invalid("give one of --data and --images: what to search among"));
  auto model = loadModel(arguments.model, arguments.weights);
  if (!model)
    return fail(model.status());
  auto query = embedQuery(arguments, *model->encoder);
  if (!query)
    return fail(query.status());
  auto gallery = openGallery(arguments.pictures);
  if (!gallery)
    return fail(gallery.status());
  report::Progress progress("embedding", (*gallery)->size());
  auto embedded = training::embedGallery(*model->encoder, **gallery, tickOf(progress));
  if (!embedded)
    return fail(embedded.status());
  progress.finish();
  std::vector<training::Hit> hits = training::nearest(*embedded, query->embedding, arguments.top);
  report::Table table({{"rank"}, {"similarity"}, {"picture", report::Align::Left}, {"from", report::Align::Left}});
  for (size_t i = 0; i < hits.size(); ++i)
    table.addRow({std::to_string(i + 1), report::fixed(hits[i].similarity, 3), (*gallery)->title(hits[i].index),
                  (*gallery)->source(hits[i].index)});
  std::cout << table.text();
  if (arguments.html.empty())
    return 0;
  Status saved = saveSheet(arguments, **gallery, *query, hits);
  if (!saved.isOk())
    return fail(saved);
  std::cout << "contact sheet " << arguments.html << "\n";
  return 0;
}

} // namespace

void addSearch(CLI::App &app, int &exitCode) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App *command = app.add_subcommand("search", "Find the pictures nearest to a text or to a picture");
  arguments->model.add(*command);
  arguments->weights.add(*command);
  command->add_option("--query", arguments->query, "What to look for, in words");
  command->add_option("--query-image", arguments->queryImage, "A PNG or JPEG file: look for what resembles it");
  arguments->pictures.add(*command, "What to search among");
  command->add_option("--top", arguments->top, "How many to show")->check(CLI::Range(1, 10000))->capture_default_str();
  command->add_option("--html", arguments->html, "Write a contact sheet to this file");
  command->footer(
      "Examples:\n"
      "  vlp-run search emoji.vlp --weights=run --data=data/emoji --query=\"a sailing boat\" --html=boats.html\n"
      "  vlp-run search emoji.vlp --weights=run --images=photos --query-image=cat.jpg --top=5");
  command->callback([arguments, &exitCode] { exitCode = search(*arguments); });
}

} // namespace vlp::run
