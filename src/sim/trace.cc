#include "sim/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "base/text.h"
#include "master/validate_quota.h"
#include "model/role.h"

namespace souk::sim {
namespace {

constexpr int64_t kMostPriority = 1'000'000;

bool is_number(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  return error == std::errc() && rest == end && std::isfinite(number);
}

// The durations between the parentheses of "normal(30secs, 5secs)".
Result<std::vector<Duration>> parse_arguments(std::string_view text) {
  std::vector<Duration> values;
  while (true) {
    const std::size_t begin = text.find_first_not_of(", ");
    if (begin == std::string_view::npos) return values;
    text.remove_prefix(begin);
    const std::size_t length = std::min(text.find_first_of(", "), text.size());
    auto value = parse_trace_time(text.substr(0, length));
    if (!value) return std::unexpected(value.error());
    if (values.size() == kMaxTraceLengths) {
      return fail("a list holds at most {} lengths", kMaxTraceLengths);
    }
    values.push_back(*value);
    text.remove_prefix(length);
  }
}

Result<void> check_name(std::string_view name, std::string_view what) {
  if (name.empty()) return fail("{} needs a name", what);
  if (name.size() > kMaxTraceName) {
    return fail("the name {} is longer than {} bytes", quote(name), kMaxTraceName);
  }
  if (std::any_of(name.begin(), name.end(), is_control)) {
    return fail("the name {} holds a control character", quote(name));
  }
  return {};
}

// Only what everybody may use, and what has an amount, is replayed.
Result<void> check_plain(const Resources& resources, bool task) {
  for (const Resource& item : resources.items()) {
    if (!item.reservations->empty() || item.revocable || item.shared || !item.disk.empty()) {
      return fail("{} is reserved: reservations are not replayed; give the role a guarantee",
                  item.name.view());
    }
    if (task && !std::holds_alternative<Scalar>(item.value)) {
      return fail("{} is no amount: a task asks for amounts alone, as in cpus:1;mem:1024",
                  item.name.view());
    }
  }
  return {};
}

Result<void> check_agents(const Trace& trace) {
  if (trace.agents.empty()) {
    return fail(
        "there are no agents: describe them in cluster.agents, or by --agents, as in "
        "--agents=\"60*cpus:8;mem:32768\"");
  }
  uint64_t count = 0;
  for (std::size_t i = 0; i < trace.agents.size(); ++i) {
    const TraceAgents& group = trace.agents[i];
    const std::string where = fmt::format("cluster.agents[{}]", i);
    if (group.resources.empty()) {
      return fail("{}.resources: an agent needs some, as in cpus:8;mem:32768", where);
    }
    if (auto plain = check_plain(group.resources, false); !plain) {
      return fail("{}.resources: {}", where, plain.error().message);
    }
    count += group.count;
    if (group.count > kMaxTraceAgents || count > kMaxTraceAgents) {
      return fail("{}.count: more than {} agents in all", where, kMaxTraceAgents);
    }
    if (auto named = check_name(group.hostname, "an agent"); !named) {
      return fail("{}.hostname: {}", where, named.error().message);
    }
  }
  std::set<std::string> names;
  for (std::string& name : hostnames(trace)) {
    const auto [at, fresh] = names.insert(std::move(name));
    if (!fresh) {
      return fail("cluster.agents: two agents would have the hostname {}: choose other hostnames",
                  quote(*at));
    }
  }
  return {};
}

// Each guarantee can be met; together they may be more than there is, as on a cluster that has
// shrunk.
Result<void> check_guarantees(const Trace& trace) {
  master::Totals totals;
  for (const TraceAgents& group : trace.agents) {
    master::Totals one;
    master::add_to(one, group.resources);
    for (const auto& [name, amount] : one) totals[name] += amount * group.count;
  }
  for (const TraceRole& role : trace.roles) {
    for (const auto& [name, amount] : role.quota.guarantees) {
      const auto there = totals.find(name);
      if (there != totals.end() && amount.thousandths <= there->second) continue;
      return fail("roles.{}.guarantee: {}:{} is more than the cluster has", role.name, name,
                  amount_text(amount));
    }
  }
  return {};
}

Result<void> check_roles(const Trace& trace) {
  std::set<std::string_view> seen;
  std::vector<protocol::RoleQuota> quotas;
  for (const TraceRole& role : trace.roles) {
    if (auto valid = validate_role(role.name); !valid) {
      return fail("roles: {} is not a role: {}", quote(role.name), valid.error().message);
    }
    if (!seen.insert(role.name).second) return fail("roles: {} is there twice", quote(role.name));
    if (role.priority && role.name.find('/') != std::string::npos) {
      return fail("roles.{}.priority: levels are of top-level roles; those below have their part",
                  role.name);
    }
    if (role.priority && std::abs(*role.priority) > kMostPriority) {
      return fail("roles.{}.priority: from {} to {}", role.name, -kMostPriority, kMostPriority);
    }
    if (!role.quota.empty()) quotas.push_back({role.name, role.quota});
  }
  if (auto valid = master::validate_quotas(quotas, {}); !valid) {
    return fail("roles: {}", valid.error().message);
  }
  return check_guarantees(trace);
}

Result<void> check_frameworks(const Trace& trace) {
  if (trace.frameworks.size() > kMaxTraceFrameworks) {
    return fail("more than {} frameworks", kMaxTraceFrameworks);
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < trace.frameworks.size(); ++i) {
    const TraceFramework& framework = trace.frameworks[i];
    if (auto named = check_name(framework.name, "a framework"); !named) {
      return fail("frameworks[{}].name: {}", i, named.error().message);
    }
    if (!seen.insert(framework.name).second) {
      return fail("frameworks[{}].name: {} is there twice", i, quote(framework.name));
    }
    if (auto valid = validate_role(framework.role); !valid) {
      return fail("frameworks[{}].role: {} is not a role: {}", i, quote(framework.role),
                  valid.error().message);
    }
  }
  return {};
}

// What jobs are checked against.
class Jobs {
 public:
  explicit Jobs(const Trace& trace) : trace_(trace) {
    for (const TraceFramework& each : trace.frameworks) {
      frameworks_.emplace(each.name, &each);
      names_.push_back(each.name);
    }
    for (std::string& each : hostnames(trace)) hosts_.insert(std::move(each));
  }

