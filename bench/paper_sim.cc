// The paper's models (§4) and measurements (§6) with the real master and allocation modules, in the
// simulator: writes docs/paper, one report for each experiment. Its last line has all figures;
// those of experiments that were not run this time are taken from the last results.
#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "bench/paper/experiments.h"
#include "wire/json_writer.h"

namespace souk::paper {
namespace {

constexpr const char* kResults = "bench/results/paper-sim.json";

struct Arguments {
  Plan plan;
  std::set<std::string> only;
  std::string out;
};

// With keys in order, unlike protobuf's own.
void append(wire::JsonWriter& json, const google::protobuf::Value& value) {
  if (value.has_struct_value()) {
    const auto& fields = value.struct_value().fields();
    json.begin_object();
    std::map<std::string, google::protobuf::Value> sorted(fields.begin(), fields.end());
    for (const auto& [name, field] : sorted) {
      json.key(name);
      append(json, field);
    }
    json.end_object();
  } else if (value.has_number_value()) {
    json.value(value.number_value());
  } else if (value.has_string_value()) {
    json.value(value.string_value());
  } else {
    json.null();
  }
}

// Of the experiments that there are, by name.
std::map<std::string, google::protobuf::Value> last_results() {
  std::map<std::string, google::protobuf::Value> kept;
  std::ifstream file(kResults);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  google::protobuf::Struct all;
  if (!google::protobuf::util::JsonStringToMessage(text, &all).ok()) return kept;
  for (const Experiment& experiment : experiments()) {
    const auto at = all.fields().find(experiment.name);
    if (at != all.fields().end()) kept[experiment.name] = at->second;
  }
  return kept;
}

void print_results(const std::map<std::string, Report>& reports) {
  auto results = last_results();
  for (const auto& [name, report] : reports) {
    google::protobuf::Value value;
    const auto status =
        google::protobuf::util::JsonStringToMessage(report.json(), value.mutable_struct_value());
    if (status.ok()) results[name] = value;
  }
  std::string line;
  wire::JsonWriter json(line);
  json.begin_object();
  for (const auto& [name, value] : results) {
    json.key(name);
    append(json, value);
  }
  json.end_object();
  std::printf("%s\n", line.c_str());
}

int run(const Arguments& arguments) {
  std::filesystem::create_directories(arguments.out);
  std::map<std::string, Report> reports;
  bool ok = true;
  for (const Experiment& experiment : experiments()) {
    if (!arguments.only.empty() && !arguments.only.contains(experiment.name)) continue;
    const auto start = std::chrono::steady_clock::now();
    Report report = experiment.run(arguments.plan);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    ok = report.write(arguments.out) && ok;
    std::printf("%s\n(%s: %.1f s)\n\n", report.markdown().c_str(), experiment.name, took.count());
    std::fflush(stdout);
    reports.emplace(experiment.name, std::move(report));
  }
  // Not to be kept beside those of full runs.
  const bool full = !arguments.plan.quick && arguments.plan.runs == 0;
  if (full) print_results(reports);
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace souk::paper

int main(int argc, char** argv) {
  using namespace souk::paper;
  CLI::App app("The paper's models and measurements, in the simulator");
  Arguments arguments;
  Plan& plan = arguments.plan;
  std::set<std::string> names;
  std::string list;
  for (const Experiment& experiment : experiments()) {
    names.insert(experiment.name);
    list += fmt::format("\n  {:<12} {}", experiment.name, experiment.what);
  }
  app.footer("Experiments:" + list);
  app.add_option("--only", arguments.only, "These experiments")
      ->delimiter(',')
      ->check(CLI::IsMember(names));
  app.add_option("--runs", plan.runs, "Of each case; 0: as many as the experiment likes")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--jobs", plan.jobs, "Worlds at once")->check(CLI::Range(1, 256));
  app.add_option("--seed", plan.seed);
  app.add_flag("--quick", plan.quick, "Small parameters: whether it works at all");
  app.add_option("--out", arguments.out,
                 "Folder of the reports; docs/paper, or build/paper with --quick or --runs");
  CLI11_PARSE(app, argc, argv);
  if (arguments.out.empty()) {
    arguments.out = plan.quick || plan.runs > 0 ? "build/paper" : "docs/paper";
  }
  return run(arguments);
}
