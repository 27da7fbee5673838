// Reports of experiments in the simulator: one page of Markdown and its plots for each, the paper's
// figures beside ours. Nothing in them depends on the machine or the day: the same commit, seed and
// number of runs give the same bytes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace souk::paper {

// How an experiment is to be run.
struct Plan {
  uint64_t seed = 1;
  int runs = 0;        // 0: as many as the experiment likes
  int jobs = 1;        // worlds at once, each on a thread of its own
  bool quick = false;  // small parameters, seconds in all: for tests

  int runs_or(int usual, int if_quick) const { return runs > 0 ? runs : quick ? if_quick : usual; }
};

// A line of a plot. With errors, bars of one of them to either side are drawn.
struct Series {
  std::string title;
  std::vector<std::pair<double, double>> points;
  std::vector<double> errors;  // as many as points, or none
  bool dashed = false;         // the paper's, a formula, a bound
  bool steps = false;          // a distribution
};

struct Plot {
  std::string name;  // of its file: <name>.svg
  std::string title;
  std::string x_label;
  std::string y_label;
  bool log_x = false;
  bool log_y = false;
  std::vector<Series> series;
};

using Row = std::vector<std::string>;

class Report {
 public:
  // `name` is that of its file and of its entry among the results; `section` as in "§4.2".
  Report(std::string name, std::string title, std::string section)
      : name_(std::move(name)), title_(std::move(title)), section_(std::move(section)) {}

  // --- the page, from the top down; texts are Markdown
  void heading(const std::string& text) { page_ += "## " + text + "\n\n"; }
  void paragraph(const std::string& text) { page_ += text + "\n\n"; }
  void table(const Row& header, const std::vector<Row>& rows);
  void plot(Plot plot);
  // Shown at the top, and kept with the figures.
  void parameter(const std::string& name, const std::string& value);

  // --- figures, for tests and for bench/results; names as in "k=8 elastic constant ramp_up"
  void figure(const std::string& name, double value) { figures_[name] = value; }
  const std::map<std::string, double>& figures() const { return figures_; }
  // REQUIRES that it was set.
  double at(const std::string& name) const;

  const std::string& name() const { return name_; }
  const std::string& title() const { return title_; }
  std::string markdown() const;
  // {"seed": 1, ..., "figures": {...}}
  std::string json() const;
  // Into <folder>/<name>.md and one SVG for each plot, by gnuplot. False: it could not; says why on
  // stderr.
  bool write(const std::string& folder) const;

 private:
  const std::string name_;
  const std::string title_;
  const std::string section_;
  std::string page_;
  std::vector<std::pair<std::string, std::string>> parameters_;
  std::map<std::string, double> figures_;
  std::vector<Plot> plots_;
};

// An experiment: a function from a plan to a report, in a file of its own.
struct Experiment {
  const char* name;
  const char* what;
  Report (*run)(const Plan&);
};

}  // namespace souk::paper
