// What the allocation module costs, in itself: no master, no sockets. The cost of one freed agent,
// of a decline, of a full pass over all agents; with filters; in storms of declines; with quota;
// and memory. Each cell runs in a process of its own. Apache Mesos 1.8's figure is quoted, not
// measured.
#include <CLI/CLI.hpp>
#include <cmath>
#include <functional>
#include <set>

#include "allocator/modules.h"
#include "bench/allocator_world.h"
#include "bench/support.h"

namespace souk::bench {
namespace {

struct Plan {
  std::string module = "drf";
  std::vector<uint32_t> agents{1'000, 10'000, 50'000};
  std::vector<uint32_t> frameworks{1, 50, 200, 1'000, 2'000};
  std::vector<uint32_t> roles{1, 1'000};
  std::vector<uint32_t> filtered{0, 75, 99};
  std::size_t passes = 7;
  std::size_t rounds = 10;
  std::set<std::string> only{"cells", "storms", "quota", "memory"};
  Bounds bounds;
};

// What a child tells its parent: one line of numbers each. Plain memory, so that it fits a pipe.
struct Cell {
  Shape shape;
  uint32_t filtered = 0;
  double filters = 0;
  double pass_ms = 0;
  double pass_cpu_ms = 0;
  double pass_grants = 0;
  Percentiles freed_us;
  double freed_granted = 0;  // of all that were freed
  Percentiles declined_us;
  double rss_mb = 0;
  char skipped[120] = {};
};
struct StormCell {
  Shape shape;
  World::Storm storm;
  double suppress_all_ms = 0;     // the calls, and an allocate()
  double suppressed_pass_ms = 0;  // all agents touched, nobody wants any
  double revive_all_ms = 0;       // the calls, and an allocate() that grants every agent
  Percentiles revive_full_us;     // one framework, in a full cluster
  char skipped[120] = {};
};
struct QuotaCell {
  Shape shape;
  double set_all_ms = 0;
  double pass_ms = 0;
  double pass_grants = 0;
  double change_all_ms = 0;  // of a full cluster
  Percentiles freed_us;
  Percentiles declined_us;
  char skipped[120] = {};
};
struct MemoryCell {
  double agent_bytes = 0;
  double framework_bytes = 0;
  double grant_bytes = 0;
  double task_bytes = 0;
  double filter_bytes = 0;
  double filters = 0;
  char skipped[120] = {};
};

template <std::size_t N>
void set_text(char (&to)[N], const std::string& text) {
  to[text.copy(to, N - 1)] = 0;
}

std::unique_ptr<allocator::Allocator> make_module(const Plan& plan) {
  allocator::Options options;
  options.min_allocatable = parse_alternatives("cpus:0.01|mem:32").value();
  return allocator::make_module(plan.module, std::move(options), Rng(1)).value();
}

// Runs `body` in a child, which hands rows back one by one: memory is clean at the start and free
// at once at the end. A child that dies gives a row that says so.
template <class Row>
std::vector<Row> in_child(const std::function<void(const std::function<void(const Row&)>&)>& body) {
  static_assert(std::is_trivially_copyable_v<Row>);
  int ends[2];
  if (pipe(ends) != 0) std::exit(1);
  std::fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    body([&](const Row& row) {
      if (write(ends[1], &row, sizeof row) != sizeof row) _exit(1);
    });
    _exit(0);
  }
  close(ends[1]);
  std::vector<Row> rows;
  Row row{};
  while (read(ends[0], &row, sizeof row) == sizeof row) rows.push_back(row);
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFSIGNALED(status)) {
    rows.emplace_back();
    set_text(rows.back().skipped, fmt::format("the process died of signal {}", WTERMSIG(status)));
  }
  return rows;
}

double ms(Duration d) { return to_seconds(d) * 1000; }

// --- what runs in the children

Cell measure_cell(const Plan& plan, World& world, Shape shape, uint32_t filtered) {
  Cell cell{.shape = shape, .filtered = filtered};
  if (auto reason = world.filter(filtered)) {
    set_text(cell.skipped, *reason);
    return cell;
  }
  world.allocate();  // ends what the set-up left to be decided
  world.give_back(std::nullopt);
  cell.filters = static_cast<double>(world.filters());
  const World::Passes passes = world.passes(plan.passes);
  cell.pass_ms = summarize(passes.wall).p50;
  cell.pass_cpu_ms = summarize(passes.cpu).p50;
  cell.pass_grants = static_cast<double>(passes.grants);
  world.fill();
  const World::Decisions decisions = world.decide();
  world.empty();
  cell.freed_us = percentiles_us(decisions.freed);
  cell.declined_us = percentiles_us(decisions.declined);
  cell.freed_granted =
      static_cast<double>(decisions.granted) / static_cast<double>(decisions.freed.size());
  cell.rss_mb = static_cast<double>(status_kb(getpid(), "VmRSS")) / 1024;
  return cell;
}

std::vector<Cell> measure_cells(const Plan& plan, Shape shape) {
  auto cells = in_child<Cell>([&](const auto& emit) {
    World world(shape, plan.bounds, make_module(plan));
    world.add_frameworks();
    world.add_agents();
    for (const uint32_t filtered : plan.filtered) {
      const Cell cell = measure_cell(plan, world, shape, filtered);
      emit(cell);
      if (cell.skipped[0] != 0) return;
    }
  });
  // A child gives up at the first cell that is too large; the rest are larger.
  while (cells.size() < plan.filtered.size()) {
    cells.emplace_back();
    set_text(cells.back().skipped, "a smaller cell was too large");
  }
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i].shape = shape;
    cells[i].filtered = plan.filtered[std::min(i, plan.filtered.size() - 1)];
  }
  return cells;
}

