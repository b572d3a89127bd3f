// Part of VLPC, under the Apache License v2.0 with LLVM Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The commands of vlp-run. Each function adds a subcommand whose callback runs it and sets `exitCode`.
#pragma once

#include <CLI/CLI.hpp>

namespace vlp::run {

void addInfo(CLI::App &app, int &exitCode);
void addTrain(CLI::App &app, int &exitCode);
void addEval(CLI::App &app, int &exitCode);
void addEmbed(CLI::App &app, int &exitCode);
void addSearch(CLI::App &app, int &exitCode);
void addClassify(CLI::App &app, int &exitCode);
void addBench(CLI::App &app, int &exitCode);
void addProfile(CLI::App &app, int &exitCode);
void addData(CLI::App &app, int &exitCode);

} // namespace vlp::run
