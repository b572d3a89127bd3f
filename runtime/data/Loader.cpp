// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The loader: a schedule that says which stream and item every row of every step takes, and a thread that makes batches
// ahead.
#include "runtime/data/Loader.h"
#include "runtime/data/Split.h"

#include <cmath>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>
#include <unordered_map>

namespace vlp::data {

namespace {

/// What draws are for; part of their counter, so that no two purposes share numbers.
enum Purpose : uint8_t { OrderPurpose = 1, ImagePurpose = 2, CaptionPurpose = 3 };

/// One stream's items in the order of an epoch.
class StreamOrder {
public:
  /// `shares`: how often an epoch has each item on average; they add up to the number of items. Empty: once each.
  StreamOrder(std::vector<uint32_t> items, std::vector<double> shares, uint64_t seed, uint16_t stream)
      : items(std::move(items)), shares(std::move(shares)), seed(seed), stream(stream) {}

  /// The item at a place counted through all epochs.
  uint32_t at(uint64_t place) {
    uint64_t epoch = place / items.size();
    if (order.empty() || epoch != shuffledEpoch)
      shuffle(epoch);
    return order[place % items.size()];
  }
  size_t size() const { return items.size(); }

private:
  void shuffle(uint64_t epoch) {
    shuffledEpoch = epoch;
    Draws draws(seed, epoch, stream, OrderPurpose);
    order = shares.empty() ? items : resample(draws);
    for (uint32_t i = uint32_t(order.size()); i > 1; --i)
      std::swap(order[i - 1], order[draws.below(i)]);
  }

  /// Systematic sampling (Madow 1949): one draw shifts a grid of unit steps over the shares laid end to end, so that an
  /// item comes as often as its share, rounded up or down.
  std::vector<uint32_t> resample(Draws &draws) const {
    std::vector<uint32_t> sample;
    double end = draws.uniform();
    for (size_t i = 0; i < items.size(); ++i) {
      end += shares[i];
      while (sample.size() + 1 <= end && sample.size() < items.size())
        sample.push_back(items[i]);
    }
    while (sample.size() < items.size()) // a rounding error of the sum
      sample.push_back(items.back());
    return sample;
  }

  std::vector<uint32_t> items, order;
  std::vector<double> shares;
  uint64_t shuffledEpoch = 0, seed;
  uint16_t stream;
};

/// Gives every row to a stream, in proportion to weights and evenly spread, in a pattern that repeats. How many rows a
/// stream had before any row follows without counting through the steps before.
class Schedule {
public:
  static constexpr uint32_t period = 1024;

  /// Fails (false) when a weight is too small to get a row of the pattern.
  bool build(const std::vector<double> &weights) {
    double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    counts.assign(weights.size(), 0);
    pattern.clear();
    prefix.clear();
    for (uint32_t row = 0; row < period; ++row) {
      size_t best = 0;
      double lag = -1e300;
      for (size_t s = 0; s < weights.size(); ++s) {
        double behind = weights[s] / sum * (row + 1) - counts[s];
        if (behind > lag) {
          lag = behind;
          best = s;
        }
      }
      pattern.push_back(uint16_t(best));
      prefix.push_back(counts[best]++);
    }
    return std::find(counts.begin(), counts.end(), 0u) == counts.end();
  }

  /// The stream of a row counted through all steps, and the row's place within that stream.
  std::pair<uint16_t, uint64_t> at(uint64_t row) const {
    uint16_t stream = pattern[row % period];
    return {stream, row / period * counts[stream] + prefix[row % period]};
  }

  /// How many rows the stream has before `row`.
  uint64_t before(uint64_t row, uint16_t stream) const {
    uint64_t partial = 0;
    for (uint32_t i = 0; i < row % period; ++i)
      partial += pattern[i] == stream;
    return row / period * counts[stream] + partial;
  }

private:
  std::vector<uint16_t> pattern;
  std::vector<uint32_t> prefix, counts;
};

} // namespace

struct Loader::State {
  std::vector<Stream> streams;
  std::shared_ptr<const tokenizer::Tokenizer> tokenizer;
  LoaderOptions options;
  Schedule schedule;
  std::vector<StreamOrder> orders; ///< used by the one thread that makes batches
  /// Of each stream, by item: equal names have equal ids across datasets too.
  std::vector<std::vector<int32_t>> pairIds;

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::shared_ptr<const Batch>> ready; ///< steps nextStep, nextStep + 1, ...
  uint64_t nextStep = 0;
  uint64_t generation = 0; ///< of seeks: batches begun before one are dropped
  bool stopping = false;
  std::thread maker;