StormCell measure_storms(const Plan& plan, Shape shape) {
  auto rows = in_child<StormCell>([&](const auto& emit) {
    World world(shape, plan.bounds, make_module(plan));
    world.add_frameworks();
    world.add_agents();
    StormCell row;
    row.storm = world.storm(plan.rounds);
    Duration took =
        world.for_each_framework([&](FrameworkKey f) { world.module().suppress(f, {}); });
    row.suppress_all_ms = ms(took + world.allocate());
    world.give_back(std::nullopt);
    row.suppressed_pass_ms = summarize(world.passes(plan.passes).wall).p50;
    took = world.for_each_framework([&](FrameworkKey f) { world.module().revive(f, {}); });
    row.revive_all_ms = ms(took + world.allocate());
    world.give_back(std::nullopt);
    world.fill();
    row.revive_full_us = percentiles_us(world.revive_each());
    emit(row);
  });
  rows.front().shape = shape;
  return rows.front();
}

// Of every role: a guarantee of half its equal part, a limit of twice that part.
Duration set_quotas(World& world, Shape shape, int64_t times) {
  std::vector<Quota> quotas(1);
  for (const std::string_view name : {kCpus, kMem}) {
    const int64_t all = world.whole().scalar(name).thousandths * shape.agents;
    const int64_t part = all / static_cast<int64_t>(world.roles().size());
    quotas[0].guarantees.emplace_back(name, Scalar{part / 2});
    quotas[0].limits.emplace_back(name, Scalar{part * times});
  }
  const MonoTime start = runtime::mono_now();
  for (const std::string& role : world.roles()) world.module().set_quota(role, quotas[0]);
  return runtime::mono_now() - start;
}

QuotaCell measure_quota(const Plan& plan, Shape shape) {
  auto rows = in_child<QuotaCell>([&](const auto& emit) {
    World world(shape, plan.bounds, make_module(plan));
    world.add_frameworks();
    world.add_agents();
    QuotaCell row;
    row.set_all_ms = ms(set_quotas(world, shape, 2));
    world.allocate();
    world.give_back(std::nullopt);
    const World::Passes passes = world.passes(plan.passes);
    row.pass_ms = summarize(passes.wall).p50;
    row.pass_grants = static_cast<double>(passes.grants);
    world.fill();
    const Duration took = set_quotas(world, shape, 3);
    row.change_all_ms = ms(took + world.allocate());
    world.give_back(allocator::Refusal(kRefuse));
    const World::Decisions decisions = world.decide();
    row.freed_us = percentiles_us(decisions.freed);
    row.declined_us = percentiles_us(decisions.declined);
    emit(row);
  });
  rows.front().shape = shape;
  return rows.front();
}

