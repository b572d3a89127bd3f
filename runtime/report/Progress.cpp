// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How far long work has come.
#include "runtime/report/Progress.h"

#include "runtime/report/Format.h"
#include "runtime/report/Table.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sys/ioctl.h>
#include <unistd.h>

namespace vlp::report {

static double steadySeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

static size_t terminalWidth(std::FILE *stream) {
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
    return size.ws_col;
  return 80;
}

Progress::Settings Progress::Settings::forStream(std::FILE *stream) {
  Settings settings;
  settings.stream = stream;
  const char *terminal = std::getenv("TERM");
  settings.bar = isatty(fileno(stream)) && terminal && std::strcmp(terminal, "dumb") != 0;
  return settings;
}

Progress::Progress(std::string label, uint64_t total, Settings given)
    : label(std::move(label)), total(total), settings(std::move(given)) {
  if (!settings.clock)
    settings.clock = steadySeconds;
  started = lastDrawn = settings.clock();
}

Progress::~Progress() { finish(); }

void Progress::update(uint64_t newDone, std::string_view newDetail) {
  if (!any) {
    // A resumed run starts half way: only what is done from here on says how fast it goes.
    firstDone = newDone;
    started = settings.clock();
  }
  done = newDone;
  detail = newDetail;
  stale = true;
  double now = settings.clock();
  double interval = settings.bar ? settings.barInterval : settings.lineInterval;
  if (any && now - lastDrawn < interval)
    return;
  // Nothing has been measured at the first call; plain lines wait for the first interval to pass.
  if (!any && !settings.bar)
    lastDrawn = now;
  else
    draw(false);
  any = true;
}

std::string Progress::describe() const {
  double elapsed = settings.clock() - started;
  std::string text;
  if (total)
    text += std::to_string(done) + "/" + std::to_string(total);
  else
    text += std::to_string(done);
  if (!detail.empty())
    text += "  " + detail;
  if (total && done > firstDone && done < total)
    text += "  " + clockTime(elapsed / double(done - firstDone) * double(total - done)) + " left";
  else if (total && done >= total)
    text += "  in " + clockTime(elapsed);
  return text;
}

void Progress::draw(bool last) {
  lastDrawn = settings.clock();
  stale = false;
  std::string text = describe();
  if (!settings.bar) {
    std::fprintf(settings.stream, "%s %s\n", label.c_str(), text.c_str());
    std::fflush(settings.stream);
    return;
  }
  std::string bar;
  if (total) {
    const size_t cells = 24;
    size_t full = size_t(double(cells) * double(std::min(done, total)) / double(total));
    for (size_t i = 0; i < cells; ++i)
      bar += i < full ? "█" : "░";
    bar += " ";
  }
  std::string line = label + " " + bar + text;
  size_t width = terminalWidth(settings.stream);
  if (displayWidth(line) >= width)
    line = label + " " + text;
  if (displayWidth(line) >= width) {
    size_t bytes = 0;
    for (size_t shown = 0; bytes < line.size(); ++bytes)
      if ((uint8_t(line[bytes]) & 0xC0) != 0x80 && ++shown >= width)
        break;
    line.resize(bytes);
  }
  std::fprintf(settings.stream, "\r\033[K%s%s", line.c_str(), last ? "\n" : "");
  std::fflush(settings.stream);
  barShown = !last;
}

void Progress::note(std::string_view line) {
  std::fprintf(settings.stream, "%s%.*s\n", barShown ? "\r\033[K" : "", int(line.size()), line.data());
  std::fflush(settings.stream);
  if (barShown)
    draw(false);
}

void Progress::finish() {
  if (finished)
    return;
  finished = true;
  if (stale || barShown)
    draw(true);
}

} // namespace vlp::report
