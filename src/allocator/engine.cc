#include "allocator/engine.h"

#include <algorithm>

#include "base/check.h"

namespace souk::allocator {
namespace {

bool is_named(const std::vector<std::string>& roles, const std::string& role) {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

// A weight of nothing would divide by zero: the least there is stands for it.
int64_t sound_weight(Scalar weight) { return std::max<int64_t>(weight.thousandths, 1); }

}  // namespace

Engine::Engine(Policy policy, Options options, Rng rng)
    : policy_(policy), options_(std::move(options)), rng_(rng), tree_(measure_) {
  if (policy_ == Policy::kFair) measure_.count_only(options_.fair_resource);
  measure_.exclude(options_.excluded_from_share);
  for (const auto& [role, weight] : options_.role_weights) {
    tree_.set_weight(role, sound_weight(weight));
  }
  if (policy_ != Policy::kPriority) return;
  for (const auto& [role, priority] : options_.role_priorities) tree_.set_priority(role, priority);
}

std::unique_ptr<Allocator> make_drf(Options options, Rng rng) {
  return std::make_unique<Engine>(Engine::Policy::kDrf, std::move(options), rng);
}

Framework& Engine::framework_at(FrameworkKey key) {
  const auto at = frameworks_.find(key);
  SOUK_CHECK(at != frameworks_.end(), "the master tells of frameworks before it uses them");
  return *at->second;
}

Client* Engine::find_client(const Framework& framework, const std::string& role) {
  for (const auto& client : framework.clients) {
    if (client->role->name == role) return client.get();
  }
  return nullptr;
}

Client& Engine::open_client(Framework& framework, const std::string& role) {
  if (Client* client = find_client(framework, role)) return *client;
  auto client = std::make_unique<Client>();
  client->id = ClientId(++last_client_);
  client->key = framework.key;
  client->framework = &framework;
  client->role = &tree_.open(role);
  tree_.add_client(*client);
  if (free_places_.empty()) {
    free_places_.push_back(static_cast<uint32_t>(places_.size()));
    places_.push_back(nullptr);
    eras_.push_back(0);
    marks_.push_back(0);
  }
  const uint32_t place = free_places_.back();
  free_places_.pop_back();
  places_[place] = client.get();
  eras_[place] = ++last_era_;
  client->filter_key = {place, eras_[place]};
  clients_.emplace(client->id, client.get());
  framework.clients.push_back(std::move(client));
  return *framework.clients.back();
}

void Engine::close_if_gone(Client& client) {
  if (client.subscribed || client.holdings > 0) return;
  forget_filters(client);
  if (client.minimum != nullptr && --own_minimums_ == 0) settle_all_free();
  const uint32_t place = client.filter_key.place;
  eras_[place] = ++last_era_;
  places_[place] = nullptr;
  free_places_.push_back(place);
  tidy_filters();
  clients_.erase(client.id);
  tree_.remove_client(client);
  std::erase_if(client.framework->clients,
                [&client](const auto& other) { return other.get() == &client; });
}

void Engine::add_framework(const FrameworkFacts& facts,
                           const std::vector<std::string>& suppressed_roles) {
  auto [at, added] = frameworks_.try_emplace(facts.key, std::make_unique<Framework>());
  SOUK_CHECK(added, "frameworks are added once");
  at->second->key = facts.key;
  subscribe(*at->second, facts, suppressed_roles);
}

void Engine::update_framework(const FrameworkFacts& facts,
                              const std::vector<std::string>& suppressed_roles) {
  subscribe(framework_at(facts.key), facts, suppressed_roles);
}

unsigned Engine::accepts_of(const FrameworkFacts& facts) const {
  const bool gpus =
      !options_.filter_gpu_resources || facts.capabilities.has(Capability::kGpuResources);
  return (facts.takes_short_slots ? kShortSlots : kNothing) | (gpus ? kGpuResources : kNothing) |
         (facts.capabilities.has(Capability::kRegionAware) ? kOtherRegion : kNothing);
}

void Engine::subscribe(Framework& framework, const FrameworkFacts& facts,
                       const std::vector<std::string>& suppressed_roles) {
  const std::size_t had_minimums = own_minimums_;
  framework.capabilities = facts.capabilities;
  framework.accepts = accepts_of(facts);
  framework.min_allocatable = facts.min_allocatable;
  framework.rigid = facts.rigid;
  for (const auto& client : framework.clients) {
    client->subscribed = false;
    own_minimums_ -= client->minimum != nullptr ? 1 : 0;
    client->minimum = nullptr;
  }
  for (const std::string& role : facts.roles) {
    Client& client = open_client(framework, role);
    const auto minimum = framework.min_allocatable.find(role);
    client.minimum = minimum == framework.min_allocatable.end() ? nullptr : &minimum->second;
    own_minimums_ += client.minimum != nullptr ? 1 : 0;
    const auto constraints = facts.constraints.find(role);
    client.constraints =
        constraints == facts.constraints.end() ? nullptr : known_constraints(constraints->second);
    client.suppressed = is_named(suppressed_roles, role);
    client.subscribed = true;
  }
  if ((own_minimums_ > 0) != (had_minimums > 0)) settle_all_free();
  std::vector<Client*> clients;  // closing one changes the framework's list
  clients.reserve(framework.clients.size());
  for (const auto& client : framework.clients) clients.push_back(client.get());
  for (Client* client : clients) {
    settle_rank(*client);
    // Its capabilities, minimum or constraints may let it have what it could not have before.
    contend(*client);
    close_if_gone(*client);
  }
}

// Frameworks often share their constraints; what does not compile, the master has refused.
std::shared_ptr<KnownConstraints> Engine::known_constraints(const OfferConstraints& constraints) {
  std::erase_if(constraints_, [](const auto& known) { return known.expired(); });
  for (const auto& weak : constraints_) {
    auto known = weak.lock();
    if (known != nullptr && known->compiled->source() == constraints) return known;
  }
  auto compiled = CompiledConstraints::compile(constraints, options_.constraint_limits);
  if (!compiled) return nullptr;
  auto known = std::make_shared<KnownConstraints>();
  known->compiled = std::move(*compiled);
  constraints_.push_back(known);
  return known;
}

std::optional<std::string> Engine::check(const OfferConstraints& constraints) const {
  return check_constraints(constraints, options_.constraint_limits);
}

void Engine::remove_framework(FrameworkKey key) {
  Framework& framework = framework_at(key);
  framework.active = false;
  while (!framework.clients.empty()) {
    Client& client = *framework.clients.back();
    SOUK_CHECK(client.holdings == 0, "all that a framework held is recovered before it is removed");
    client.subscribed = false;
    settle_rank(client);
    close_if_gone(client);
  }
  frameworks_.erase(key);
}

// The filters of an inactive framework are forgotten: the scheduler that takes over knows nothing
// of them.
void Engine::set_framework_active(FrameworkKey key, bool active) {
  Framework& framework = framework_at(key);
  if (framework.active == active) return;
  framework.active = active;
  for (const auto& client : framework.clients) {
    if (!active) forget_filters(*client);
    settle_rank(*client);
  }
  tidy_filters();
}

void Engine::suppress(FrameworkKey key, const std::vector<std::string>& roles) {
  for (const auto& client : framework_at(key).clients) {
    if (!roles.empty() && !is_named(roles, client->role->name)) continue;
    client->suppressed = true;
    settle_rank(*client);
  }
}

// Whom it has passed over an agent to stays so: reviving is no way to the head of the queue.
void Engine::revive(FrameworkKey key, const std::vector<std::string>& roles) {
  for (const auto& client : framework_at(key).clients) {
    if (!roles.empty() && !is_named(roles, client->role->name)) continue;
    client->suppressed = false;
    forget_filters(*client);
    settle_rank(*client);
    contend(*client);
  }
  tidy_filters();
}

void Engine::settle_rank(Client& client) {
  const bool ranked = client.framework->active && client.subscribed && !client.suppressed;
  if (client.ranked == ranked) return;
  if (ranked) {
    tree_.rank(client);
    client.wanting_since.reset();
  } else {
    tree_.unrank(client);
  }
  contend(client);
}

void Engine::contend(Client& client) {
  if (!client.ranked) return;
  ++spell_;
  if (client.contender) return;
  client.contender = true;
  contenders_.push_back(client.id);
}

void Engine::set_weight(const std::string& role, Scalar weight) {
  tree_.set_weight(role, sound_weight(weight));
  rescinds_due_ = true;
}

void Engine::forget_filters(Client& client) {
  live_filters_ -= client.filters + (client.refuses_all_until ? 1 : 0);
  client.filters = 0;
  client.refuses_all_until.reset();
  client.latest_filter = MonoTime();
  client.refuses_until = MonoTime();
  client.filter_key.era = ++last_era_;
  eras_[client.filter_key.place] = last_era_;
}

bool Engine::is_live(const FilterEnds::End& end, MonoTime until) const {
  if (eras_[end.key.place] != end.key.era) return false;
  if (end.agent == FilterEnds::kEverywhere) {
    const Client* client = places_[end.key.place];
    return client != nullptr && client->refuses_all_until == until;
  }
  const auto agent = agents_.find(end.agent);
  return agent != agents_.end() && agent->second->filters.has(end.key, until);
}

void Engine::tidy_filters() {
  filter_ends_.tidy(live_filters_, [this](const FilterEnds::End& end, MonoTime until) {
    return is_live(end, until);
  });
}

std::optional<MonoTime> Engine::next_deadline() const {
  std::optional<MonoTime> next = filter_ends_.next();
  if (next_look_ && (!next || *next_look_ < *next)) next = next_look_;
  return next;
}

Share Engine::share(FrameworkKey key) const {
  const auto at = frameworks_.find(key);
  if (at == frameworks_.end()) return {};
  Amounts used;
  Amounts offered;
  Amounts guaranteed;
  __int128 fair = 0;
  for (const auto& client : at->second->clients) {
    add(used, client->standing.used);
    add(offered, client->offered);
    add(guaranteed, guaranteed_to(*client));
    if (!client->ranked) continue;
    const Fraction part = fair_to(*client);
    fair += static_cast<__int128>(part.used) * 1'000'000 / part.total;
  }
  Share share = measure_.share(used);
  share.offered = measure_.quantities(offered);
  share.guaranteed = measure_.quantities(guaranteed);
  share.fair_millionths = static_cast<int64_t>(fair);
  return share;
}

}  // namespace souk::allocator
