#include "allocator/drf.h"

#include <algorithm>

#include "base/check.h"

namespace souk::allocator {
namespace {

bool is_named(const std::vector<std::string>& roles, const std::string& role) {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

}  // namespace

std::unique_ptr<Allocator> make_drf(Options options, Rng rng) {
  return std::make_unique<Drf>(std::move(options), rng);
}

Drf::Drf(Options options, Rng rng) : options_(std::move(options)), rng_(rng) {}

Framework& Drf::framework_at(FrameworkKey key) {
  const auto at = frameworks_.find(key);
  SOUK_CHECK(at != frameworks_.end(), "the master tells of frameworks before it uses them");
  return *at->second;
}

Client& Drf::client_at(ClientId id) {
  const auto at = clients_.find(id);
  SOUK_CHECK(at != clients_.end(), "the filters of a client that is gone are gone");
  return *at->second;
}

Client* Drf::find_client(const Framework& framework, const std::string& role) {
  for (const auto& client : framework.clients) {
    if (client->role->name == role) return client.get();
  }
  return nullptr;
}

Client& Drf::open_client(Framework& framework, const std::string& role) {
  if (Client* client = find_client(framework, role)) return *client;
  std::unique_ptr<Role>& place = roles_[role];
  if (place == nullptr) {
    place = std::make_unique<Role>();
    place->name = role;
    const auto weight = options_.role_weights.find(role);
    // A weight of nothing would divide by zero: the least there is stands for it.
    if (weight != options_.role_weights.end()) {
      place->weight = std::max<int64_t>(weight->second.thousandths, 1);
    }
  }
  auto client = std::make_unique<Client>();
  client->id = ClientId(++last_client_);
  client->key = framework.key;
  client->framework = &framework;
  client->role = place.get();
  client->filters = &filters_.open(client->id);
  ++place->clients;
  clients_.emplace(client->id, client.get());
  framework.clients.push_back(std::move(client));
  return *framework.clients.back();
}

void Drf::close_if_gone(Client& client) {
  if (client.subscribed || client.holdings > 0) return;
  Role& role = *client.role;
  filters_.close(client.id);
  clients_.erase(client.id);
  if (--role.clients == 0) roles_.erase(std::string(role.name));
  std::erase_if(client.framework->clients,
                [&client](const auto& other) { return other.get() == &client; });
}

void Drf::add_framework(const FrameworkFacts& facts,
                        const std::vector<std::string>& suppressed_roles) {
  auto [at, added] = frameworks_.try_emplace(facts.key, std::make_unique<Framework>());
  SOUK_CHECK(added, "frameworks are added once");
  at->second->key = facts.key;
  subscribe(*at->second, facts, suppressed_roles);
}

void Drf::update_framework(const FrameworkFacts& facts,
                           const std::vector<std::string>& suppressed_roles) {
  subscribe(framework_at(facts.key), facts, suppressed_roles);
}

void Drf::subscribe(Framework& framework, const FrameworkFacts& facts,
                    const std::vector<std::string>& suppressed_roles) {
  framework.capabilities = facts.capabilities;
  framework.min_allocatable = facts.min_allocatable;
  for (const auto& client : framework.clients) client->subscribed = false;
  for (const std::string& role : facts.roles) {
    Client& client = open_client(framework, role);
    const auto minimum = framework.min_allocatable.find(role);
    client.minimum = minimum == framework.min_allocatable.end() ? nullptr : &minimum->second;
    client.suppressed = is_named(suppressed_roles, role);
    client.subscribed = true;
  }
  std::vector<Client*> clients;  // closing one changes the framework's list
  clients.reserve(framework.clients.size());
  for (const auto& client : framework.clients) clients.push_back(client.get());
  for (Client* client : clients) {
    settle_rank(*client);
    // Its capabilities or minimum may let it have what it could not have before.
    contend(*client);
    close_if_gone(*client);
  }
}

void Drf::remove_framework(FrameworkKey key) {
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
void Drf::set_framework_active(FrameworkKey key, bool active) {
  Framework& framework = framework_at(key);
  if (framework.active == active) return;
  framework.active = active;
  for (const auto& client : framework.clients) {
    if (!active) filters_.forget(client->id);
    settle_rank(*client);
  }
}

void Drf::suppress(FrameworkKey key, const std::vector<std::string>& roles) {
  for (const auto& client : framework_at(key).clients) {
    if (!roles.empty() && !is_named(roles, client->role->name)) continue;
    client->suppressed = true;
    settle_rank(*client);
  }
}

// Whom it has passed over an agent to stays so: reviving is no way to the head of the queue.
void Drf::revive(FrameworkKey key, const std::vector<std::string>& roles) {
  for (const auto& client : framework_at(key).clients) {
    if (!roles.empty() && !is_named(roles, client->role->name)) continue;
    client->suppressed = false;
    filters_.forget(client->id);
    settle_rank(*client);
    contend(*client);
  }
}

void Drf::settle_rank(Client& client) {
  const bool ranked = client.framework->active && client.subscribed && !client.suppressed;
  if (client.ranked == ranked) return;
  restand(client, [&client, ranked] { client.ranked = ranked; });
  contend(client);
}

void Drf::contend(Client& client) {
  if (!client.ranked) return;
  ++era_;
  if (client.contender) return;
  client.contender = true;
  contenders_.push_back(client.id);
}

void Drf::charge(Client& client, const Resources& resources) {
  measure_.add(client.standing.used, resources);
  measure_.add(client.role->standing.used, resources);
}

void Drf::discharge(Client& client, const Resources& resources) {
  measure_.subtract(client.standing.used, resources);
  measure_.subtract(client.role->standing.used, resources);
}

std::optional<MonoTime> Drf::next_deadline() const { return filters_.next(); }

Share Drf::share(FrameworkKey key) const {
  const auto at = frameworks_.find(key);
  if (at == frameworks_.end()) return {};
  Amounts sum;
  for (const auto& client : at->second->clients) {
    const Amounts& used = client->standing.used;
    sum.resize(std::max(sum.size(), used.size()));
    for (std::size_t slot = 0; slot < used.size(); ++slot) sum[slot] += used[slot];
  }
  return measure_.share(sum);
}

}  // namespace souk::allocator
