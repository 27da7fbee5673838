#include "runtime/emulated_framework.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <utility>

#include "base/hash_map.h"
#include "runtime/clock.h"
#include "runtime/log.h"
#include "runtime/scheduler_session.h"
#include "wire/command.h"

namespace souk::runtime {

namespace call = protocol::call;
namespace event = protocol::event;

// --- latencies

namespace {

constexpr unsigned kStepBits = 4;  // steps within a power of two: 16

std::size_t bucket_of(uint64_t us) {
  if (us < (1u << kStepBits)) return us;
  const auto shift = static_cast<unsigned>(std::bit_width(us)) - kStepBits - 1;
  return ((shift + 1) << kStepBits) + ((us >> shift) & ((1u << kStepBits) - 1));
}

// The middle of what falls into it.
double middle_us(std::size_t bucket) {
  if (bucket < (1u << kStepBits)) return static_cast<double>(bucket);
  const std::size_t shift = (bucket >> kStepBits) - 1;
  const auto step = static_cast<double>((bucket & ((1u << kStepBits) - 1)) + (1u << kStepBits));
  return (step + 0.5) * std::exp2(static_cast<double>(shift));
}

}  // namespace

void LatencyCounts::add(Duration latency) {
  const int64_t us = std::max<int64_t>(latency / 1us, 0);
  const std::size_t bucket = std::min(bucket_of(static_cast<uint64_t>(us)), counts_.size() - 1);
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
}

void LatencyCounts::add_to(std::vector<uint64_t>& sums) const {
  sums.resize(counts_.size());
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    sums[i] += counts_[i].load(std::memory_order_relaxed);
  }
}

double percentile_ms(const std::vector<uint64_t>& sums, double percent) {
  uint64_t total = 0;
  for (const uint64_t count : sums) total += count;
  if (total == 0) return 0;
  const auto wanted = static_cast<uint64_t>(std::ceil(static_cast<double>(total) * percent / 100));
  uint64_t seen = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    seen += sums[i];
    if (seen >= std::max<uint64_t>(wanted, 1)) return middle_us(i) / 1000;
  }
  return 0;
}

// --- the framework

namespace {

scheduler::Options machine_options(const EmulatedFrameworkOptions& options) {
  scheduler::Options out;
  out.framework.name = options.name;
  out.framework.user = "root";
  out.framework.roles = {options.role};
  out.masters = options.masters;
  if (!options.wants_offers) out.suppressed_roles = {options.role};
  return out;
}

double uniform(Rng& rng) {
  return (static_cast<double>(rng.next() >> 11) + 1) / (static_cast<double>(1ULL << 53) + 1);
}

double normal(Rng& rng) {
  return std::sqrt(-2 * std::log(uniform(rng))) * std::cos(2 * std::numbers::pi * uniform(rng));
}

}  // namespace

struct EmulatedFramework::Impl final : SchedulerSession::Listener {
  struct Task {
    AgentId agent;
    MonoTime launched;
    bool running = false;
  };

  Impl(Loop& l, EmulatedFrameworkCounts& n, EmulatedFrameworkOptions o, Rng r,
       std::move_only_function<void()> e)
      : loop(l),
        counts(n),
        options(std::move(o)),
        rng(r),
        ended(std::move(e)),
        session(loop, machine_options(options),
                options.json ? wire::ContentType::kJson : wire::ContentType::kProtobuf,
                {.answer_timeout = 60s, .max_pipelined = options.pipelined}, *this) {}
  ~Impl() {
    if (subscribed) --counts.subscribed;
  }

  void on_event(protocol::SchedulerEvent&& event) override;
  void on_disconnected(const std::string& why) override;
  void on_end(std::optional<std::string> error) override;
  void take(std::vector<Offer>&& offers);
  std::vector<TaskSpec> tasks_for(const Offer& offer);
  TaskSpec make_task(const Offer& offer);
  Duration length();
  void hear(const TaskStatus& status);
  bool wants_more() const {
    return !draining && (options.tasks_ever == 0 || launched < options.tasks_ever) &&
           (options.tasks_at_once == 0 || tasks.size() < options.tasks_at_once);
  }

  Loop& loop;
  EmulatedFrameworkCounts& counts;
  EmulatedFrameworkOptions options;
  Rng rng;
  std::move_only_function<void()> ended;
  bool subscribed = false;
  bool draining = false;
  bool suppressed = false;
  bool stopping = false;
  MonoTime started;
  Duration last_length{0};
  uint64_t launched = 0;
  const ExecutorSpec executor = wire::with_command(
      ExecutorSpec{.id = ExecutorId("emulated"), .type = ExecutorSpec::Type::kCustom},
      {.value = "emulated"});
  HashMap<TaskId, Task> tasks;  // open ones
  HashMap<AgentId, unsigned> on_agent;
  SchedulerSession session;
};

void EmulatedFramework::Impl::on_event(protocol::SchedulerEvent&& event) {
  if (auto* offers = std::get_if<event::Offers>(&event)) {
    take(std::move(offers->offers));
  } else if (auto* update = std::get_if<event::Update>(&event)) {
    hear(update->status);
  } else if (std::holds_alternative<event::Subscribed>(event)) {
    if (!std::exchange(subscribed, true)) ++counts.subscribed;
  } else if (std::holds_alternative<event::Rescind>(event)) {
    ++counts.rescinded;
  } else if (auto* error = std::get_if<event::Error>(&event)) {
    ++counts.errors;
    log_warning("the master refused a call", {{"why", error->message}});
  }
}

