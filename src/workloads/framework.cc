#include "workloads/framework.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>

namespace souk::workloads {

namespace call = protocol::call;

FrameworkInfo Framework::info() const {
  FrameworkInfo info;
  info.name = framework_.name;
  info.user = framework_.user;
  info.roles = {framework_.role};
  info.failover_timeout = framework_.failover_timeout;
  info.capabilities.add(Capability::kPartitionAware);
  info.capabilities.add(Capability::kMultiRole);
  if (framework_.short_slots) info.labels.push_back({std::string(kShortSlotsLabel), "true"});
  if (framework_.rigid) info.labels.push_back({std::string(kRigidLabel), "true"});
  return info;
}

void Framework::on_subscribed(Context& context) {
  for (const auto& [number, task] : tasks_) {
    asking_.set(number, context.now.mono + framework_.ask_after);
  }
  for (auto& [number, stray] : strays_) {
    stray.asked = 0;
    asking_.set(number, context.now.mono + framework_.ask_after);
  }
  if (totals_.subscribed) return;
  totals_.subscribed = context.now.mono;
  first_subscribed(context);
}

void Framework::on_offers(Context& context, std::vector<Offer>&& offers) {
  totals_.offers += offers.size();
  std::vector<Offer> all = take_open();
  std::ranges::move(offers, std::back_inserter(all));
  offered(context, std::move(all));
}

void Framework::on_rescinded(Context&, const OfferId& offer) {
  std::erase_if(open_, [&](const Offer& each) { return each.id == offer; });
}

void Framework::on_disconnected(Context&) { open_.clear(); }

TaskId Framework::id_of(TaskNumber number) const {
  return TaskId(fmt::format("{}.{}", framework_.name, number));
}

std::optional<TaskNumber> Framework::number_of(const TaskId& id) const {
  std::string_view text = id.value;
  if (!text.starts_with(framework_.name)) return std::nullopt;
  text.remove_prefix(framework_.name.size());
  if (!text.starts_with('.')) return std::nullopt;
  text.remove_prefix(1);
  TaskNumber number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void Framework::on_update(Context& context, const TaskStatus& status) {
  const auto number = number_of(status.task_id);
  if (!number) return;
  const auto at = tasks_.find(*number);
  if (at == tasks_.end()) return hear_of_stray(context, *number, status);
  const bool nobody_knows =
      status.state == TaskState::kUnreachable || status.state == TaskState::kUnknown;
  if (!is_terminal(status.state) && !nobody_knows) {
    Task& task = at->second;
    if (!task.kill_asked) asking_.cancel(*number);
    const bool runs = status.state == TaskState::kRunning;
    if (runs && !std::exchange(task.up, true)) task_up(context, task);
    return;
  }
  const Task task = std::move(at->second);
  tasks_.erase(at);
  asking_.cancel(*number);
  if (nobody_knows) {
    strays_[*number] = {task.agent};
    asking_.set(*number, context.now.mono + framework_.ask_after);
  }
  const bool finished = status.state == TaskState::kFinished;
  ++(finished ? totals_.finished : task.kill_asked ? totals_.killed : totals_.lost);
  if (finished) totals_.last_finish = context.now.mono;
  task_ended(context, task, finished);
}

void Framework::hear_of_stray(Context& context, TaskNumber number, const TaskStatus& status) {
  if (status.state == TaskState::kStarting || status.state == TaskState::kRunning) {
    context.say(call::Kill{status.task_id, status.agent_id, std::nullopt});
  } else if (is_terminal(status.state) && strays_.erase(number) > 0) {
    asking_.cancel(number);
  }
}

std::optional<MonoTime> Framework::next_deadline() const {
  const auto ours = asking_.next();
  const auto theirs = deadline();
  if (!ours || !theirs) return ours ? ours : theirs;
  return std::min(*ours, *theirs);
}

void Framework::on_deadline(Context& context) {
  constexpr unsigned kMaxDoublings = 5;
  call::Reconcile reconcile;
  while (const auto number = asking_.pop_due(context.now.mono)) {
    Duration wait = framework_.ask_after;
    const auto at = tasks_.find(*number);
    const bool stray = at == tasks_.end();
    const AgentId& agent = stray ? strays_.at(*number).agent : at->second.agent;
    if (stray) {
      wait *= 1u << std::min(strays_.at(*number).asked++, kMaxDoublings);
    } else if (at->second.kill_asked) {
      context.say(call::Kill{id_of(*number), agent, std::nullopt});
    }
    reconcile.tasks.push_back({id_of(*number), agent});
    asking_.set(*number, context.now.mono + wait);
  }
  if (!reconcile.tasks.empty()) context.say(std::move(reconcile));
  if (const auto due = deadline(); due && *due <= context.now.mono) time_came(context);
}

void Framework::launch(Context& context, const Offer& offer, std::vector<Plan> plans,
                       std::optional<Duration> refuse) {
  protocol::Launch launch;
  launch.tasks.reserve(plans.size());
  for (Plan& plan : plans) {
    const TaskNumber number = next_++;
    TaskSpec spec;
    spec.id = id_of(number);
    spec.name = spec.id.value;
    spec.agent_id = offer.agent_id;
    spec.resources = std::move(plan.resources);
    launch.tasks.push_back(context.task(std::move(spec), plan.length));
    tasks_.emplace(number, Task{offer.agent_id, offer.hostname, plan.tag});
    asking_.set(number, context.now.mono + framework_.ask_after);
  }
  totals_.launched += launch.tasks.size();
  refused_ = true;  // the rest of it
  call::Accept accept{{offer.id}, {}, {refuse}};
  accept.operations.push_back({{}, std::move(launch)});
  context.say(std::move(accept));
}

void Framework::decline(Context& context, std::vector<OfferId> offers,
                        std::optional<Duration> refuse) {
  if (offers.empty()) return;
  totals_.declined += offers.size();
  refused_ = true;
  context.say(call::Decline{std::move(offers), {refuse}});
}

void Framework::want_offers(Context& context, bool wanted) {
  if (wanted == wanting_) return;
  if (wanted) return ask_again(context);
  wanting_ = false;
  context.say(call::Suppress{});
}

void Framework::ask_again(Context& context) {
  if (wanting_ && !refused_) return;
  wanting_ = true;
  refused_ = false;
  context.say(call::Revive{});
}

void Framework::kill(Context& context, uint64_t tag) {
  for (auto& [number, task] : tasks_) {
    if (task.tag != tag || std::exchange(task.kill_asked, true)) continue;
    context.say(call::Kill{id_of(number), task.agent, std::nullopt});
    asking_.set(number, context.now.mono + framework_.ask_after);
  }
}

bool Framework::retag(uint64_t from, uint64_t to, bool up) {
  const auto at = std::ranges::find_if(tasks_, [&](const auto& each) {
    return each.second.tag == from && each.second.up == up && !each.second.kill_asked;
  });
  if (at == tasks_.end()) return false;
  at->second.tag = to;
  return true;
}

uint64_t slots_in(const Resources& free, const Resources& demand, uint64_t limit) {
  Resources left = free;
  uint64_t slots = 0;
  while (slots < limit && left.contains(demand)) {
    left -= demand;
    ++slots;
  }
  return slots;
}

}  // namespace souk::workloads