// By what the resident memory of the process grows.
MemoryCell measure_memory(const Plan& plan) {
  const Shape shape{plan.agents.back(), plan.frameworks.back()};
  auto rows = in_child<MemoryCell>([&](const auto& emit) {
    MemoryCell row;
    World world(shape, plan.bounds, make_module(plan));
    auto before = static_cast<double>(status_kb(getpid(), "VmRSS"));
    const auto grown = [&](double by) {
      const auto now = static_cast<double>(status_kb(getpid(), "VmRSS"));
      const double bytes = (now - std::exchange(before, now)) * 1024;
      return by == 0 ? 0 : bytes / by;
    };
    world.add_agents();
    row.agent_bytes = grown(shape.agents);
    world.add_frameworks();
    row.framework_bytes = grown(shape.frameworks);
    world.allocate();
    row.grant_bytes = grown(shape.agents);
    world.give_back(std::nullopt);
    world.fill();
    row.task_bytes = grown(shape.agents * kTasksPerAgent);
    world.empty();
    emit(row);
  });
  MemoryCell row = rows.front();
  Shape few = shape;
  few.frameworks = std::min(few.frameworks, 200U);
  const auto filters = in_child<MemoryCell>([&](const auto& emit) {
    MemoryCell filled;
    World world(few, plan.bounds, make_module(plan));
    world.add_frameworks();
    world.add_agents();
    world.allocate();
    world.give_back(std::nullopt);
    const auto before = static_cast<double>(status_kb(getpid(), "VmRSS"));
    if (auto reason = world.filter(75)) set_text(filled.skipped, *reason);
    world.allocate();
    filled.filters = static_cast<double>(world.filters());
    filled.filter_bytes =
        (static_cast<double>(status_kb(getpid(), "VmRSS")) - before) * 1024 / filled.filters;
    emit(filled);
  });
  row.filter_bytes = filters.front().filter_bytes;
  row.filters = filters.front().filters;
  return row;
}

// --- what is printed

std::string short_number(uint32_t n) {
  return n >= 1000 && n % 1000 == 0 ? fmt::format("{}k", n / 1000) : fmt::format("{}", n);
}

std::string name_of(Shape shape) {
  return fmt::format("{:>4} x {:<4} {:>9}", short_number(shape.agents),
                     short_number(shape.frameworks),
                     shape.roles == 1 ? "one role" : fmt::format("{} roles", shape.roles));
}

void print_cell(const Cell& cell) {
  if (cell.skipped[0] != 0) {
    std::printf("%s %5u%%   skipped: %s\n", name_of(cell.shape).c_str(), cell.filtered,
                cell.skipped);
    return;
  }
  std::printf("%s %5u%% %10.2f %10.2f %9.0f %9.2f %9.2f %6.0f%% %9.2f %9.2f %8.0f\n",
              name_of(cell.shape).c_str(), cell.filtered, cell.pass_ms, cell.pass_cpu_ms,
              cell.pass_grants, cell.freed_us.p50, cell.freed_us.p99, cell.freed_granted * 100,
              cell.declined_us.p50, cell.declined_us.p99, cell.rss_mb);
}

const Cell* find(const std::vector<Cell>& cells, Shape shape, uint32_t filtered) {
  for (const Cell& cell : cells) {
    if (cell.shape.agents == shape.agents && cell.shape.frameworks == shape.frameworks &&
        cell.shape.roles == shape.roles && cell.filtered == filtered && cell.skipped[0] == 0) {
      return &cell;
    }
  }
  return nullptr;
}

// The k in cost ~ n^k, by least squares over the logarithms; 0: flat, 1: in proportion.
double growth(const std::vector<std::pair<double, double>>& points) {
  double x_mean = 0;
  double y_mean = 0;
  for (const auto& [x, y] : points) {
    x_mean += std::log(x) / static_cast<double>(points.size());
    y_mean += std::log(y) / static_cast<double>(points.size());
  }
  double up = 0;
  double down = 0;
  for (const auto& [x, y] : points) {
    up += (std::log(x) - x_mean) * (std::log(y) - y_mean);
    down += (std::log(x) - x_mean) * (std::log(x) - x_mean);
  }
  return down == 0 ? 0 : up / down;
}

