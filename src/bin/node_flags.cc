#include "bin/node_flags.h"

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "bin/commands.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/signals.h"
#include "wire/domain.h"

namespace souk::bin {
namespace {

constexpr const char* kDomainHelp =
    "where it stands: JSON, or a file of it, as docs/OFFERS.md shows";

// "role=2,other=0.5"
Result<std::map<std::string, Scalar>> parse_weights(const std::string& text) {
  std::map<std::string, Scalar> weights;
  for (const std::string_view part : split(text, ',')) {
    if (trim(part).empty()) continue;
    const std::size_t equals = part.find('=');
    const std::string number(equals == std::string_view::npos ? "" : part.substr(equals + 1));
    char* end = nullptr;
    const double weight = std::strtod(number.c_str(), &end);
    const auto scalar = Scalar::from_double(weight);
    if (number.empty() || *end != '\0' || !scalar || scalar->thousandths == 0) {
      return fail("--weights: '{}' is not ROLE=WEIGHT with a weight from 0.001 on", part);
    }
    weights[std::string(trim(part.substr(0, equals)))] = *scalar;
  }
  return weights;
}

// JSON, or the path of a file that holds it, as in /etc/souk/domain.json or file:///etc/...
Result<FaultDomain> parse_domain(std::string text) {
  if (text.empty()) return FaultDomain{};
  constexpr std::string_view kFile = "file://";
  if (text.starts_with(kFile)) text.erase(0, kFile.size());
  if (text.starts_with('/')) {
    std::ifstream file(text);
    if (!file) return fail("--domain: cannot read '{}'", text);
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  auto domain = wire::parse_domain(text);
  if (!domain) return fail("--domain: {}", domain.error().message);
  return domain;
}

// "4096", "4096B", "4KB", "1MB"
Result<int64_t> parse_bytes(std::string_view text) {
  constexpr int64_t kMost = int64_t{1} << 30;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, text.data() + text.size() - end);
  const int shift = unit.empty() || unit == "B" ? 0 : unit == "KB" ? 10 : unit == "MB" ? 20 : -1;
  if (error != std::errc() || shift < 0 || number < 1 || number > (kMost >> shift)) {
    return fail("'{}' is not a size from 1 byte to 1024MB, as in 4KB", text);
  }
  return number << shift;
}

}  // namespace

void MasterFlags::add_place(Flags& flags) {
  flags.add("ip", options.ip,
            "address to listen on; 0.0.0.0 for all (nobody is authenticated yet)");
  flags.add("port", options.port, "port to listen on; 0: any that is free");
  flags.add("hostname", options.hostname, "name that clients are told; default: the address");
  flags.add("domain", domain, kDomainHelp);
}

void MasterFlags::add_policy(Flags& flags) {
  auto& machine = options.machine;
  flags.add("cluster", machine.cluster, "a name for the cluster, for people");
  flags.add("offer_timeout", machine.offer_timeout,
            "rescind an offer that nobody answered for so long; 0: never");
  flags.add("heartbeat_interval", machine.heartbeat_interval,
            "between heartbeats on the streams of schedulers");
  flags.add("agent_ping_timeout", machine.ping_interval, "between pings of an agent");
  flags.add("max_agent_ping_timeouts", machine.max_missed_pings,
            "pings that may go unanswered before an agent is unreachable");
  flags.add("agent_reregister_timeout", machine.agent_reregister_timeout,
            "how long known agents may take to come back to a new master");
  flags.add("max_completed_frameworks", machine.max_completed_frameworks,
            "frameworks to remember when they are gone");
  flags.add("max_completed_tasks_per_framework", machine.max_completed_tasks_per_framework,
            "tasks to remember when they have ended");
  flags.add("max_unreachable_tasks_per_framework", machine.max_unreachable_tasks_per_framework,
            "tasks to remember on agents that are unreachable");
  flags.add("max_operator_event_stream_subscribers", machine.max_operator_streams,
            "operators that hear of what happens; beyond, the one that came first is dropped");
  allocation.add_to(flags);
  flags.add("min_allocatable_resources", min_allocatable,
            "offer nothing below this; alternatives divided by |");
  flags.add("weights", weights, "weights of roles, as in ROLE=WEIGHT,ROLE=WEIGHT; 1 if not named");
  flags.add("filter_gpu_resources", options.allocation.filter_gpu_resources,
            "offer agents with GPUs only to frameworks that can use them");
  flags.add("require_agent_domain", machine.require_agent_domain,
            "refuse agents that tell no --domain");
  auto& limits = options.allocation.constraint_limits;
  flags.add("offer_constraints_re2_max_mem", re2_max_mem,
            "memory that a regular expression of an offer constraint may take");
  flags.add("offer_constraints_re2_max_program_size", limits.re2_max_program_size,
            "instructions that a regular expression of an offer constraint may have");
  flags.add(
      "io_threads", options.io_threads,
      "threads that read and write connections; several hold more than one limit of open files");
  flags.add("max_connections", options.max_connections, "turn clients away beyond");
  flags.add("max_stream_buffer_bytes", options.max_stream_buffer,
            "what a stream or link may leave unread behind one event before it is cut off");
}

Result<void> MasterFlags::finish(const Flags& flags) {
  if (auto ready = allocation.finish(options); !ready) return ready;
  auto minimum = parse_alternatives(min_allocatable);
  if (!minimum) return fail("--min_allocatable_resources: {}", minimum.error().message);
  options.allocation.min_allocatable = std::move(*minimum);
  auto place = parse_domain(domain);
  if (!place) return std::unexpected(place.error());
  options.allocation.domain = std::move(*place);
  auto bytes = parse_bytes(re2_max_mem);
  if (!bytes) return fail("--offer_constraints_re2_max_mem: {}", bytes.error().message);
  options.allocation.constraint_limits.re2_max_mem = *bytes;
  if (options.allocation.constraint_limits.re2_max_program_size < 1) {
    return fail("--offer_constraints_re2_max_program_size must be above zero");
  }
  auto parsed = parse_weights(weights);
  if (!parsed) return std::unexpected(parsed.error());
  options.allocation.role_weights = std::move(*parsed);
  if (options.machine.ping_interval <= Duration::zero() ||
      options.machine.heartbeat_interval <= Duration::zero() ||
      options.machine.max_missed_pings < 1) {
    return fail(
        "--agent_ping_timeout, --heartbeat_interval and --max_agent_ping_timeouts must be "
        "above zero");
  }
  options.flags = flags.values();
  return {};
}

void AgentFlags::add_place(Flags& flags) {
  flags.add("ip", options.ip, "address to listen on, for executors and readers");
  flags.add("port", options.port, "port to listen on; 0: any that is free");
  flags.add("hostname", options.hostname, "name that clients are told; default: this machine's");
  flags.add("domain", domain, kDomainHelp);
}

void AgentFlags::add_policy(Flags& flags) {
  auto& machine = options.machine;
  flags.add("resources", options.resources,
            "what to offer, as in \"cpus:4;mem:8192;ports:[31000-32000]\"; the rest is detected");
  flags.add("short_task_resources", options.short_task_resources,
            "of the resources, what to set aside for tasks of at most --max_short_task_duration");
  flags.add("max_short_task_duration", options.max_short_task_duration,
            "tasks in what is set aside for short ones are killed when they run longer");
  flags.add("attributes", options.attributes, "facts for schedulers, as in \"rack:r1;os:debian\"");
  flags.add("switch_user", options.switch_user, "run tasks as the user that they name (as root)");
  flags.add("executor", options.executor, "path of souk-executor; default: beside souk");
  flags.add("executor_registration_timeout", machine.executor_registration_timeout,
            "how long an executor may take to subscribe");
  flags.add("executor_reregistration_timeout", machine.executor_reregistration_timeout,
            "how long a container may take to be found again after a restart of the agent");
  flags.add("executor_shutdown_grace_period", machine.executor_shutdown_grace_period,
            "how long an executor may take to shut down");
  flags.add("recovery_timeout", machine.recovery_timeout,
            "how long executors wait for an agent that is away before they end");
  flags.add("gc_delay", machine.gc_delay, "how long to keep the sandboxes of what has ended");
}

Result<void> AgentFlags::finish(const Flags& flags) {
  auto place = parse_domain(domain);
  if (!place) return std::unexpected(place.error());
  options.domain = std::move(*place);
  options.flags = flags.values();
  return {};
}

struct UntilSignal::Impl {
  runtime::Loop loop;
  int received = 0;
  runtime::Signals signals{loop, [this](int signal) {
                             if (received != 0) _exit(128 + signal);
                             received = signal;
                             loop.stop();
                           }};
};

UntilSignal::UntilSignal() : impl_(std::make_unique<Impl>()) {}
UntilSignal::~UntilSignal() = default;

int UntilSignal::wait() {
  impl_->loop.run();
  return impl_->received;
}

void UntilSignal::end() { impl_->loop.stop(); }

int complain(const Error& error) {
  std::fprintf(stderr, "souk: %s\n", error.message.c_str());
  return kExitFailed;
}

}  // namespace souk::bin
