// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The training loop.
#include "runtime/train/Trainer.h"

#include "runtime/data/Loader.h"
#include "runtime/report/Format.h"
#include "runtime/train/RunDirectory.h"
#include "runtime/train/Vocabulary.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

namespace vlp::training {

using Json = nlohmann::ordered_json;

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

namespace {

/// One call of train().
class Run {
public:
  Run(Session &session, std::shared_ptr<const data::Dataset> dataset, const TrainOptions &options,
      TrainObserver &observer)
      : session(session), dataset(std::move(dataset)), options(options), observer(observer) {}

  Status prepare();
  Expected<TrainResult> loop();

private:
  // Preparation, in this order.
  Status checkEntry();
  Status openLoader();
  Status startFresh();
  Status setSchedule();
  Status resumeSaved();
  Status adoptLength(const TrainSettings &saved);

  // Parts of a step.
  Status step(StepRecord &record);
  Status copyBatch(const data::Batch &from);
  Status copyInput(const char *name, const void *data, size_t bytes);
  Expected<float> readScalar(const char *name, format::DType dtype = format::F32);
  Status readRecord(StepRecord &record);
  Status stopNotFinite(const StepRecord &record, const data::Batch &current);
  Status updateEstimate();
  bool canValidate();
  Status validate();
  Status checkpoint(bool isBest);
  bool due(const std::optional<uint64_t> &every, double before) const;

  bool timed() const { return settings.totalSteps == 0; }
  double elapsed() const { return secondsBefore + now() - began; }
  double progress() const {
    return timed() ? elapsed() / settings.timeLimit : double(done) / double(settings.totalSteps);
  }
  bool timeIsUp() const { return settings.timeLimit > 0 && elapsed() + validationSeconds >= settings.timeLimit; }
  uint64_t total() const { return timed() ? std::max(done, estimate) : settings.totalSteps; }

  Session &session;
  std::shared_ptr<const data::Dataset> dataset;
  const TrainOptions &options;
  TrainObserver &observer;

  DualEncoderSizes sizes;
  TrainSettings settings;
  Vocabulary vocabulary;
  std::unique_ptr<data::Loader> loader;
  /// What the inputs hold for the step to come; null when they must be filled first.
  std::shared_ptr<const data::Batch> batch;
  std::optional<Encoder> encoder;
  std::optional<RunDirectory> directory;
  std::optional<RunLog> log;