// In which n a freed agent's cost grows: at the most of the other.
void growth_rows(Report& report, const Plan& plan, const std::vector<Cell>& cells) {
  if (plan.agents.size() < 2 || plan.frameworks.size() < 2) return;
  std::printf("\nA freed agent costs (median) n^k, k by a fit over the rows above:\n");
  for (const uint32_t roles : plan.roles) {
    for (const uint32_t filtered : plan.filtered) {
      std::vector<std::pair<double, double>> by_agents;
      std::vector<std::pair<double, double>> by_frameworks;
      for (const uint32_t agents : plan.agents) {
        const Cell* cell = find(cells, {agents, plan.frameworks.back(), roles}, filtered);
        if (cell != nullptr) by_agents.emplace_back(agents, cell->freed_us.p50);
      }
      for (const uint32_t frameworks : plan.frameworks) {
        const Cell* cell = find(cells, {plan.agents.back(), frameworks, roles}, filtered);
        // One framework at 99% is offered next to nothing.
        if (cell != nullptr && frameworks > 1)
          by_frameworks.emplace_back(frameworks, cell->freed_us.p50);
      }
      if (by_agents.size() < 2 || by_frameworks.size() < 2) continue;
      const double agents = growth(by_agents);
      const double frameworks = growth(by_frameworks);
      std::printf("  %10s, %2u%% filtered: in agents k = %5.2f, in frameworks k = %5.2f\n",
                  roles == 1 ? "one role" : fmt::format("{} roles", roles).c_str(), filtered,
                  agents, frameworks);
      const std::string suffix = fmt::format("_{}_roles_{}pct", roles, filtered);
      report.add("freed_agent_growth_in_agents" + suffix, agents);
      report.add("freed_agent_growth_in_frameworks" + suffix, frameworks);
    }
  }
}

void add_shape(wire::JsonWriter& json, Shape shape) {
  json.field("agents", shape.agents);
  json.field("frameworks", shape.frameworks);
  json.field("roles", shape.roles);
}

void add_percentiles(wire::JsonWriter& json, const std::string& name, Percentiles value) {
  json.field(name + "_us_p50", value.p50);
  json.field(name + "_us_p99", value.p99);
}

void report_cells(Report& report, const std::vector<Cell>& cells) {
  std::string text;
  wire::JsonWriter json(text);
  json.begin_array();
  for (const Cell& cell : cells) {
    json.begin_object();
    add_shape(json, cell.shape);
    json.field("filtered_percent", cell.filtered);
    if (cell.skipped[0] != 0) {
      json.field("skipped", std::string(cell.skipped));
    } else {
      json.field("filters", cell.filters);
      json.field("full_pass_ms", cell.pass_ms);
      json.field("full_pass_cpu_ms", cell.pass_cpu_ms);
      json.field("full_pass_grants", cell.pass_grants);
      add_percentiles(json, "freed_agent", cell.freed_us);
      json.field("freed_agent_granted", cell.freed_granted);
      add_percentiles(json, "decline", cell.declined_us);
      json.field("rss_mb", cell.rss_mb);
    }
    json.end_object();
  }
  json.end_array();
  report.add_json("cells", text);
}

// The two figures that the goals speak of: the worse of the layouts of roles, without filters; and
// the worst of all cells of that size.
void report_headline(Report& report, const Plan& plan, const std::vector<Cell>& cells) {
  const Shape headline{50'000, 1'000};
  double pass = 0;
  double freed = 0;
  double worst_pass = 0;
  double worst_freed = 0;
  for (const uint32_t roles : plan.roles) {
    for (const uint32_t filtered : plan.filtered) {
      const Cell* cell = find(cells, {headline.agents, headline.frameworks, roles}, filtered);
      if (cell == nullptr) continue;
      worst_pass = std::max(worst_pass, cell->pass_ms);
      worst_freed = std::max(worst_freed, cell->freed_us.p50);
      if (filtered != 0) continue;
      pass = std::max(pass, cell->pass_ms);
      freed = std::max(freed, cell->freed_us.p50);
    }
  }
  if (worst_pass == 0) return;
  std::printf("\n%-58s %12s   %s\n", "", "Souk", "Apache Mesos 1.8 (quoted, not measured here)");
  std::printf("%-58s %9.1f ms   3,800 ms a pass at 20k x 2k (about 95 ns a pair)\n",
              "a full pass at 50k x 1k, no filters", pass);
  std::printf("%-58s %9.1f ms\n", "  with 0, 75 or 99% of the pairs filtered, the worst",
              worst_pass);
  std::printf("%-58s %9.2f ns\n", "  the same for a (framework, agent) pair",
              worst_pass * 1e6 / headline.agents / headline.frameworks);
  std::printf("%-58s %9.2f us   (Mesos waits for the next pass)\n",
              "a freed agent at 50k x 1k, no filters, median", freed);
  std::printf("%-58s %9.2f us\n", "  with 0, 75 or 99% filtered, the worst median", worst_freed);
  report.add("full_pass_ms_50k_x_1k", pass);
  report.add("full_pass_ms_50k_x_1k_worst_filtered", worst_pass);
  report.add("freed_agent_us_50k_x_1k", freed);
  report.add("freed_agent_us_50k_x_1k_worst_filtered", worst_freed);
  report.add("mesos_1_8_quoted_full_pass_ms_20k_x_2k", 3800);
  report.add("mesos_1_8_quoted_ns_per_pair", 95);
}