  Result<void> check(const TraceJob& job) {
    if (auto named = check_name(job.name, "a job"); !named) return named;
    const auto framework = frameworks_.find(job.framework);
    if (framework == frameworks_.end()) return unknown_framework(job.framework);
    if (job.stages.empty()) return fail("it has no stages: say tasks, duration and demand");
    if (job.stages.size() > kMaxTraceStages) return fail("more than {} stages", kMaxTraceStages);
    for (std::size_t i = 0; i < job.stages.size(); ++i) {
      const std::string_view role = framework->second->role;
      if (auto sound = check(job.stages[i], role); !sound) {
        return job.stages.size() == 1 ? sound : fail("stages[{}]: {}", i, sound.error().message);
      }
    }
    return {};
  }

 private:
  std::unexpected<Error> unknown_framework(std::string_view name) const {
    const auto near = nearest_match(name, names_);
    return fail("framework {} is not among the frameworks{}", quote(name),
                near ? fmt::format(": did you mean {}?", quote(*near)) : "");
  }

  Result<void> check(const TraceStage& stage, std::string_view role) {
    tasks_ += stage.tasks;
    if (stage.tasks == 0) return fail("tasks: at least one");
    if (stage.tasks > kMaxTraceTasks || tasks_ > kMaxTraceTasks) {
      return fail("tasks: more than {} in all jobs together", kMaxTraceTasks);
    }
    if (stage.demand.empty()) {
      return fail("demand: a task needs something to run on, as in cpus:1;mem:1024");
    }
    if (auto plain = check_plain(stage.demand, true); !plain) {
      return fail("demand: {}", plain.error().message);
    }
    if (stage.hosts.size() > kMaxTraceHosts) return fail("hosts: more than {}", kMaxTraceHosts);
    preferences_ += stage.hosts.size() * stage.tasks;
    if (preferences_ > kMaxTracePreferences) {
      return fail(
          "hosts: their number times that of the tasks is more than {} in all jobs together",
          kMaxTracePreferences);
    }
    for (const std::string& host : stage.hosts) {
      if (!hosts_.contains(host)) return fail("hosts: no agent has the hostname {}", quote(host));
    }
    return check_fits(stage.demand, role);
  }

  // Jobs mostly ask for the same.
  Result<void> check_fits(const Resources& demand, std::string_view role) {
    const auto key = std::pair(std::string(role), demand.to_string());
    if (fitting_.contains(key)) return {};
    const bool fits = std::ranges::any_of(
        trace_.agents, [&](const TraceAgents& each) { return each.resources.contains(demand); });
    if (!fits) return fail("demand: no agent is large enough for {}", demand.to_string());
    for (const TraceRole& each : trace_.roles) {
      if (each.name != role && !is_ancestor(each.name, role)) continue;
      for (const auto& [name, most] : each.quota.limits) {
        if (demand.scalar(name) > most) {
          return fail("demand: {} is above the limit of the role {}, {}:{}", demand.to_string(),
                      each.name, name, amount_text(most));
        }
      }
    }
    fitting_.insert(key);
    return {};
  }