void EmulatedFramework::Impl::on_disconnected(const std::string& why) {
  if (std::exchange(subscribed, false)) --counts.subscribed;
  ++counts.disconnects;
  log_debug("a framework lost its master", {{"why", why}});
}

void EmulatedFramework::Impl::on_end(std::optional<std::string> error) {
  if (std::exchange(subscribed, false)) --counts.subscribed;
  counts.running -= static_cast<uint64_t>(
      std::ranges::count_if(tasks, [](const auto& task) { return task.second.running; }));
  tasks.clear();
  error ? ++counts.refused : ++counts.ended;
  if (error) log_warning("the master ended a framework", {{"why", *error}});
  ended();
}

void EmulatedFramework::Impl::take(std::vector<Offer>&& offers) {
  counts.offers += offers.size();
  call::Decline decline{{}, {options.refuse}};
  for (const Offer& offer : offers) {
    std::vector<TaskSpec> specs = tasks_for(offer);
    if (specs.empty()) {
      decline.offers.push_back(offer.id);
      continue;
    }
    call::Accept accept{{offer.id}, {}, {options.refuse}};
    accept.operations.push_back({{}, protocol::Launch{std::move(specs)}});
    session.ask(std::move(accept));
  }
  counts.declined += decline.offers.size();
  if (!decline.offers.empty()) session.ask(std::move(decline));
  const bool enough = draining || (options.tasks_ever > 0 && launched >= options.tasks_ever);
  if (enough && !std::exchange(suppressed, true)) session.ask(call::Suppress{});
}

std::vector<TaskSpec> EmulatedFramework::Impl::tasks_for(const Offer& offer) {
  std::vector<TaskSpec> specs;
  Resources left = offer.resources;
  unsigned& here = on_agent[offer.agent_id];
  while (specs.size() < options.tasks_per_offer && wants_more() &&
         (options.tasks_per_agent == 0 || here < options.tasks_per_agent) &&
         left.contains(options.task_resources)) {
    left -= options.task_resources;
    ++here;
    specs.push_back(make_task(offer));
  }
  if (here == 0) on_agent.erase(offer.agent_id);
  return specs;
}

TaskSpec EmulatedFramework::Impl::make_task(const Offer& offer) {
  TaskSpec task;
  task.id = TaskId(fmt::format("t{}", launched++));
  task.agent_id = offer.agent_id;
  task.resources = options.task_resources;
  last_length = length();
  tasks[task.id] = {offer.agent_id, mono_now()};
  ++counts.launched;
  // An emulated agent goes by the command, or by the name where an executor runs the task.
  const std::string command = fmt::format("sleep {}", to_seconds(last_length));
  task.name = command;
  if (!options.executor) return wire::with_command(std::move(task), {.value = command});
  task.executor = executor;
  return task;
}

Duration EmulatedFramework::Impl::length() {
  if (options.task_length_sd <= Duration::zero()) return options.task_length;
  const double mean = to_seconds(options.task_length);
  const double drawn = mean + normal(rng) * to_seconds(options.task_length_sd);
  // Whole milliseconds: what the command says is what runs.
  return std::chrono::milliseconds(std::llround(std::max(drawn, mean / 10) * 1000));
}

void EmulatedFramework::Impl::hear(const TaskStatus& status) {
  ++counts.updates;
  const auto at = tasks.find(status.task_id);
  if (at == tasks.end()) return;  // its end was told before
  Task& task = at->second;
  if (status.state == TaskState::kRunning && !std::exchange(task.running, true)) {
    ++counts.running;
    counts.launch.add(mono_now() - task.launched);
  }
  if (!is_terminal(status.state)) return;
  if (task.running) --counts.running;
  const bool finished = status.state == TaskState::kFinished;
  finished ? ++counts.finished : ++counts.failed;
  if (!finished) {
    log_warning(
        "a task did not finish",
        {{"task", status.task_id}, {"state", to_string(status.state)}, {"why", status.message}});
  }
  if (const auto here = on_agent.find(task.agent); here != on_agent.end() && --here->second == 0) {
    on_agent.erase(here);
  }
  tasks.erase(at);
  if (options.tasks_ever == 0 || launched < options.tasks_ever || !tasks.empty()) return;
  if (finished && options.tasks_ever == 1) {
    counts.overhead.add(mono_now() - started - last_length);
  }
  if (!std::exchange(stopping, true)) session.stop(true);
}

EmulatedFramework::EmulatedFramework(Loop& loop, EmulatedFrameworkCounts& counts,
                                     EmulatedFrameworkOptions options, Rng rng,
                                     std::move_only_function<void()> ended)
    : impl_(std::make_unique<Impl>(loop, counts, std::move(options), rng, std::move(ended))) {}
EmulatedFramework::~EmulatedFramework() = default;

void EmulatedFramework::start() {
  impl_->started = mono_now();
  impl_->session.start();
}

void EmulatedFramework::drain() { impl_->draining = true; }
std::size_t EmulatedFramework::open_tasks() const { return impl_->tasks.size(); }
void EmulatedFramework::stop() {
  if (!std::exchange(impl_->stopping, true)) impl_->session.stop(true);
}

}  // namespace souk::runtime
