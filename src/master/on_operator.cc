// What operators configure: weights and quotas of roles. Checked, stored, then passed on to the
// allocator, which takes back what offers it has to.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "master/master.h"

namespace souk::master {
namespace {

using protocol::HttpAnswer;

constexpr int kOk = 200;
constexpr int kBadRequest = 400;
constexpr int kConflict = 409;
constexpr int kUnavailable = 503;

constexpr std::size_t kMaxRolesLogged = 20;

template <class... Args>
std::unexpected<HttpAnswer> refuse(int status, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(HttpAnswer{status, fmt::format(format, std::forward<Args>(args)...)});
}

// A guarantee of nothing is none.
void drop_empty_guarantees(Quota& quota) {
  std::erase_if(quota.guarantees, [](const auto& entry) { return entry.second.thousandths == 0; });
}

PendingOperatorCall roles_of(const protocol::RegistryOperation& operation) {
  PendingOperatorCall roles;
  if (const auto* weights = std::get_if<protocol::registry::SetWeights>(&operation)) {
    for (const auto& each : weights->weights) roles.weighed.push_back(each.role);
  } else if (const auto* quotas = std::get_if<protocol::registry::SetQuotas>(&operation)) {
    for (const auto& each : quotas->quotas) roles.quotaed.push_back(each.role);
  }
  return roles;
}

std::string describe(const PendingOperatorCall& roles) {
  const auto& names = roles.weighed.empty() ? roles.quotaed : roles.weighed;
  const std::size_t shown = std::min(names.size(), kMaxRolesLogged);
  return fmt::format(
      "the {} of {}{}", roles.weighed.empty() ? "quotas" : "weights",
      fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
      shown < names.size() ? fmt::format(" and {} more", names.size() - shown) : "");
}

}  // namespace

void Machine::on(OperatorCalled&& event) {
  if (!recovered_) {
    return respond(event.connection, kUnavailable, "Master has not finished recovery");
  }
  if (operator_calls_.size() >= protocol::kMaxWaitingOperatorCalls) {
    return respond(event.connection, kUnavailable, "Too many calls wait for storage: try again");
  }
  operator_calls_.push_back(std::move(event));
  if (operator_calls_.size() == 1) run_operator_calls();
}

// Up to the first that has to be stored.
void Machine::run_operator_calls() {
  while (!operator_calls_.empty()) {
    Change change =
        std::visit([this](auto&& call) { return change_of(std::forward<decltype(call)>(call)); },
                   std::move(operator_calls_.front().call));
    if (change) {
      PendingOperatorCall pending = roles_of(*change);
      return persist(std::move(*change), std::move(pending));
    }
    respond(operator_calls_.front().connection, change.error().status,
            std::move(change.error().body));
    operator_calls_.pop_front();
  }
}

void Machine::end_operator_call(int status, std::string body) {
  respond(operator_calls_.front().connection, status, std::move(body));
  operator_calls_.pop_front();
  run_operator_calls();
}

void Machine::persisted(PendingOperatorCall&& pending) {
  role_settings_.reset();
  for (const std::string& role : pending.weighed) {
    allocator_->set_weight(role, registry_.weights.at(role));
  }
  for (const std::string& role : pending.quotaed) {
    const auto at = registry_.quotas.find(role);
    allocator_->set_quota(role, at == registry_.quotas.end() ? Quota{} : at->second);
  }
  log(Log::Level::kInfo, fmt::format("an operator set {}", describe(pending)));
  end_operator_call(kOk);
}

Machine::Change Machine::change_of(protocol::operator_call::UpdateWeights&& call) const {
  if (auto valid = validate_weights(call.weights, registry_.weights); !valid) {
    return refuse(kBadRequest, "Invalid weights: {}", valid.error().message);
  }
  if (call.weights.empty()) return std::unexpected(HttpAnswer{kOk, {}});
  return protocol::registry::SetWeights{std::move(call.weights)};
}

Machine::Change Machine::change_of(protocol::operator_call::UpdateQuota&& call) const {
  for (protocol::RoleQuota& each : call.quotas) drop_empty_guarantees(each.quota);
  if (auto valid = validate_quotas(call.quotas, registry_.quotas); !valid) {
    return refuse(kBadRequest, "Invalid quota: {}", valid.error().message);
  }
  if (call.quotas.empty()) return std::unexpected(HttpAnswer{kOk, {}});
  if (!call.force) {
    auto fits = check_quotas(call.quotas);
    if (!fits) return refuse(kBadRequest, "Invalid quota: {}", fits.error().message);
  }
  return protocol::registry::SetQuotas{std::move(call.quotas)};
}

Machine::Change Machine::change_of(protocol::operator_call::SetQuota&& call) const {
  if (registry_.quotas.contains(call.role)) {
    return refuse(kBadRequest, "Invalid quota: role {} has a quota already", quote(call.role));
  }
  std::vector<protocol::RoleQuota> quotas{{call.role, {call.guarantee, call.guarantee}}};
  drop_empty_guarantees(quotas.front().quota);
  if (auto valid = validate_quotas(quotas, registry_.quotas); !valid) {
    return refuse(kBadRequest, "Invalid quota: {}", valid.error().message);
  }
  if (!call.force) {
    if (auto fits = check_quotas(quotas); !fits) {
      return refuse(kConflict, "Invalid quota: {}", fits.error().message);
    }
  }
  return protocol::registry::SetQuotas{std::move(quotas)};
}

Machine::Change Machine::change_of(protocol::operator_call::RemoveQuota&& call) const {
  if (!registry_.quotas.contains(call.role)) {
    return refuse(kBadRequest, "Role {} has no quota", quote(call.role));
  }
  std::vector<protocol::RoleQuota> quotas{{std::move(call.role), {}}};
  if (auto valid = validate_quotas(quotas, registry_.quotas); !valid) {
    return refuse(kBadRequest, "Invalid quota: {}", valid.error().message);
  }
  return protocol::registry::SetQuotas{std::move(quotas)};
}

Result<void> Machine::check_quotas(const std::vector<protocol::RoleQuota>& updates) const {
  // Agents that are away count too: most of them are about to come back. Slots for short tasks do
  // not: few frameworks can use them.
  Totals capacity;
  for (const auto& [key, agent] : agents_) add_to(capacity, agent.info.resources);
  if (auto fits = check_capacity(updates, registry_.quotas, capacity); !fits) return fits;
  return check_consumption(updates, registry_.quotas, consumption());
}

// By role, without the roles below it. What is reserved counts for the role that it is reserved
// for, in use or not.
std::map<std::string, Totals> Machine::consumption() const {
  std::map<std::string, Totals> used;
  for (const auto& [key, agent] : agents_) {
    for (const Resources* total : {&agent.info.resources, &agent.info.short_slots}) {
      for (const Resource& item : total->items()) {
        if (!item.reservations->empty())
          add_to(used[item.reservations->back().role], Resources({item}));
      }
    }
    for (const auto& [framework, id] : agent.tasks) {
      const Task& task = frameworks_.at(framework).tasks.at(id);
      if (!task.ended()) add_to(used[task.role()], task.resources().unreserved());
    }
    for (const auto& [id, executor] : agent.executors) {
      add_to(used[executor.role], executor.spec->resources.unreserved());
    }
  }
  return used;
}

// What the registry says goes before the options.
void Machine::configure_allocator() {
  for (const auto& [role, weight] : registry_.weights) {
    const auto option = options_.role_weights.find(role);
    if (option != options_.role_weights.end() && option->second != weight) {
      log(Log::Level::kWarning,
          fmt::format("role {} has the weight {} that an operator set, not the {} of --weights",
                      role, amount_text(weight), amount_text(option->second)));
    }
    allocator_->set_weight(role, weight);
  }
  for (const auto& [role, quota] : registry_.quotas) allocator_->set_quota(role, quota);
}

std::shared_ptr<const protocol::RoleSettings> Machine::role_settings() const {
  if (!role_settings_) {
    protocol::RoleSettings settings{registry_.weights, registry_.quotas};
    settings.weights.insert(options_.role_weights.begin(), options_.role_weights.end());
    role_settings_ = std::make_shared<const protocol::RoleSettings>(std::move(settings));
  }
  return role_settings_;
}

}  // namespace souk::master
