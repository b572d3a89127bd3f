// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Charts as SVG markup.
#include "runtime/report/Svg.h"

#include "runtime/report/Format.h"
#include "runtime/report/Html.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vlp::report {

std::vector<double> niceTicks(double low, double high, int target) {
  if (!(high > low))
    return {low};
  double raw = (high - low) / std::max(1, target);
  double power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = power * 10;
  for (double factor : {1.0, 2.0, 5.0})
    if (power * factor >= raw) {
      step = power * factor;
      break;
    }
  std::vector<double> ticks;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + step * 1e-9; ++i)
    ticks.push_back(i * step + 0.0); // + 0.0 turns -0 into 0
  return ticks;
}

namespace {

std::string number(double value) { return fixed(value, 1); }

std::string tickLabel(double value) {
  if (value != 0 && (std::fabs(value) >= 1e4 || std::fabs(value) < 1e-3)) {
    char text[32];
    std::snprintf(text, sizeof text, std::fabs(value) >= 1e4 && std::fabs(value) < 1e6 ? "%.0f" : "%.2g", value);
    return text;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%g", std::round(value * 1e6) / 1e6);
  return text;
}

std::string textAt(double x, double y, const char *anchor, const char *cssClass, const std::string &text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\" class=\"" + cssClass +
         "\">" + escapeHtml(text) + "</text>\n";
}

std::string lineFrom(double x0, double y0, double x1, double y1) {
  return "<line class=\"grid\" x1=\"" + number(x0) + "\" y1=\"" + number(y0) + "\" x2=\"" + number(x1) + "\" y2=\"" +
         number(y1) + "\"/>\n";
}

std::string openSvg(int width, int height) {
  std::string w = std::to_string(width), h = std::to_string(height);
  return "<svg role=\"img\" width=\"" + w + "\" height=\"" + h + "\" viewBox=\"0 0 " + w + " " + h +
         "\" xmlns=\"http://www.w3.org/2000/svg\">\n";
}

/// The values that a chart shows and the map to the pixels of its plotting area.
struct Axes {
  double left = 58, right, top = 34, bottom;
  double xLow = std::numeric_limits<double>::infinity(), xHigh = -xLow, yLow = xLow, yHigh = -xLow;
  bool logY;

  double y(double value) const { return logY ? std::log10(value) : value; }
  bool shows(double x, double y) const { return std::isfinite(x) && std::isfinite(y) && !(logY && y <= 0); }
  void include(double px, double py) {
    xLow = std::min(xLow, px), xHigh = std::max(xHigh, px);
    yLow = std::min(yLow, y(py)), yHigh = std::max(yHigh, y(py));
  }
  void finish() {
    if (!(xLow <= xHigh))
      xLow = 0, xHigh = 1, yLow = 0, yHigh = 1;
    if (xLow == xHigh)
      xHigh = xLow + 1;
    double margin = yLow == yHigh ? std::max(0.5, std::fabs(yLow) * 0.1) : 0;
    yLow -= margin, yHigh += margin;
  }
  double pixelX(double value) const { return left + (value - xLow) / (xHigh - xLow) * (right - left); }
  double pixelY(double value) const { return bottom - (y(value) - yLow) / (yHigh - yLow) * (bottom - top); }
};

Axes axesOf(const LineChart &chart, int legendRows) {
  Axes axes;
  axes.right = chart.width - 14;
  axes.bottom = chart.height - 44 - 18.0 * legendRows;
  axes.logY = chart.logY;
  for (const Series &series : chart.series)
    for (auto [x, y] : series.points)
      if (axes.shows(x, y))
        axes.include(x, y);
  for (std::optional<double> value : {chart.includeLow, chart.includeHigh})
    if (value && axes.xLow <= axes.xHigh && !(chart.logY && *value <= 0))
      axes.include(axes.xLow, *value);
  axes.finish();
  return axes;
}

std::vector<double> yTicks(const Axes &axes) {
  if (!axes.logY)
    return niceTicks(axes.yLow, axes.yHigh);
  std::vector<double> ticks;
  for (double power = std::ceil(axes.yLow - 1e-9); power <= axes.yHigh + 1e-9; ++power)
    ticks.push_back(std::pow(10.0, power));
  if (ticks.size() >= 2)
    return ticks;
  ticks.clear(); // less than two decades: round numbers, placed where the logarithm puts them
  for (double value : niceTicks(std::pow(10.0, axes.yLow), std::pow(10.0, axes.yHigh)))
    if (value > 0)
      ticks.push_back(value);
  return ticks;
}

std::string polyline(const Series &series, const Axes &axes, size_t colour) {
  std::string stroke = "var(--c" + std::to_string(colour % 8) + ")", out, run;
  size_t inRun = 0;
  std::pair<double, double> last;
  auto flush = [&] {
    if (inRun > 1)
      out += "<polyline fill=\"none\" stroke=\"" + stroke + "\" stroke-width=\"1.6\" points=\"" + run + "\"/>\n";
    else if (inRun == 1)
      out += "<circle r=\"3\" fill=\"" + stroke + "\" cx=\"" + number(last.first) + "\" cy=\"" + number(last.second) +
             "\"/>\n";
    run.clear();
    inRun = 0;
  };
  for (auto [x, y] : series.points) {
    if (!axes.shows(x, y)) {
      flush();
      continue;
    }
    last = {axes.pixelX(x), axes.pixelY(y)};
    run += number(last.first) + "," + number(last.second) + " ";
    ++inRun;
  }
  flush();
  return out;
}

} // namespace

std::string LineChart::svg() const {
  int perRow = 3;
  int legendRows = series.size() > 1 ? (int(series.size()) + perRow - 1) / perRow : 0;
  Axes axes = axesOf(*this, legendRows);
  std::string out = openSvg(width, height) + textAt(axes.left, 18, "start", "title", title);
  for (double tick : yTicks(axes)) {
    double y = axes.pixelY(tick);
    out += lineFrom(axes.left, y, axes.right, y) + textAt(axes.left - 6, y + 4, "end", "soft", tickLabel(tick));
  }
  for (double tick : niceTicks(axes.xLow, axes.xHigh)) {
    double x = axes.pixelX(tick);
    out +=
        lineFrom(x, axes.bottom, x, axes.bottom + 4) + textAt(x, axes.bottom + 17, "middle", "soft", tickLabel(tick));
  }
  out += textAt((axes.left + axes.right) / 2, axes.bottom + 34, "middle", "soft", xLabel);
  if (!yLabel.empty())
    out += textAt(axes.right, 18, "end", "soft", yLabel);
  for (size_t i = 0; i < series.size(); ++i)
    out += polyline(series[i], axes, i);
  for (size_t i = 0; legendRows && i < series.size(); ++i) {
    double x = axes.left + double(i % perRow) * (axes.right - axes.left) / perRow;
    double y = axes.bottom + 52 + 18.0 * double(i / perRow);
    out += "<rect width=\"12\" height=\"4\" rx=\"2\" x=\"" + number(x) + "\" y=\"" + number(y - 6) +
           "\" fill=\"var(--c" + std::to_string(i % 8) + ")\"/>\n" + textAt(x + 17, y, "start", "soft", series[i].name);
  }
  return out + "</svg>";
}

std::string BarChart::svg() const {
  const double row = 20, top = 30, labelWidth = 300, noteWidth = 150;
  double largest = 0;
  auto length = [](const Bar &bar) { return std::isfinite(bar.value) && bar.value > 0 ? bar.value : 0.0; };
  for (const Bar &bar : bars)
    largest = std::max(largest, length(bar));
  std::string out = openSvg(width, int(top + row * double(bars.size())) + 8) + textAt(4, 18, "start", "title", title);
  for (size_t i = 0; i < bars.size(); ++i) {
    double y = top + row * double(i);
    double pixels = largest > 0 ? length(bars[i]) / largest * (width - labelWidth - noteWidth) : 0;
    std::string label = bars[i].label;
    if (label.size() > 46)
      label = label.substr(0, 16) + "..." + label.substr(label.size() - 27);
    out += textAt(labelWidth - 8, y + 13, "end", "", label);
    out += "<rect x=\"" + number(labelWidth) + "\" y=\"" + number(y + 3) + "\" width=\"" + number(pixels) +
           "\" height=\"13\" rx=\"2\" fill=\"var(--c" + std::to_string(bars[i].colour % 8) + ")\"><title>" +
           escapeHtml(bars[i].label) + "</title></rect>\n";
    out += textAt(labelWidth + pixels + 6, y + 13, "start", "soft", bars[i].note);
  }
  return out + "</svg>";
}

} // namespace vlp::report
