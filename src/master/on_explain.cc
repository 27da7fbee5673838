// What people ask: why a framework is or is not offered what there is, and what it has a right to.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "master/master.h"

namespace souk::master {

using protocol::ExplainedAgent;
using protocol::ExplainView;
using protocol::HttpAnswer;
using protocol::kMaxNamedHolders;
using protocol::TakenView;

namespace {

// "id, id, id and 2 more"
std::string some_of(const std::vector<std::string>& ids) {
  const std::size_t named = std::min(ids.size(), kMaxNamedHolders);
  std::string text = fmt::format("{}", fmt::join(ids.begin(), ids.begin() + named, ", "));
  return ids.size() == named ? text : fmt::format("{} and {} more", text, ids.size() - named);
}

std::unexpected<HttpAnswer> no_answer(int status, std::string why) {
  return std::unexpected(HttpAnswer{status, std::move(why)});
}

}  // namespace

void Machine::on(ExplainRequested&& event) {
  if (!recovered_) return respond(event.connection, 503, "Master has not finished recovery");
  if (explains_.size() >= kMaxExplains) {
    return respond(event.connection, 503, "Too many readers at once: try again");
  }
  explains_.push_back(std::move(event));
}

void Machine::on(ShareRequested&& event) {
  if (!recovered_) return respond(event.connection, 503, "Master has not finished recovery");
  const auto framework = named_framework(event.framework);
  if (!framework) {
    return respond(event.connection, framework.error().status, framework.error().body);
  }
  out(RespondDocument{event.connection,
                      std::make_shared<const protocol::Document>(share_of(**framework))});
}

std::expected<const Framework*, HttpAnswer> Machine::named_framework(
    const std::string& name) const {
  if (const Framework* framework = find_framework(FrameworkId(name))) return framework;
  std::vector<std::string> ids;
  const Framework* found = nullptr;
  for (const auto& [key, framework] : frameworks_) {
    if (framework.info.name != name) continue;
    found = &framework;
    ids.push_back(framework.info.id.value);
  }
  if (ids.size() == 1) return found;
  if (ids.size() > 1) {
    return no_answer(409, fmt::format("{} frameworks have the name {}: say the id of one, as in {}",
                                      ids.size(), quote(name), some_of(ids)));
  }
  for (const protocol::FrameworkView& completed : completed_frameworks_) {
    if (completed.info.id.value != name && completed.info.name != name) continue;
    return no_answer(404, fmt::format("Framework {} {} has ended", completed.info.id,
                                      quote(completed.info.name)));
  }
  return no_answer(
      404,
      fmt::format("No framework has the id or the name {}: /frameworks lists them", quote(name)));
}

std::expected<const Agent*, HttpAnswer> Machine::named_agent(const std::string& name) const {
  const auto at = agent_ids_.find(name);
  if (at != agent_ids_.end()) return at->second;
  std::vector<std::string> ids;
  const Agent* found = nullptr;
  for (const auto& [key, agent] : agents_) {
    if (agent.info.hostname != name) continue;
    found = &agent;
    ids.push_back(agent.info.id.value);
  }
  if (ids.size() == 1) return found;
  if (ids.size() > 1) {
    return no_answer(409, fmt::format("{} agents have the hostname {}: say the id of one, as in {}",
                                      ids.size(), quote(name), some_of(ids)));
  }
  const AgentId id(name);
  if (awaited_numbers_.contains(id)) {
    return no_answer(404, fmt::format("Agent {} has not registered with this master since that "
                                      "started; it is offered once it does",
                                      id));
  }
  if (registry_.unreachable.contains(id)) {
    return no_answer(404,
                     fmt::format("Agent {} is unreachable; it is offered once it comes back", id));
  }
  if (registry_.gone.contains(id)) {
    return no_answer(404, fmt::format("Agent {} was marked gone for good", id));
  }
  return no_answer(
      404, fmt::format("No agent has the id or the hostname {}: /slaves lists them", quote(name)));
}

void Machine::answer_explains() {
  std::size_t spent = 0;
  for (const ExplainRequested& event : std::exchange(explains_, {})) {
    const auto framework = named_framework(event.framework);
    if (!framework) {
      respond(event.connection, framework.error().status, framework.error().body);
      continue;
    }
    const Agent* only = nullptr;
    if (!event.agent.empty()) {
      const auto agent = named_agent(event.agent);
      if (!agent) {
        respond(event.connection, agent.error().status, agent.error().body);
        continue;
      }
      only = *agent;
    }
    const std::size_t cost =
        (only != nullptr ? 1 : agents_.size()) * (*framework)->info.roles.size();
    if (spent > 0 && spent + cost > kMaxExplainedPairs) {
      respond(event.connection, 503, "Too many readers at once: try again, or name one agent");
      continue;
    }
    spent += cost;
    out(RespondDocument{event.connection, std::make_shared<const protocol::Document>(
                                              explain(**framework, only, event))});
  }
}

protocol::ShareView Machine::share_of(const Framework& framework) const {
  allocator::Share share = allocator_->share(framework.key);
  return {.framework = framework.info.id,
          .name = framework.info.name,
          .roles = framework.info.roles,
          .dominant = std::move(share.dominant),
          .used = share.used,
          .total = share.total,
          .held = std::move(share.held),
          .offered = std::move(share.offered),
          .guaranteed = std::move(share.guaranteed),
          .fair_millionths = share.fair_millionths};
}

ExplainView Machine::explain(const Framework& framework, const Agent* only,
                             const ExplainRequested& event) const {
  std::vector<allocator::Explanation> all;
  if (only == nullptr) {
    allocator_->explain(framework.key, std::nullopt, all);
  } else {
    allocator_->explain(framework.key, only->key, all);
    if (only->has_short_slots()) {
      allocator_->explain(framework.key, only->short_slots.key, all);
    }
  }
  ExplainView view{
      .now = now_.wall,
      .share = share_of(framework),
      .connected = framework.active(),
      .recovered = framework.recovered,
      .suppressed_roles = {framework.suppressed_roles.begin(), framework.suppressed_roles.end()},
      .last_offer = framework.last_offer_at,
      .open_offers = framework.offers.size(),
      .master_region = options_.info.domain.region,
      .all_agents = only == nullptr,
      .pairs = all.size(),
      .counts = {},
      .only = event.reason,
      .rows = {},
      .left_out = 0};
  for (allocator::Explanation& each : all) {
    ++view.counts[static_cast<std::size_t>(each.obstacle)];
    if (event.reason && each.obstacle != *event.reason) continue;
    if (view.rows.size() < event.limit) {
      view.rows.push_back(explained(framework, std::move(each)));
    } else {
      ++view.left_out;
    }
  }
  return view;
}

ExplainedAgent Machine::explained(const Framework& framework,
                                  allocator::Explanation&& explanation) const {
  const Agent& agent = this->agent(explanation.agent);
  const bool short_slots = explanation.agent != agent.key;
  ExplainedAgent row{.agent = agent.info.id,
                     .hostname = agent.info.hostname,
                     .role = std::move(explanation.role),
                     .obstacle = explanation.obstacle,
                     .free = std::move(explanation.free),
                     .offerable = std::move(explanation.offerable),
                     .until = std::nullopt,
                     .refused_offer = {},
                     .detail = std::move(explanation.detail),
                     .short_slot_limit = std::nullopt,
                     .connected = agent.link.has_value(),
                     .region = agent.info.domain.region,
                     .open_offers = {},
                     .taken = std::nullopt};
  if (short_slots) row.short_slot_limit = agent.info.short_slot_limit;
  if (explanation.until) row.until = now_.wall + (*explanation.until - now_.mono);
  if (explanation.offer != 0) row.refused_offer = offer_id(explanation.offer);
  if (row.obstacle == Obstacle::kTaken || row.obstacle == Obstacle::kBelowMinimum) {
    row.taken = taken_of(agent, short_slots);
  }
  if (row.obstacle == Obstacle::kOffered) {
    for (const uint64_t number : agent.offers) {
      const OpenOffer& offer = offers_.at(number);
      if (offer.framework != framework.key || offer.role != row.role ||
          offer.short_slots != short_slots) {
        continue;
      }
      row.open_offers.push_back(offer_id(number));
      if (row.open_offers.size() == kMaxNamedHolders) break;
    }
  }
  return row;
}

TakenView Machine::taken_of(const Agent& agent, bool short_slots) const {
  const Pool& pool = short_slots ? agent.short_slots : agent.ordinary;
  TakenView view{.total = short_slots ? agent.info.short_slots : agent.info.resources,
                 .used = pool.used,
                 .offered = pool.offered,
                 .users = 0,
                 .offers = 0,
                 .holders = {}};
  std::set<FrameworkKey> users;
  for (auto at = agent.tasks.begin(); at != agent.tasks.end();) {
    const auto& [key, id] = *at;
    const Task& task = frameworks_.at(key).tasks.at(id);
    if (task.ended() || task.short_slot != short_slots) {
      ++at;
      continue;
    }
    users.insert(key);
    at = agent.tasks.lower_bound({FrameworkKey(key.value + 1), {}});  // one is enough
  }
  for (const auto& [id, executor] : agent.executors) {  // these never have short slots
    if (!short_slots && !executor.spec->resources.empty()) users.insert(id.first);
  }
  view.users = users.size();
  for (const FrameworkKey key : users) {
    if (view.holders.size() == kMaxNamedHolders) break;
    const FrameworkInfo& info = frameworks_.at(key).info;
    view.holders.push_back({info.id, info.name, {}});
  }
  for (const uint64_t number : agent.offers) {
    const OpenOffer& offer = offers_.at(number);
    if (offer.short_slots != short_slots || ++view.offers > kMaxNamedHolders) continue;
    const FrameworkInfo& info = frameworks_.at(offer.framework).info;
    view.holders.push_back({info.id, info.name, offer_id(number)});
  }
  return view;
}

}  // namespace souk::master
