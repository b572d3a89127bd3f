// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Parses the command line; turns every mistake in it into one line that says what to do.
#include "tools/vlp-run/CommandLine.h"

#include "tools/vlp-run/Commands.h"

#include <algorithm>
#include <iostream>

namespace vlp::run {

namespace {

/// Levenshtein's distance.
size_t editDistance(const std::string &a, const std::string &b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string closest(const std::string &given, const std::vector<std::string> &known) {
  std::string best;
  size_t distance = std::max<size_t>(2, given.size() / 3) + 1;
  for (const std::string &name : known)
    if (size_t d = editDistance(given, name); d < distance) {
      distance = d;
      best = name;
    }
  return best.empty() ? "" : "; did you mean '" + best + "'?";
}

/// "vlp-run data prepare emoji": the innermost command that was given.
const CLI::App *innermost(const CLI::App *app) {
  while (!app->get_subcommands().empty())
    app = app->get_subcommands().front();
  return app;
}

std::string fullName(const CLI::App *app) {
  return app->get_parent() ? fullName(app->get_parent()) + " " + app->get_name() : "vlp-run";
}

std::vector<std::string> commandsOf(const CLI::App *app) {
  std::vector<std::string> names;
  for (const CLI::App *command : app->get_subcommands([](const CLI::App *) { return true; }))
    names.push_back(command->get_name());
  return names;
}

std::string describeExtra(const CLI::App *app, std::string extra) {
  std::string help = " (" + fullName(app) + " --help lists them)";
  if (extra.starts_with("-")) {
    extra = extra.substr(0, extra.find('='));
    std::vector<std::string> known;
    for (const CLI::Option *option : app->get_options())
      for (const std::string &name : option->get_lnames())
        known.push_back("--" + name);
    return "unknown option '" + extra + "' of " + fullName(app) + closest(extra, known) + help;
  }
  std::vector<std::string> commands = commandsOf(app);
  if (!commands.empty())
    return "unknown command '" + extra + "' of " + fullName(app) + closest(extra, commands) + help;
  return "unexpected argument '" + extra + "' of " + fullName(app) + " (" + fullName(app) +
         " --help shows what it takes)";
}

int explain(const CLI::App &app, const CLI::ParseError &error) {
  const CLI::App *command = innermost(&app);
  std::vector<std::string> extras = app.remaining(true);
  std::string message = error.what();
  if (!extras.empty())
    message = describeExtra(command, extras.front());
  else if (dynamic_cast<const CLI::RequiredError *>(&error) && !commandsOf(command).empty()) {
    message = fullName(command) + " needs a command:";
    for (const std::string &name : commandsOf(command))
      message += " " + name;
  } else
    message += " (see " + fullName(command) + " --help)";
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::cerr << "error: " << message << "\n";
  return 1;
}

} // namespace

int runCommandLine(int argc, const char *const *argv) {
  CLI::App app("Trains, evaluates and uses vision-language models that vlpc compiled.", "vlp-run");
  app.footer("'vlp-run COMMAND --help' describes a command, with examples.");
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  int exitCode = 0;
  addInfo(app, exitCode);
  addData(app, exitCode);
  addTrain(app, exitCode);
  addEval(app, exitCode);
  addEmbed(app, exitCode);
  addSearch(app, exitCode);
  addClassify(app, exitCode);
  addBench(app, exitCode);
  addProfile(app, exitCode);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &help) {
    return app.exit(help);
  } catch (const CLI::ParseError &error) {
    return explain(app, error);
  } catch (const std::exception &error) {
    // Nothing of ours throws: this is memory running out, or a mistake of ours.
    std::cerr << "error: " << error.what() << "\n";
    return 2;
  }
  return exitCode;
}

} // namespace vlp::run