  uint64_t done = 0;      ///< steps applied
  uint64_t estimate = 0;  ///< of the total, where a time limit decides
  uint64_t stepsHere = 0; ///< in this process
  double began = 0, secondsBefore = 0, stepSeconds = 0, validationSeconds = 0;
  double bestScore = -1;
  uint64_t bestStep = 0, savedStep = ~uint64_t(0);
  bool validates = false;
};

Status Run::checkEntry() {
  auto found = dualEncoderSizes(session.module().manifest());
  if (!found)
    return found.status();
  sizes = *found;
  auto entry = session.module().entry(trainEntry);
  if (!entry)
    return entry.status();
  std::string where = "entry 'train'";
  auto image = findTensor((*entry)->inputs(), "image", format::F32, {-1, 3, sizes.imageSize, sizes.imageSize}, where);
  if (!image)
    return image.status();
  int64_t batch = (*image)->shape(0);
  if (batch < 1)
    return Status::invalid(where + ": expected a batch of at least 1");
  settings.batch = uint64_t(batch);
  for (auto [name, shape] : {std::pair("text", std::vector<int64_t>{batch, sizes.contextLength}), {"pair", {batch}}}) {
    auto tensor = findTensor((*entry)->inputs(), name, format::I32, shape, where);
    if (!tensor)
      return tensor.status();
  }
  return checkPictures(sizes, *dataset);
}

Status Run::openLoader() {
  data::LoaderOptions loaderOptions;
  loaderOptions.batch = int(settings.batch);
  loaderOptions.contextLength = sizes.contextLength;
  loaderOptions.seed = settings.seed;
  loaderOptions.image = sizes.image;
  loaderOptions.augment = settings.augment;
  loaderOptions.conceptBalance = settings.conceptBalance;
  data::Stream stream;
  stream.name = "pair";
  stream.dataset = dataset;
  stream.captions = settings.captions;
  auto opened = data::Loader::create({stream}, vocabulary, loaderOptions);
  if (!opened)
    return opened.status();
  loader = std::move(*opened);
  return Status::ok();
}

Status Run::startFresh() {
  const format::Manifest &manifest = session.module().manifest();
  size_t items = dataset->indices(data::Split::Train).size();
  auto resolved = resolveSettings(options, *dataset, items, settings.batch);
  if (!resolved)
    return resolved.status();
  settings = std::move(*resolved);
  settings.model = manifest.model();
  session.initialize(settings.seed);
  for (const auto &[name, value] : options.scalars)
    VLP_RETURN_IF_ERROR(session.setScalar(name, value));
  if (!options.initFrom.empty()) {
    auto path = findCheckpoint(options.initFrom);
    if (!path)
      return path.status();
    auto loaded = loadCheckpoint(session, *path, LoadMode::Weights);
    if (!loaded)
      return loaded.status();
  }
  auto made = makeVocabulary(manifest, options, *dataset);
  if (!made)
    return made.status();
  vocabulary = std::move(*made);
  settings.tokenizer = vocabulary->hash();
  VLP_RETURN_IF_ERROR(openLoader());
  // Only now that nothing is wrong with the request may an old run be replaced.
  auto opened = RunDirectory::open(options.outDir, false, options.overwrite);
  if (!opened)
    return opened.status();
  directory = std::move(*opened);
  VLP_RETURN_IF_ERROR(vocabulary->save(directory->file(mergesFileName)));
  return setSchedule();
}

/// Without a wish of the user, the warm-up takes what the file says but at most a tenth of the run.
Status Run::setSchedule() {
  uint64_t steps = timed() ? estimate : settings.totalSteps;
  if (!steps) // until the speed is known the rate only warms up, which does not depend on the total
    return session.setScalar("train.total_steps", float(1 << 24));
  VLP_RETURN_IF_ERROR(session.setScalar("train.total_steps", float(steps)));
  if (options.scalars.contains("train.warmup_steps"))
    return Status::ok();
  auto warmup = session.scalar("train.warmup_steps");
  if (!warmup)
    return warmup.status();
  return session.setScalar("train.warmup_steps", std::min(*warmup, std::floor(float(steps) / 10)));
}

Status Run::adoptLength(const TrainSettings &saved) {
  if (!options.steps && !options.pairs && !options.epochs && !options.timeLimit)
    return Status::ok();
  auto asked = resolveSettings(options, *dataset, dataset->indices(data::Split::Train).size(), saved.batch);
  if (!asked)
    return asked.status();
  if (asked->totalSteps == saved.totalSteps && asked->timeLimit == saved.timeLimit)
    return Status::ok();
  settings.totalSteps = asked->totalSteps;
  settings.timeLimit = asked->timeLimit;
  observer.noted("the run has a new length; its schedule differs from an uninterrupted run from here on");
  if (timed())
    return Status::ok();
  return session.setScalar("train.total_steps", float(settings.totalSteps));
}

Status Run::resumeSaved() {
  auto opened = RunDirectory::open(options.outDir, true, false);
  if (!opened)
    return opened.status();
  directory = std::move(*opened);
  std::string path = directory->latest();
  auto metadata = loadCheckpoint(session, path, LoadMode::Full);
  if (!metadata)
    return metadata.status();
  if (!metadata->contains(settingsKey) || !metadata->contains(loaderKey))
    return Status::invalid(path + " was not written by a training run; start a new one from it with --init");
  auto saved = TrainSettings::parse((*metadata)[settingsKey]);
  if (!saved)
    return saved.status();
  VLP_RETURN_IF_ERROR(checkAgainst(options, *saved));
  if (saved->batch != settings.batch)
    return Status::invalid(path + " is of a run with batches of " + std::to_string(saved->batch) +
                           ", this file's are of " + std::to_string(settings.batch));
  if (saved->dataset != dataset->fingerprint())
    return Status::invalid(path + " is of a run on dataset " + saved->dataset + ", " + dataset->path() + " is " +
                           dataset->fingerprint());
  settings = *saved;
  VLP_RETURN_IF_ERROR(adoptLength(*saved));
  for (const auto &[name, value] : options.scalars) {
    auto has = session.scalar(name);
    if (!has)
      return has.status();
    if (*has != value)
      return Status::invalid("a resumed run keeps its settings, but " + name + " is " + report::fixed(*has, 6) +
                             " in the checkpoint and " + report::fixed(value, 6) + " is asked for");
  }
  auto loaded =
      tokenizer::ClipBpe::load(options.mergesFile.empty() ? directory->file(mergesFileName) : options.mergesFile);
  if (!loaded)
    return loaded.status();
  if (loaded->hash() != settings.tokenizer)
    return Status::invalid("the vocabulary is not the one that " + path + " was trained with");
  vocabulary = std::make_shared<tokenizer::ClipBpe>(std::move(*loaded));
  VLP_RETURN_IF_ERROR(openLoader());
  VLP_RETURN_IF_ERROR(loader->restore((*metadata)[loaderKey]));
  done = loader->step();
  savedStep = done;
  Json best = Json::parse((*metadata)[bestKey], nullptr, false);
  if (best.is_object()) {
    bestStep = best.value("step", uint64_t(0));
    bestScore = best.value("score", -1.0);
  }
  return Status::ok();
}

Status Run::prepare() {
  VLP_RETURN_IF_ERROR(checkEntry());
  VLP_RETURN_IF_ERROR(options.resume ? resumeSaved() : startFresh());
  auto made = Encoder::create(session, *vocabulary);
  if (!made)
    return made.status();
  encoder = *made;
  validates = canValidate();
  std::string header = "{\"settings\": " + settings.json() + "}";
  std::string path = options.logFile.empty() ? directory->file("log.jsonl") : options.logFile;
  auto opened = options.resume ? RunLog::resume(path, header, done) : RunLog::create(path, header);
  if (!opened)
    return opened.status();
  log = std::move(*opened);
  if (!log->history().steps.empty())
    secondsBefore = log->history().steps.back().seconds;
  return Status::ok();
}

Status Run::copyInput(const char *name, const void *data, size_t bytes) {
  auto target = session.input(trainEntry, name);
  if (!target)
    return target.status();
  if (target->size() != bytes)
    return Status(StatusCode::Internal, "entry 'train': input '" + std::string(name) + "' takes " +
                                            std::to_string(target->size()) + " bytes, the batch has " +
                                            std::to_string(bytes));
  std::memcpy(target->data(), data, bytes);
  return Status::ok();
}

Expected<float> Run::readScalar(const char *name, format::DType dtype) {
  auto bytes = session.output(trainEntry, name);
  if (!bytes)
    return bytes.status();
  if (bytes->size() != 4)
    return Status::invalid("entry 'train': expected output '" + std::string(name) + "' to be one number");
  return dtype == format::I32 ? float(viewAs<int32_t>(*bytes)[0]) : viewAs<float>(*bytes)[0];
}

Status Run::copyBatch(const data::Batch &from) {
  VLP_RETURN_IF_ERROR(copyInput("image", from.images.data(), from.images.size() * sizeof(float)));
  VLP_RETURN_IF_ERROR(copyInput("text", from.tokens.data(), from.tokens.size() * sizeof(int32_t)));
  return copyInput("pair", from.pairIds.data(), from.pairIds.size() * sizeof(int32_t));
}

Status Run::readRecord(StepRecord &record) {
  record.step = done + 1;
  for (auto [name, field] : {std::pair("loss", &StepRecord::loss),
                             {"learning_rate", &StepRecord::learningRate},
                             {"grad_norm", &StepRecord::gradNorm},
                             {"logit_scale", &StepRecord::logitScale}}) {
    auto value = readScalar(name);
    if (!value)
      return value.status();
    record.*field = *value;
  }
  return Status::ok();
}

Status Run::step(StepRecord &record) {
  double begin = now();
  if (!batch) {
    batch = loader->next();
    VLP_RETURN_IF_ERROR(copyBatch(*batch));
  }
  VLP_RETURN_IF_ERROR(session.start(trainEntry));
  // While a GPU computes this step, it gets the batch of the next one.
  std::shared_ptr<const data::Batch> current = std::move(batch);
  if (timed() || done + 1 < settings.totalSteps) {
    batch = loader->next();
    VLP_RETURN_IF_ERROR(copyBatch(*batch));
    VLP_RETURN_IF_ERROR(session.stage(trainEntry));
  }
  VLP_RETURN_IF_ERROR(session.wait());
  VLP_RETURN_IF_ERROR(readRecord(record));
  auto finite = readScalar("finite", format::I32);
  if (!finite)
    return finite.status();
  if (*finite == 0)
    return stopNotFinite(record, *current);
  double seconds = now() - begin;
  stepSeconds += seconds;
  ++stepsHere;
  ++done;
  record.pairsPerSecond = float(double(settings.batch) / seconds);
  record.seconds = float(elapsed());
  return Status::ok();
}

Status Run::stopNotFinite(const StepRecord &record, const data::Batch &current) {
  VLP_RETURN_IF_ERROR(copyBatch(current));
  auto layer = session.findNonFinite(trainEntry);
  std::string what = std::isfinite(record.loss) ? "gradient norm" : "loss";
  std::string message = "step " + std::to_string(record.step) + ": the " + what + " is not finite; ";
  if (layer && !layer->empty())
    message += "the first value that is not comes from " + *layer;
  else
    message += "no single layer makes it";
  Status saved = checkpoint(false);
  message += saved.isOk() ? "; the state after step " + std::to_string(done) + " is in " + directory->latest()
                          : "; and the checkpoint could not be saved: " + saved.message();
  return Status(StatusCode::NotFinite, message);
}

/// How many steps fit into the time limit, from the speed so far; sets the schedule by it.
Status Run::updateEstimate() {
  if (!timed() || stepsHere < 5 || (stepsHere != 5 && stepsHere % 10 != 0))
    return Status::ok();
  double left = std::max(0.0, settings.timeLimit - elapsed() - validationSeconds);
  double perStep = (now() - began) / double(stepsHere);
  estimate = done + uint64_t(std::max(1.0, left / perStep));
  return setSchedule();
}

/// Whether the data and the file allow it; the user is told when they do not.
bool Run::canValidate() {
  if (options.evalEvery == uint64_t(0))
    return false;
  if (dataset->evaluationSplits(false).empty()) {
    observer.noted("no validation: the dataset has no validation items");
    return false;
  }
  for (const char *entry : {imageEntry, textEntry})
    if (!session.module().entry(entry)) {
      observer.noted("no validation: the compiled file has no entry '" + std::string(entry) + "'");
      return false;
    }
  return true;
}

Status Run::validate() {
  double begin = now();
  auto sets = evaluateSets(*encoder, *dataset, false);
  if (!sets)
    return sets.status();
  ValidationRecord record;
  record.step = done;
  for (const SetRanks &set : *sets)
    record.sets.push_back({std::string(data::splitName(set.split)), score(set.ranks).mean});
  double value = selectionScore(*sets);
  record.score = float(value);
  record.best = value > bestScore;
  if (record.best) {
    bestScore = value;
    bestStep = done;
  }
  validationSeconds = now() - begin;
  VLP_RETURN_IF_ERROR(log->write(record));
  observer.validated(record);
  return record.best ? checkpoint(true) : Status::ok();
}

Status Run::checkpoint(bool isBest) {
  CheckpointMetadata metadata;
  metadata[settingsKey] = settings.json();
  metadata[loaderKey] = loader->position(done); // the loader itself may be a batch ahead
  metadata[bestKey] = Json({{"step", bestStep}, {"score", bestScore}}).dump();
  VLP_RETURN_IF_ERROR(directory->save(session, done, metadata, isBest, options.keep));
  savedStep = done;
  return Status::ok();
}

/// Whether something that happens every so many steps, or at each eighth of the run, is due after the step that began
/// at `before`.
bool Run::due(const std::optional<uint64_t> &every, double before) const {
  if (every)
    return *every && done % *every == 0;
  return std::floor(8 * progress()) > std::floor(8 * before);
}

Expected<TrainResult> Run::loop() {
  began = now();
  TrainResult result;
  observer.started(settings, done, total());
  bool validated = false;
  while (timed() || done < settings.totalSteps) {
    bool asked = (options.stop && options.stop->load()) || (options.stopAt && done >= *options.stopAt);
    if (asked || timeIsUp()) {
      result.end = asked ? TrainResult::End::Stopped : TrainResult::End::TimeUp;
      break;
    }
    double before = progress();
    StepRecord record;
    VLP_RETURN_IF_ERROR(step(record));
    VLP_RETURN_IF_ERROR(updateEstimate());
    if (options.logEvery && done % options.logEvery == 0)
      VLP_RETURN_IF_ERROR(log->write(record));
    observer.stepped(record, total());
    validated = validates && due(options.evalEvery, before);
    if (validated)
      VLP_RETURN_IF_ERROR(validate());
    if (due(options.checkpointEvery, before) && savedStep != done)
      VLP_RETURN_IF_ERROR(checkpoint(false));
  }
  bool stopped = result.end == TrainResult::End::Stopped;
  if (!stopped && !validated && stepsHere && validates)
    VLP_RETURN_IF_ERROR(validate());
  if (savedStep != done)
    VLP_RETURN_IF_ERROR(checkpoint(false));
  result.steps = done;
  result.total = stopped ? total() : done;
  result.seconds = now() - began;
  result.pairsPerSecond = stepSeconds > 0 ? double(settings.batch * stepsHere) / stepSeconds : 0;
  result.bestStep = bestStep;
  result.bestScore = std::max(0.0, bestScore);
  result.checkpoint = bestStep ? directory->best() : directory->latest();
  result.report = directory->file("report.html");
  VLP_RETURN_IF_ERROR(saveTrainReport(result.report, settings, log->history()));
  return result;
}

} // namespace

Expected<TrainResult> train(Session &session, std::shared_ptr<const data::Dataset> dataset, const TrainOptions &options,
                            TrainObserver &observer) {
  Run run(session, std::move(dataset), options, observer);
  VLP_RETURN_IF_ERROR(run.prepare());
  return run.loop();
}

} // namespace vlp::training
