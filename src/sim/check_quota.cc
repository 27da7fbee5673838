#include "sim/check_quota.h"

#include <algorithm>
#include <optional>

namespace souk::sim {
namespace {

// More than clocks of masters that are a little slow make of it.
constexpr Duration kLeeway = 1s;

bool is_in(std::string_view role, std::string_view above) {
  return role.starts_with(above) && (role.size() == above.size() || role[above.size()] == '/');
}

int64_t counted(const Resources& resources, std::string_view name) {
  int64_t sum = 0;
  for (const Resource& item : resources.items()) {
    if (item.name != name || item.revocable || item.shared || !item.reservations->empty()) continue;
    if (const auto* scalar = std::get_if<Scalar>(&item.value)) sum += scalar->thousandths;
  }
  return sum;
}

// What the role and those below it hold on agents that are there; or on all, of which the master
// may have given some up.
enum class On : uint8_t { kPresent, kAll };
int64_t consumed(const Reign& reign, std::string_view role, std::string_view name, On which) {
  int64_t sum = 0;
  for (const auto& [id, agent] : reign.agents) {
    if (!agent.link && which == On::kPresent) continue;
    for (const auto& [key, task] : agent.tasks) {
      if (!task.short_slot && is_in(task.role, role)) sum += counted(task.resources, name);
    }
    for (const auto& [key, executor] : agent.executors) {
      if (is_in(executor.role, role)) sum += counted(executor.resources, name);
    }
    for (const OfferId& offer_id : agent.offers) {
      const BookOffer& offer = reign.offers.at(offer_id);
      if (!offer.short_slots && is_in(offer.role, role)) sum += counted(offer.resources, name);
    }
  }
  return sum;
}

// What makes an offer large enough, whatever else is in it; zero: nothing does.
int64_t least_of(std::string_view resource) {
  if (resource == kCpus) return 10;
  return resource == kMem ? 32'000 : 0;
}

// What an agent has left for everybody; nothing: it is too special to be judged.
std::optional<Resources> left_on(const BookAgent& agent) {
  const std::optional<Resources>& left = agent.pools[0].left;
  if (!agent.link || !left || agent.info.domain != FaultDomain{}) return std::nullopt;
  if (agent.info.resources.scalar(kGpus).thousandths > 0) return std::nullopt;
  return left;
}

}  // namespace

QuotaChecker::QuotaChecker(const World& world, Books& books) : Checker(world) { books.add(*this); }

void QuotaChecker::on_reign(const Reign& reign) { seen(reign) = {}; }

void QuotaChecker::on_offer(const Reign& reign, const BookAgent&, const BookOffer& offer, bool) {
  if (reign.quotas.empty() || offer.short_slots) return;
  for (const Resource& item : offer.resources.items()) {
    if (counted(offer.resources, item.name) > 0) {
      seen(reign).granted.insert({offer.role, item.name});
    }
  }
}

void QuotaChecker::on_offer_end(const Reign& reign, const BookOffer&, OfferEnd how) {
  if (how == OfferEnd::kRescinded) seen(reign).rescinded = true;
}

void QuotaChecker::on_answer(const Reign& reign, const BookAnswer& answer) {
  const Duration refuse = std::max<Duration>(refuse_duration(answer.filters), kLeeway);
  for (const BookOffer& offer : answer.open) {
    MonoTime& until = seen(reign).refused[{offer.framework, offer.agent}];
    until = std::max(until, reign.now + refuse + refuse / 100 + kLeeway);
  }
}

void QuotaChecker::on_step(const Reign& reign) {
  Seen& now = seen(reign);
  if (!reign.quotas.empty() && reign.decided) {
    for (const auto& [role, quota] : reign.quotas) {
      if (!now.granted.empty()) check_limits(reign, role, quota);
      if (!now.rescinded) check_guarantee(reign, role, quota);
    }
  }
  now.granted.clear();
  now.rescinded = false;
}

void QuotaChecker::check_limits(const Reign& reign, const std::string& role, const Quota& quota) {
  for (const auto& [name, limit] : quota.limits) {
    const bool granted = std::ranges::any_of(seen(reign).granted, [&](const auto& grant) {
      return grant.second == name && is_in(grant.first, role);
    });
    if (!granted) continue;
    const int64_t holds = consumed(reign, role, name, On::kPresent);
    if (holds <= limit.thousandths) continue;
    ring(*reign.master, "role '{}' was offered {} and has {} of it now, above its limit of {}",
         role, name, amount_text(Scalar{holds}), amount_text(limit));
  }
}

void QuotaChecker::check_guarantee(const Reign& reign, const std::string& role,
                                   const Quota& quota) {
  for (const auto& [other, theirs] : reign.quotas) {
    if (other != role && is_in(other, role)) return;
    if (is_in(role, other) && !theirs.limits.empty()) return;
  }
  for (const auto& [id, agent] : reign.agents) {
    if (agent.info.resources != agent.info.resources.unreserved()) return;
  }
  for (const auto& [name, guarantee] : quota.guarantees) {
    const int64_t least = least_of(name);
    if (least == 0 || guarantee.thousandths < least) continue;
    if (guarantee.thousandths - consumed(reign, role, name, On::kAll) < least) continue;
    for (const auto& [framework_id, framework] : reign.frameworks) {
      for (const auto& [agent_id, agent] : reign.agents) {
        if (!could_have(reign, framework, role, agent, name)) continue;
        return ring(*reign.master,
                    "role '{}' lacks {} that is guaranteed to it, and agent {} has it free, but "
                    "framework {} is not offered it",
                    role, name, agent_id, framework_id);
      }
    }
  }
}

bool QuotaChecker::could_have(const Reign& reign, const BookFramework& framework,
                              const std::string& role, const BookAgent& agent,
                              const std::string& resource) {
  if (!framework.stream || framework.constrained) return false;
  const bool wants = std::ranges::any_of(framework.info.roles, [&](const std::string& each) {
    return is_in(each, role) && !framework.suppressed.contains(each);
  });
  if (!wants) return false;
  const auto left = left_on(agent);
  if (!left || left->scalar(resource).thousandths < least_of(resource)) return false;
  const auto refused = seen(reign).refused.find({framework.info.id, agent.id});
  return refused == seen(reign).refused.end() || refused->second < reign.now;
}

}  // namespace souk::sim