  std::shared_ptr<const Batch> make(uint64_t step);
  void makeAhead();
};

std::shared_ptr<const Batch> Loader::State::make(uint64_t step) {
  auto batch = std::make_shared<Batch>();
  int rows = options.batch;
  size_t imageSize = size_t(3) * options.image.size * options.image.size;
  batch->step = step;
  batch->rows = rows;
  batch->images.resize(rows * imageSize);
  batch->tokens.reserve(size_t(rows) * options.contextLength);
  for (int row = 0; row < rows; ++row) {
    auto [streamIndex, place] = schedule.at(step * uint64_t(rows) + uint64_t(row));
    const Stream &stream = streams[streamIndex];
    uint32_t index = orders[streamIndex].at(place);
    const Item &item = stream.dataset->item(index);
    Draws imageDraws(options.seed, step, uint32_t(row), ImagePurpose);
    trainingImage(*stream.dataset, index, options.image, options.augment, imageDraws, &batch->images[row * imageSize]);
    Draws captionDraws(options.seed, step, uint32_t(row), CaptionPurpose);
    std::vector<int32_t> tokens =
        tokenizer->encode(sampleCaption(item, *stream.captions, captionDraws), options.contextLength);
    batch->tokens.insert(batch->tokens.end(), tokens.begin(), tokens.end());
    batch->pairIds.push_back(pairIds[streamIndex][index]);
    batch->items.push_back(index);
    batch->streams.push_back(streamIndex);
  }
  return batch;
}

void Loader::State::makeAhead() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    if (ready.size() >= size_t(options.prefetch)) {
      wake.wait(lock);
      continue;
    }
    uint64_t step = nextStep + ready.size(), begun = generation;
    lock.unlock();
    std::shared_ptr<const Batch> batch = make(step);
    lock.lock();
    // The consumer may have moved on or elsewhere meanwhile.
    if (begun == generation && step == nextStep + ready.size())
      ready.push_back(std::move(batch));
    wake.notify_all();
  }
}

Loader::Loader() : state(std::make_unique<State>()) {}

Loader::~Loader() {
  {
    std::lock_guard lock(state->mutex);
    state->stopping = true;
  }
  state->wake.notify_all();
  if (state->maker.joinable())
    state->maker.join();
}

std::shared_ptr<const Batch> Loader::next() {
  State &s = *state;
  if (!s.maker.joinable())
    return s.make(s.nextStep++);
  std::unique_lock lock(s.mutex);
  s.wake.wait(lock, [&] { return !s.ready.empty(); });
  std::shared_ptr<const Batch> batch = std::move(s.ready.front());
  s.ready.pop_front();
  ++s.nextStep;
  s.wake.notify_all();
  return batch;
}

uint64_t Loader::step() const {
  std::lock_guard lock(state->mutex);
  return state->nextStep;
}

void Loader::seek(uint64_t step) {
  std::lock_guard lock(state->mutex);
  state->nextStep = step;
  state->ready.clear();
  ++state->generation;
  state->wake.notify_all();
}

size_t Loader::itemsPerEpoch() const {
  size_t sum = 0;
  for (const StreamOrder &order : state->orders)
    sum += order.size();
  return sum;
}

std::string Loader::position(uint64_t step) const {
  const LoaderOptions &options = state->options;
  nlohmann::ordered_json root = {{"step", step}, {"seed", options.seed}, {"batch", options.batch}};
  for (size_t i = 0; i < state->streams.size(); ++i) {
    const Stream &stream = state->streams[i];
    uint64_t place = state->schedule.before(step * uint64_t(options.batch), uint16_t(i));
    root["streams"].push_back({{"name", stream.name},
                               {"weight", stream.weight},
                               {"dataset", stream.dataset->fingerprint()},
                               {"items", state->orders[i].size()},
                               {"epoch", place / state->orders[i].size()},
                               {"place", place % state->orders[i].size()}});
  }
  return root.dump();
}