  const Trace& trace_;
  std::map<std::string_view, const TraceFramework*> frameworks_;
  std::vector<std::string_view> names_;
  std::set<std::string> hosts_;
  std::set<std::pair<std::string, std::string>> fitting_;
  uint64_t tasks_ = 0;
  uint64_t preferences_ = 0;
};

void name_what_has_no_name(Trace& trace) {
  for (std::size_t i = 0; i < trace.jobs.size(); ++i) {
    TraceJob& job = trace.jobs[i];
    if (job.name.empty()) job.name = fmt::format("job{}", i + 1);
    if (job.where.empty()) job.where = fmt::format("jobs[{}]", i);
  }
  if (!trace.frameworks.empty()) return;
  std::set<std::string_view> seen;
  for (const TraceJob& job : trace.jobs) {
    if (!seen.insert(job.framework).second) continue;
    trace.frameworks.push_back({.name = job.framework});
    if (trace.frameworks.size() > kMaxTraceFrameworks) return;  // check_frameworks() refuses it
  }
}

}  // namespace

Result<Duration> parse_trace_time(std::string_view text) {
  text = trim(text);
  const auto parsed =
      parse_duration(is_number(text) ? fmt::format("{}secs", text) : std::string(text));
  if (!parsed) return parsed;
  if (*parsed < Duration::zero()) return fail("{} is below zero", quote(text));
  if (*parsed > kMaxTraceTime) {
    return fail("{} is more than {}", quote(text), format_duration(kMaxTraceTime));
  }
  return parsed;
}

Result<workloads::Lengths> parse_lengths(std::string_view text) {
  using workloads::Lengths;
  text = trim(text);
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos) {
    const auto length = parse_trace_time(text);
    if (!length) return std::unexpected(length.error());
    return Lengths::constant(*length);
  }
  const std::string_view kind = trim(text.substr(0, open));
  if (!text.ends_with(')')) return fail("{} lacks a ) at its end", quote(text));
  auto values = parse_arguments(text.substr(open + 1, text.size() - open - 2));
  if (!values) return std::unexpected(values.error());
  if (kind == "exponential" && values->size() == 1) return Lengths::exponential(values->front());
  if (kind == "normal" && values->size() == 2) return Lengths::normal((*values)[0], (*values)[1]);
  if (kind == "list" && !values->empty()) return Lengths::list(std::move(*values));
  return fail(
      "{} is no duration: write 30secs, exponential(30secs), normal(30secs 5secs) or "
      "list(10secs 20secs)",
      quote(text));
}

Result<TraceAgents> parse_agents(std::string_view text) {
  TraceAgents agents;
  const std::size_t star = text.find('*');
  if (star != std::string_view::npos && star < text.find(':')) {
    const std::string_view number = trim(text.substr(0, star));
    const char* const end = number.data() + number.size();
    const auto [rest, error] = std::from_chars(number.data(), end, agents.count);
    if (error != std::errc() || rest != end || agents.count == 0 ||
        agents.count > kMaxTraceAgents) {
      return fail("{} is no number of agents, from 1 to {}", quote(number), kMaxTraceAgents);
    }
    text.remove_prefix(star + 1);
  }
  auto resources = Resources::parse(text);
  if (!resources) return std::unexpected(resources.error());
  if (resources->empty())
    return fail("{} holds no resources, as in 60*cpus:8;mem:32768", quote(text));
  agents.resources = std::move(*resources);
  return agents;
}

Result<void> complete(Trace& trace) {
  name_what_has_no_name(trace);
  if (auto sound = check_agents(trace); !sound) return sound;
  if (auto sound = check_roles(trace); !sound) return sound;
  if (trace.jobs.empty()) return fail("there are no jobs");
  if (auto sound = check_frameworks(trace); !sound) return sound;
  Jobs jobs(trace);
  for (const TraceJob& job : trace.jobs) {
    if (auto sound = jobs.check(job); !sound) {
      return fail("{}: job {}: {}", job.where, quote(job.name), sound.error().message);
    }
  }
  return {};
}

std::vector<std::string> hostnames(const Trace& trace) {
  std::map<std::string_view, uint64_t> numbers;
  std::vector<std::string> names;
  for (const TraceAgents& group : trace.agents) {
    uint64_t& number = numbers[group.hostname];
    for (uint64_t i = 0; i < group.count; ++i) {
      names.push_back(fmt::format("{}{}", group.hostname, ++number));
    }
  }
  return names;
}

uint64_t count_agents(const Trace& trace) {
  uint64_t count = 0;
  for (const TraceAgents& group : trace.agents) count += group.count;
  return count;
}

}  // namespace souk::sim