void storms(Report& report, const Plan& plan) {
  std::printf("\nDeclines of everything by all (for 5 s, a round a second); suppress and revive\n");
  std::printf("%24s %11s %11s %11s %11s %11s %10s %10s\n", "", "round ms", "decline us",
              "suppress ms", "wanted-by-", "revive ms", "revive us", "p99");
  std::printf("%24s %11s %11s %11s %11s %11s %10s\n", "", "", "", "all", "none ms", "all",
              "one, full");
  std::string text;
  wire::JsonWriter json(text);
  json.begin_array();
  for (const uint32_t roles : plan.roles) {
    for (const uint32_t agents : plan.agents) {
      for (const uint32_t frameworks : {plan.frameworks[plan.frameworks.size() / 2],
                                        plan.frameworks[(plan.frameworks.size() * 3) / 4]}) {
        const StormCell row = measure_storms(plan, {agents, frameworks, roles});
        json.begin_object();
        add_shape(json, row.shape);
        if (row.skipped[0] != 0) {
          std::printf("%s skipped: %s\n", name_of(row.shape).c_str(), row.skipped);
          json.field("skipped", std::string(row.skipped));
        } else {
          std::printf("%s %11.2f %11.2f %11.2f %11.2f %11.2f %10.2f %10.2f\n",
                      name_of(row.shape).c_str(), row.storm.round_ms, row.storm.decline_us,
                      row.suppress_all_ms, row.suppressed_pass_ms, row.revive_all_ms,
                      row.revive_full_us.p50, row.revive_full_us.p99);
          json.field("storm_round_ms", row.storm.round_ms);
          json.field("storm_decline_us", row.storm.decline_us);
          json.field("storm_declines", row.storm.declines);
          json.field("suppress_all_ms", row.suppress_all_ms);
          json.field("all_suppressed_pass_ms", row.suppressed_pass_ms);
          json.field("revive_all_ms", row.revive_all_ms);
          add_percentiles(json, "revive_one_full_cluster", row.revive_full_us);
        }
        json.end_object();
      }
    }
  }
  json.end_array();
  report.add_json("storms", text);
}

void quotas(Report& report, const Plan& plan) {
  std::printf("\nQuota of every role: guarantees half an equal part, limits twice that part\n");
  std::printf("%24s %10s %10s %9s %10s %10s %9s %10s %9s\n", "", "set all ms", "pass ms", "grants",
              "change ms", "freed us", "p99", "decline us", "p99");
  std::string text;
  wire::JsonWriter json(text);
  json.begin_array();
  const uint32_t roles = plan.roles.back();
  for (const uint32_t agents : plan.agents) {
    const QuotaCell row = measure_quota(plan, {agents, roles, roles});
    json.begin_object();
    add_shape(json, row.shape);
    if (row.skipped[0] != 0) {
      std::printf("%s skipped: %s\n", name_of(row.shape).c_str(), row.skipped);
      json.field("skipped", std::string(row.skipped));
    } else {
      std::printf("%s %10.2f %10.2f %9.0f %10.2f %10.2f %9.2f %10.2f %9.2f\n",
                  name_of(row.shape).c_str(), row.set_all_ms, row.pass_ms, row.pass_grants,
                  row.change_all_ms, row.freed_us.p50, row.freed_us.p99, row.declined_us.p50,
                  row.declined_us.p99);
      json.field("set_quota_all_ms", row.set_all_ms);
      json.field("full_pass_ms", row.pass_ms);
      json.field("full_pass_grants", row.pass_grants);
      json.field("change_quota_all_full_cluster_ms", row.change_all_ms);
      add_percentiles(json, "freed_agent", row.freed_us);
      add_percentiles(json, "decline", row.declined_us);
    }
    json.end_object();
  }
  json.end_array();
  report.add_json("quota", text);
}