Status Loader::restore(const std::string &position) {
  auto saved = nlohmann::json::parse(position, nullptr, false);
  auto now = nlohmann::json::parse(this->position());
  auto differs = [](const std::string &what, const nlohmann::json &was, const nlohmann::json &is) {
    return Status::invalid("cannot resume: " + what + " was " + was.dump() +
                           " when the checkpoint was written, now it is " + is.dump());
  };
  if (!saved.is_object() || !saved.value("step", nlohmann::json()).is_number_unsigned() || !saved.contains("streams"))
    return {StatusCode::DataLoss, "cannot resume: the loader's position is not the JSON that was expected"};
  for (const char *key : {"seed", "batch"})
    if (saved.value(key, nlohmann::json()) != now[key])
      return differs(std::string("the loader's ") + key, saved.value(key, nlohmann::json()), now[key]);
  const auto &before = saved["streams"];
  if (!before.is_array() || before.size() != now["streams"].size())
    return differs("the number of data streams", before.size(), now["streams"].size());
  for (size_t i = 0; i < before.size(); ++i)
    for (const char *key : {"name", "weight", "dataset", "items"})
      if (!before[i].is_object() || before[i].value(key, nlohmann::json()) != now["streams"][i][key])
        return differs("the " + std::string(key) + " of data stream " + std::to_string(i),
                       before[i].is_object() ? before[i].value(key, nlohmann::json()) : before[i],
                       now["streams"][i][key]);
  seek(saved["step"].get<uint64_t>());
  return Status::ok();
}

static Status checkOptions(const LoaderOptions &options) {
  const AugmentOptions &a = options.augment;
  auto require = [](bool holds, const char *what) {
    return holds ? Status::ok() : Status::invalid(std::string("data loader: ") + what);
  };
  VLP_RETURN_IF_ERROR(require(options.batch >= 1, "batch must be at least 1"));
  VLP_RETURN_IF_ERROR(require(options.contextLength >= 2, "context length must be at least 2 (begin and end marks)"));
  VLP_RETURN_IF_ERROR(require(options.image.size >= 1, "image size must be at least 1"));
  VLP_RETURN_IF_ERROR(
      require(options.image.cropFraction > 0 && options.image.cropFraction <= 1, "crop fraction must be in (0, 1]"));
  VLP_RETURN_IF_ERROR(
      require(0 < a.scaleMin && a.scaleMin <= a.scaleMax && a.scaleMax <= 1, "crop scale needs 0 < min <= max <= 1"));
  VLP_RETURN_IF_ERROR(require(0 < a.ratioMin && a.ratioMin <= a.ratioMax, "crop ratio needs 0 < min <= max"));
  VLP_RETURN_IF_ERROR(
      require(0 < a.brightnessMin && a.brightnessMin <= a.brightnessMax, "brightness needs 0 < min <= max"));
  for (float deviation : options.image.deviation)
    VLP_RETURN_IF_ERROR(require(deviation > 0, "standard deviations of the normalisation must be above 0"));
  VLP_RETURN_IF_ERROR(
      require(0 <= options.conceptBalance && options.conceptBalance <= 1, "the balance of concepts must be in [0, 1]"));
  return require(options.prefetch >= 0, "prefetch must not be negative");
}

/// Fills `items` with all training items when empty, else refuses what is not of the training split.
static Status selectItems(Stream &stream) {
  if (!stream.dataset || !(stream.weight > 0))
    return Status::invalid("data stream " + stream.name + " needs a dataset and a weight above 0");
  if (!stream.captions)
    stream.captions = CaptionOptions::forKind(stream.dataset->info().kind);
  if (stream.items.empty())
    stream.items = stream.dataset->indices(Split::Train);
  if (stream.items.empty())
    return Status::invalid("data stream " + stream.name + " has no training items in " + stream.dataset->path());
  for (uint32_t index : stream.items) {
    if (index >= stream.dataset->size())
      return Status::invalid("data stream " + stream.name + ": no item " + std::to_string(index) + " in " +
                             stream.dataset->path());
    const Item &item = stream.dataset->item(index);
    if (item.split != Split::Train)
      return Status::invalid("data stream " + stream.name + ": item " + std::to_string(index) + " \"" + item.name() +
                             "\" is of the " + std::string(splitName(item.split)) +
                             " split and must not be trained on");
  }
  return Status::ok();
}

