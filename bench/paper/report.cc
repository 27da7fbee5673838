#include "bench/paper/report.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <numeric>

#include "base/check.h"
#include "wire/json_writer.h"

namespace souk::paper {
namespace {

std::string row_of(const Row& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += " " + cell + " |";
  return line + "\n";
}

// For gnuplot, in single quotes.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += "'";
    out += c;
  }
  return out + "'";
}

std::string style_of(const Series& series, std::size_t index) {
  const std::string color = fmt::format("lc {}", index + 1);
  if (series.steps) return fmt::format("steps lw 2 {}{}", color, series.dashed ? " dt 2" : "");
  if (series.dashed) return fmt::format("lines lw 2 dt 2 {}", color);
  return fmt::format("linespoints lw 2 pt 7 ps 0.6 {}", color);
}

std::string script_of(const Plot& plot, const std::string& path) {
  std::string script = fmt::format(
      "set terminal svg size 800,480 noenhanced font 'sans-serif,14' background '#ffffff'\n"
      "set output {}\nset title {}\nset xlabel {}\nset ylabel {}\n"
      "set grid\nset key outside bottom center horizontal\n",
      quoted(path), quoted(plot.title), quoted(plot.x_label), quoted(plot.y_label));
  if (plot.log_x) script += "set logscale x\n";
  if (plot.log_y) script += "set logscale y\n";
  std::string lines;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    const Series& series = plot.series[i];
    const bool bars = !series.errors.empty();
    script += fmt::format("$s{} << EOD\n", i);
    for (std::size_t j = 0; j < series.points.size(); ++j) {
      const auto [x, y] = series.points[j];
      script += fmt::format("{} {} {}\n", x, y, bars ? series.errors.at(j) : 0.0);
    }
    script += "EOD\n";
    lines += fmt::format("{}$s{} using 1:2 with {} title {}", lines.empty() ? "" : ", ", i,
                         style_of(series, i), quoted(series.title));
    if (bars)
      lines += fmt::format(", $s{} using 1:2:3 with yerrorbars ps 0 lc {} notitle", i, i + 1);
  }
  return script + "plot " + lines + "\n";
}

bool draw(const Plot& plot, const std::string& folder) {
  FILE* gnuplot = ::popen("gnuplot", "w");
  if (gnuplot == nullptr) return false;
  const std::string script = script_of(plot, folder + "/" + plot.name + ".svg");
  std::fwrite(script.data(), 1, script.size(), gnuplot);
  if (::pclose(gnuplot) == 0) return true;
  std::fprintf(stderr, "gnuplot could not draw %s (Debian package gnuplot-nox)\n",
               plot.name.c_str());
  return false;
}

}  // namespace

void Report::table(const Row& header, const std::vector<Row>& rows) {
  page_ += row_of(header) + row_of(Row(header.size(), "---"));
  for (const Row& row : rows) page_ += row_of(row);
  page_ += "\n";
}

void Report::plot(Plot plot) {
  page_ += fmt::format("![{}]({}.svg)\n\n", plot.title, plot.name);
  plots_.push_back(std::move(plot));
}

void Report::parameter(const std::string& name, const std::string& value) {
  parameters_.emplace_back(name, value);
}

double Report::at(const std::string& name) const {
  const auto at = figures_.find(name);
  SOUK_CHECK(at != figures_.end(), "the report has this figure");
  return at->second;
}

std::string Report::markdown() const {
  std::string out = fmt::format("# {} ({})\n\nMade by `./dev bench paper-sim --only {}`.\n\n",
                                title_, section_, name_);
  for (const auto& [name, value] : parameters_) out += fmt::format("- {}: {}\n", name, value);
  out += "\n" + page_;
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

std::string Report::json() const {
  std::string out;
  wire::JsonWriter json(out);
  json.begin_object();
  for (const auto& [name, value] : parameters_) {
    json.key(name);
    json.value(value);
  }
  json.key("figures");
  json.begin_object();
  for (const auto& [name, value] : figures_) {
    json.key(name);
    json.value(value);
  }
  json.end_object();
  json.end_object();
  return out;
}

bool Report::write(const std::string& folder) const {
  const std::string path = folder + "/" + name_ + ".md";
  std::ofstream file(path);
  file << markdown();
  file.close();
  bool ok = !file.fail();
  if (!ok) std::fprintf(stderr, "cannot write %s\n", path.c_str());
  for (const Plot& plot : plots_) ok = draw(plot, folder) && ok;
  return ok;
}

}  // namespace souk::paper