void memory(Report& report, const Plan& plan) {
  const MemoryCell row = measure_memory(plan);
  std::printf(
      "\nResident memory, bytes: an agent %.0f, a framework %.0f, a granted agent %.0f more "
      "(the grant itself included), a task on a full one %.0f; a filter %.1f (of %.1f million)\n",
      row.agent_bytes, row.framework_bytes, row.grant_bytes, row.task_bytes, row.filter_bytes,
      row.filters / 1e6);
  report.add("memory_bytes_per_agent", row.agent_bytes);
  report.add("memory_bytes_per_framework", row.framework_bytes);
  report.add("memory_bytes_per_grant", row.grant_bytes);
  report.add("memory_bytes_per_task", row.task_bytes);
  report.add("memory_bytes_per_filter", row.filter_bytes);
}

void cells(Report& report, const Plan& plan) {
  std::printf("%24s %6s %10s %10s %9s %9s %9s %7s %9s %9s %8s\n", "agents x frameworks", "filt'd",
              "pass ms", "CPU ms", "grants", "freed us", "p99", "granted", "declined", "p99",
              "RSS MB");
  std::vector<Cell> cells;
  for (const uint32_t roles : plan.roles) {
    for (const uint32_t agents : plan.agents) {
      for (const uint32_t frameworks : plan.frameworks) {
        for (const Cell& cell : measure_cells(plan, {agents, frameworks, roles})) {
          print_cell(cell);
          cells.push_back(cell);
        }
      }
    }
  }
  growth_rows(report, plan, cells);
  report_headline(report, plan, cells);
  report_cells(report, cells);
}

void run(const Plan& plan) {
  Report report;
  report.add("module", plan.module);
  std::printf(
      "Agents of cpus:8;mem:32768;disk:1000000;ports:[31000-32000]; %u tasks on each where "
      "they are full\n\n",
      kTasksPerAgent);
  if (plan.only.contains("cells")) cells(report, plan);
  if (plan.only.contains("storms")) storms(report, plan);
  if (plan.only.contains("quota")) quotas(report, plan);
  if (plan.only.contains("memory")) memory(report, plan);
  report.print();
}

}  // namespace
}  // namespace souk::bench

int main(int argc, char** argv) {
  using namespace souk::bench;
  CLI::App app("What the allocation module costs");
  Plan plan;
  bool quick = false;
  double seconds = 2;
  app.add_flag("--quick", quick, "Small clusters, a few seconds: whether it runs at all");
  app.add_option("--only", plan.only, "Of: cells, storms, quota, memory")->delimiter(',');
  app.add_option("--module", plan.module, "The allocation module");
  app.add_option("--agents", plan.agents)->delimiter(',');
  app.add_option("--frameworks", plan.frameworks)->delimiter(',');
  app.add_option("--roles", plan.roles)->delimiter(',');
  app.add_option("--filtered", plan.filtered, "Percent of the pairs, ascending")->delimiter(',');
  app.add_option("--passes", plan.passes);
  app.add_option("--samples", plan.bounds.samples);
  app.add_option("--seconds", seconds, "For each figure, at most");
  app.add_option("--max_rss_mb", plan.bounds.rss_mb, "Cells that take more are skipped");
  CLI11_PARSE(app, argc, argv);
  plan.bounds.measure = souk::from_seconds(seconds);
  if (quick) {
    plan.agents = {100, 300};
    plan.frameworks = {1, 10, 40};
    plan.roles = {1, 20};
    plan.bounds.samples = 200;
    plan.bounds.measure = std::chrono::milliseconds(100);
    plan.rounds = 3;
  }
  run(plan);
  return 0;
}