static std::vector<std::vector<int32_t>> givePairIds(const std::vector<Stream> &streams) {
  std::unordered_map<std::string_view, int32_t> ids;
  std::vector<std::vector<int32_t>> result;
  for (const Stream &stream : streams) {
    std::vector<int32_t> &ofStream = result.emplace_back();
    for (size_t i = 0; i < stream.dataset->size(); ++i)
      ofStream.push_back(ids.emplace(stream.dataset->item(i).name(), int32_t(ids.size())).first->second);
  }
  return result;
}

/// See LoaderOptions::conceptBalance; empty where every item comes once.
static std::vector<double> sharesOf(const Stream &stream, float balance) {
  if (balance == 0)
    return {};
  std::vector<std::string> keys;
  std::unordered_map<std::string, int> counts;
  for (uint32_t index : stream.items)
    ++counts[keys.emplace_back(conceptKey(stream.dataset->item(index).name()))];
  std::vector<double> shares;
  for (const std::string &key : keys)
    shares.push_back(std::pow(counts[key], -double(balance)));
  double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double &share : shares)
    share *= double(shares.size()) / sum;
  return shares;
}

Expected<std::unique_ptr<Loader>> Loader::create(std::vector<Stream> streams,
                                                 std::shared_ptr<const tokenizer::Tokenizer> tokenizer,
                                                 LoaderOptions options) {
  VLP_RETURN_IF_ERROR(checkOptions(options));
  if (streams.empty() || streams.size() > Schedule::period)
    return Status::invalid("a data loader needs between 1 and " + std::to_string(Schedule::period) + " streams");
  if (!tokenizer)
    return Status(StatusCode::Internal, "a data loader needs a tokenizer");
  std::vector<double> weights;
  std::vector<LeakSource> sources;
  for (Stream &stream : streams) {
    VLP_RETURN_IF_ERROR(selectItems(stream));
    weights.push_back(stream.weight);
    sources.push_back({stream.dataset.get(), stream.items});
  }
  for (const auto &dataset : options.heldOut)
    sources.push_back({dataset.get(), {}});
  VLP_RETURN_IF_ERROR(verifyNoLeak(sources));

  std::unique_ptr<Loader> loader(new Loader);
  State &state = *loader->state;
  if (!state.schedule.build(weights))
    return Status::invalid("the weight of a data stream is below 1/1024 of the sum of all");
  for (size_t i = 0; i < streams.size(); ++i)
    state.orders.emplace_back(streams[i].items, sharesOf(streams[i], options.conceptBalance), options.seed,
                              uint16_t(i));
  state.pairIds = givePairIds(streams);
  state.streams = std::move(streams);
  state.tokenizer = std::move(tokenizer);
  state.options = std::move(options);
  if (state.options.prefetch > 0)
    state.maker = std::thread([&state] { state.makeAhead(); });
  return loader;
}

Batch evaluationBatch(const Dataset &dataset, std::span<const uint32_t> items, const tokenizer::Tokenizer &tokenizer,
                      int contextLength, const ImageOptions &image) {
  Batch batch;
  batch.rows = int(items.size());
  size_t imageSize = size_t(3) * image.size * image.size;
  batch.images.resize(items.size() * imageSize);
  for (size_t row = 0; row < items.size(); ++row) {
    const Item &item = dataset.item(items[row]);
    evaluationImage(dataset, items[row], image, &batch.images[row * imageSize]);
    std::vector<int32_t> tokens = tokenizer.encode(item.name(), contextLength);
    batch.tokens.insert(batch.tokens.end(), tokens.begin(), tokens.end());
    batch.pairIds.push_back(item.pairId);
    batch.items.push_back(items[row]);
    batch.streams.push_back(0);
  }
  return batch;
}

} // namespace vlp::data
