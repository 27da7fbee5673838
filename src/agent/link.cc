#include "agent/link.h"

#include <algorithm>
#include <utility>

#include "agent/handlers.h"
#include "agent/status_updates.h"
#include "agent/storage.h"
#include "base/text.h"

namespace souk::agent {

using Stage = Link::Stage;

namespace {

void dial_later(Context& c, Duration at_least) {
  Link& link = c.state.link;
  link.stage = Stage::kDown;
  c.state.timers.cancel(timer_of(TimerKind::kSilence));
  link.backoff = link.backoff == Duration::zero()
                     ? c.options.redial_first
                     : std::min(2 * link.backoff, c.options.redial_most);
  // From the upper half, so that the agents of a lost master do not return in one wave.
  const Duration base = std::max(link.backoff, at_least);
  const auto half = static_cast<uint64_t>(base.count() / 2);
  const Duration delay{static_cast<int64_t>(half + c.state.jitter_rng.below(half + 1))};
  c.state.timers.set(timer_of(TimerKind::kDial), c.now.mono + delay);
}

protocol::to_master::Register make_register(Context& c) {
  protocol::to_master::Register r{.agent = agent_info(c)};
  for (const auto& [id, framework] : c.state.frameworks) {
    r.frameworks.push_back(framework.info);
    for (const auto& [executor, container_id] : framework.executors) {
      const Container& container = c.state.containers.at(container_id);
      r.executors.push_back(
          {.framework_id = id, .role = container.role, .spec = container.executor});
    }
    for (const auto& [task_id, task] : framework.tasks) r.tasks.push_back(task.record);
  }
  return r;
}

// What the master says of its pings, made sane.
Duration silence_of(const protocol::to_agent::Registered& m) {
  if (m.ping_interval <= Duration::zero() || m.max_missed_pings <= 0) return Duration::zero();
  return std::min<Duration>(m.ping_interval, 24h) * std::min(m.max_missed_pings, 1000);
}

}  // namespace

bool registered(const State& state) { return state.link.stage == Stage::kRegistered; }

AgentInfo agent_info(const Context& c) {
  AgentInfo agent = c.options.agent;
  agent.id = c.state.agent_id;
  return agent;
}

void dial(Context& c) {
  Link& link = c.state.link;
  link.id = LinkId(link.id.value + 1);
  link.stage = Stage::kDialing;
  link.file_requests = 0;
  link.register_sent = false;
  c.emit(effect::OpenLink{link.id});
  c.state.timers.set(timer_of(TimerKind::kSilence), c.now.mono + c.options.registration_timeout);
}

void drop_link(Context& c) {
  c.emit(effect::CloseLink{c.state.link.id});
  dial_later(c, Duration::zero());
}

void drop_link_refused(Context& c) {
  c.emit(effect::CloseLink{c.state.link.id});
  dial_later(c, c.options.redial_refused);
}

void heard(Context& c) {
  const TimerKey timer = timer_of(TimerKind::kSilence);
  if (!registered(c.state)) return;  // registering has one deadline for all of it
  if (c.state.link.silence == Duration::zero()) {
    c.state.timers.cancel(timer);
  } else {
    c.state.timers.set(timer, c.now.mono + c.state.link.silence);
  }
}

void send(Context& c, protocol::AgentMessage message) {
  if (!registered(c.state)) return;
  c.emit(effect::SendToMaster{c.state.link.id, std::move(message)});
}

void on(Context& c, event::LinkOpened&& e) {
  Link& link = c.state.link;
  if (e.link != link.id || link.stage != Stage::kDialing) return;
  link.stage = Stage::kGreeted;
  c.emit(effect::SendToMaster{
      link.id,
      protocol::to_master::Hello{.version = c.options.version, .cluster_id = c.state.cluster_id}});
}

void on(Context& c, event::LinkClosed&& e) {
  const Link& link = c.state.link;
  if (e.link != link.id || link.stage == Stage::kDown) return;
  if (link.stage != Stage::kDialing) info(c, "the link to the master broke: {}", quote(e.why));
  dial_later(c, Duration::zero());
}

bool accept_epoch(Context& c, uint64_t epoch) {
  if (epoch < c.state.epoch && !c.options.switches.on(Switch::kAgentTakesAnyEpoch)) {
    warn(c, "refused a master of epoch {}: one of epoch {} has led this cluster since", epoch,
         c.state.epoch);
    drop_link(c);
    return false;
  }
  if (epoch > c.state.epoch) {
    c.state.epoch = epoch;
    persist(c, checkpoint::EpochSeen{epoch});
  }
  return true;
}

bool accept_cluster(Context& c, const std::string& cluster_id) {
  State& state = c.state;
  if (state.cluster_id.empty() && !cluster_id.empty()) {
    state.cluster_id = cluster_id;
    persist(c, checkpoint::ClusterMet{cluster_id});
  }
  if (state.cluster_id == cluster_id) return true;
  const std::string text = fmt::format(
      "this agent belongs to cluster {}, the master to cluster {}: point --master at the agent's "
      "own cluster, or remove the work directory {} to let it join the other one as a new agent",
      quote(state.cluster_id), quote(cluster_id), quote(c.options.work_dir, 300));
  error(c, "{}", text);
  if (state.link.registered_once || !state.containers.empty()) {
    drop_link_refused(c);
  } else {
    // Somebody is just setting this agent up: say it where they look.
    stop(c, {.exit_status = kExitWrongCluster, .text = text});
  }
  return false;
}

void on_message(Context& c, protocol::to_agent::Welcome&& m) {
  Link& link = c.state.link;
  if (link.stage != Stage::kGreeted) return;
  if (m.protocol < protocol::kLinkProtocolMin || m.protocol > protocol::kLinkProtocolMax) {
    error(c, "the master speaks version {} of the link protocol, this agent {} to {}: {}",
          m.protocol, protocol::kLinkProtocolMin, protocol::kLinkProtocolMax,
          "upgrade the older of the two");
    drop_link_refused(c);
    return;
  }
  link.stage = Stage::kRegistering;
  link.terminated.clear();
  after_stored(c, held::SendRegister{link.id});
}

void perform(Context& c, held::SendRegister&& h) {
  if (h.link != c.state.link.id || c.state.link.stage != Stage::kRegistering) return;
  c.state.link.register_sent = true;
  c.emit(effect::SendToMaster{h.link, make_register(c)});
}

void on_message(Context& c, protocol::to_agent::Refused&& m) {
  error(c, "the master refused this agent: {}", quote(m.reason, 400));
  drop_link_refused(c);
}

void on_message(Context& c, protocol::to_agent::Registered&& m) {
  State& state = c.state;
  if (state.link.stage != Stage::kRegistering) return;
  const bool known = !state.agent_id.empty();
  if (!validate_id(m.agent_id.value) || (known && m.agent_id != state.agent_id)) {
    error(c, "the master named this agent {}, and not {}: the link is dropped",
          quote(m.agent_id.value), quote(state.agent_id.value));
    drop_link_refused(c);
    return;
  }
  if (!known) {
    state.agent_id = m.agent_id;
    persist(c, checkpoint::Admitted{m.agent_id});
  }
  state.link.stage = Stage::kRegistered;
  state.link.registered_once = true;
  state.link.backoff = Duration::zero();
  state.link.silence = silence_of(m);
  state.registered_at = c.now.wall;
  heard(c);
  info(c, "registered as {}", state.agent_id);
  send_all(c);
  for (auto& terminated : std::exchange(state.link.terminated, {})) send(c, std::move(terminated));
}

}  // namespace souk::agent
