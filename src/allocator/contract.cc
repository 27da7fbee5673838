#include "allocator/contract.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>
#include <vector>

#include "allocator/contract_books.h"
#include "base/digest.h"

namespace souk::allocator {
namespace {

constexpr std::size_t kMaxAgents = 8;
constexpr std::size_t kMaxFrameworks = 6;
// What a module may take to come to rest when its rescinds are carried out at once.
constexpr int kMaxRounds = 20;

constexpr std::array kRoles = {"*", "eng", "eng/web", "ops"};
constexpr std::array kTotals = {
    "cpus:4;mem:8",
    "cpus:8;mem:16;ports:[1-9]",
    "cpus:2;mem:2;cpus(eng):2;mem(eng):4",
    "cpus:1;mem:1;cpus(eng/web):4;mem(eng/web):8",
    "cpus:4;mem:8;gpus:2",
    "cpus:0.1;mem:64",
};

AttributeConstraint on_host(std::string hostname) {
  AttributeConstraint constraint;
  constraint.selector = AttributeConstraint::Selector::kHostname;
  constraint.predicate = AttributeConstraint::Predicate::kTextEquals;
  constraint.text = std::move(hostname);
  return constraint;
}

AttributeConstraint has_attribute(std::string name) {
  AttributeConstraint constraint;
  constraint.attribute = std::move(name);
  return constraint;
}

// A module, the books, and random deeds to both.
class Run {
 public:
  Run(std::unique_ptr<Allocator> allocator, const ContractCase& test)
      : allocator_(std::move(allocator)),
        books_(test.options),
        rng_(Rng(test.seed).fork("contract")),
        quota_(test.quota) {}

  void step();
  const std::optional<std::string>& broken() const { return broken_; }
  uint64_t digest() const { return digest_.value(); }

 private:
  using Piece = ContractBooks::Piece;

  uint64_t below(uint64_t bound) { return rng_.below(bound); }
  bool one_in(uint64_t n) { return below(n) == 0; }
  template <class Map>
  auto& any_of(Map& map) {
    return *std::next(map.begin(), static_cast<std::ptrdiff_t>(below(map.size())));
  }
  std::string any_role() { return kRoles[below(kRoles.size())]; }
  std::vector<std::string> some_of(const std::vector<std::string>& roles);
  Piece* any_piece(bool in_use);
  Resources random_total();
  Resources part_of(const Resources& resources);
  FrameworkFacts random_framework(FrameworkKey key);
  std::optional<Refusal> random_refusal(uint64_t offer);

  void add_agent();
  void update_agent();
  void remove_agent();
  void activate_agent();
  void add_framework();
  void update_framework();
  void remove_framework();
  void activate_framework();
  void suppress();
  void revive();
  void set_role();
  void learn();
  void decline();
  void accept();
  void rescind();
  void end_task();
  void wait();

  void use(const Piece& offer, const Resources& resources);
  void end(Piece piece);
  void give_back(Piece piece, std::optional<Refusal> refusal);
  void drop(const Piece& piece);

  void allocate();
  bool carry_out(const Decisions& decisions);
  void look();
  Now now() const { return {now_, WallTime(now_.time_since_epoch())}; }
  void complain(std::string what) {
    if (!broken_) broken_ = std::move(what);
  }

  std::unique_ptr<Allocator> allocator_;
  ContractBooks books_;
  Rng rng_;
  bool quota_;
  MonoTime now_{1000s};
  bool changed_ = true;  // since the last allocate()
  uint32_t last_agent_ = 0;
  uint32_t last_framework_ = 0;
  uint64_t last_number_ = 0;
  Digest digest_;
  std::optional<std::string> broken_;
};

void Run::step() {
  using Deed = void (Run::*)();
  static constexpr std::array<Deed, 32> kDeeds = {
      &Run::add_agent,
      &Run::add_agent,
      &Run::update_agent,
      &Run::remove_agent,
      &Run::activate_agent,
      &Run::add_framework,
      &Run::add_framework,
      &Run::update_framework,
      &Run::remove_framework,
      &Run::activate_framework,
      &Run::suppress,
      &Run::revive,
      &Run::set_role,
      &Run::learn,
      &Run::decline,
      &Run::decline,
      &Run::decline,
      &Run::decline,
      &Run::decline,
      &Run::accept,
      &Run::accept,
      &Run::accept,
      &Run::accept,
      &Run::rescind,
      &Run::end_task,
      &Run::end_task,
      &Run::end_task,
      &Run::wait,
      &Run::wait,
      &Run::wait,
      &Run::wait,
      &Run::wait,
  };
  const Deed deed = kDeeds[below(kDeeds.size())];
  if (deed != static_cast<Deed>(&Run::wait)) changed_ = true;
  (this->*deed)();
  // Facts come in batches.
  if (!one_in(3)) allocate();
}

// --- what is drawn

std::vector<std::string> Run::some_of(const std::vector<std::string>& roles) {
  std::vector<std::string> some;
  for (const std::string& role : roles) {
    if (one_in(2)) some.push_back(role);
  }
  return some;
}

Run::Piece* Run::any_piece(bool in_use) {
  std::vector<Piece*> fitting;
  for (Piece& piece : books_.pieces) {
    if (piece.in_use == in_use) fitting.push_back(&piece);
  }
  return fitting.empty() ? nullptr : fitting[below(fitting.size())];
}

Resources Run::random_total() {
  Resources total = Resources::parse(kTotals[below(kTotals.size())]).value_or(Resources());
  if (one_in(4)) {
    Resource more{.name = std::string(kCpus), .value = Scalar{2000}, .revocable = true};
    total += Resources({std::move(more)});
  }
  if (one_in(6)) {
    Resource more{.name = std::string(kDisk), .value = Scalar{5000}, .shared = true};
    total += Resources({std::move(more)});
  }
  return total;
}

Resources Run::part_of(const Resources& resources) {
  std::vector<Resource> part;
  for (Resource item : resources.items()) {
    if (one_in(4)) continue;
    auto* scalar = std::get_if<Scalar>(&item.value);
    if (scalar != nullptr && one_in(2)) scalar->thousandths = (scalar->thousandths + 1) / 2;
    part.push_back(std::move(item));
  }
  return Resources(std::move(part));
}

FrameworkFacts Run::random_framework(FrameworkKey key) {
  FrameworkFacts facts;
  facts.key = key;
  facts.id = FrameworkId(fmt::format("framework-{}", key.value));
  facts.roles = {any_role()};
  if (const std::string more = any_role(); more != facts.roles[0]) facts.roles.push_back(more);
  for (const Capability capability : {Capability::kGpuResources, Capability::kRevocableResources,
                                      Capability::kSharedResources, Capability::kRegionAware}) {
    if (one_in(2)) facts.capabilities.add(capability);
  }
  facts.takes_short_slots = one_in(2);
  facts.rigid = one_in(4);
  const std::string& role = facts.roles[below(facts.roles.size())];
  if (one_in(4)) facts.min_allocatable[role] = {{{std::string(kMem), Scalar{8000}}}};
  if (one_in(4)) {
    OfferConstraints constraints;
    constraints.groups = {{has_attribute("rack")}};
    if (one_in(2)) constraints.groups.push_back({on_host(fmt::format("host-{}", below(4)))});
    if (!allocator_->check(constraints)) facts.constraints[role] = std::move(constraints);
  }
  return facts;
}

std::optional<Refusal> Run::random_refusal(uint64_t offer) {
  static constexpr std::array<Duration, 4> kLengths = {0s, 1s, 5s, 60s};
  return Refusal(kLengths[below(kLengths.size())], offer);
}

// --- agents

void Run::add_agent() {
  if (books_.agents.size() >= kMaxAgents) return;
  AgentFacts facts;
  facts.key = AgentKey(++last_agent_);
  facts.id = AgentId(fmt::format("agent-{}", last_agent_));
  facts.hostname = fmt::format("host-{}", last_agent_ % 4);
  facts.total = random_total();
  if (one_in(2)) facts.attributes = {{"rack", "r1"}};
  if (one_in(4)) facts.domain = {"elsewhere", "z"};
  if (one_in(6)) facts.max_task_duration = 60s;
  allocator_->add_agent(facts);
  books_.agents[facts.key] = {facts, true};
}

void Run::update_agent() {
  if (books_.agents.empty()) return;
  AgentFacts& facts = any_of(books_.agents).second.facts;
  facts.total = random_total();
  facts.attributes.clear();
  if (one_in(2)) facts.attributes = {{"rack", "r2"}};
  allocator_->update_agent(facts);
}

void Run::remove_agent() {
  if (books_.agents.empty()) return;
  const AgentKey key = any_of(books_.agents).first;
  std::vector<Piece> late;
  for (const Piece& piece : books_.pieces) {
    if (piece.agent != key) continue;
    late.push_back(piece);
    if (piece.in_use) {
      allocator_->task_ended(piece.framework, TaskId(fmt::format("task-{}", piece.number)));
    }
  }
  allocator_->remove_agent(key);
  books_.forget_agent(key);
  // What comes after is ignored.
  for (const Piece& piece : late) {
    if (one_in(2)) continue;
    allocator_->recovered(piece.framework, piece.role, key, piece.resources,
                          piece.in_use ? std::nullopt : random_refusal(piece.number), now());
  }
}

void Run::activate_agent() {
  if (books_.agents.empty()) return;
  auto& [key, agent] = any_of(books_.agents);
  agent.active = !agent.active || one_in(3);
  allocator_->set_agent_active(key, agent.active);
}

// --- frameworks and roles

void Run::add_framework() {
  if (books_.frameworks.size() >= kMaxFrameworks) return;
  const FrameworkFacts facts = random_framework(FrameworkKey(++last_framework_));
  const auto suppressed = one_in(4) ? some_of(facts.roles) : std::vector<std::string>();
  allocator_->add_framework(facts, suppressed);
  books_.frameworks[facts.key] = {facts, true, {suppressed.begin(), suppressed.end()}};
}

void Run::update_framework() {
  if (books_.frameworks.empty()) return;
  auto& [key, framework] = any_of(books_.frameworks);
  const FrameworkFacts facts = random_framework(key);
  const auto suppressed = one_in(2) ? some_of(facts.roles) : std::vector<std::string>();
  allocator_->update_framework(facts, suppressed);
  for (const std::string& role : framework.facts.roles) {
    const bool stays = std::find(facts.roles.begin(), facts.roles.end(), role) != facts.roles.end();
    if (!stays) books_.forget_filters(key, role);
  }
  framework.facts = facts;
  framework.suppressed = {suppressed.begin(), suppressed.end()};
}

void Run::remove_framework() {
  if (books_.frameworks.empty()) return;
  const FrameworkKey key = any_of(books_.frameworks).first;
  allocator_->set_framework_active(key, false);
  const std::vector<Piece> pieces = books_.pieces;
  for (const Piece& piece : pieces) {
    if (piece.framework == key) drop(piece);
  }
  allocator_->remove_framework(key);
  books_.frameworks.erase(key);
  std::erase_if(books_.filters, [key](const auto& filter) { return filter.framework == key; });
}

// Who is away has no filters to speak of: whether a module keeps them is its own affair.
void Run::activate_framework() {
  if (books_.frameworks.empty()) return;
  auto& [key, framework] = any_of(books_.frameworks);
  framework.active = !framework.active || one_in(3);
  allocator_->set_framework_active(key, framework.active);
  if (framework.active) return;
  for (const std::string& role : framework.facts.roles) books_.forget_filters(key, role);
  const std::vector<Piece> pieces = books_.pieces;
  for (const Piece& piece : pieces) {
    if (piece.framework == key && !piece.in_use && one_in(2)) drop(piece);
  }
}

void Run::suppress() {
  if (books_.frameworks.empty()) return;
  auto& [key, framework] = any_of(books_.frameworks);
  const auto roles = some_of(framework.facts.roles);
  const auto& all = roles.empty() ? framework.facts.roles : roles;
  allocator_->suppress(key, roles);
  framework.suppressed.insert(all.begin(), all.end());
}

void Run::revive() {
  if (books_.frameworks.empty()) return;
  auto& [key, framework] = any_of(books_.frameworks);
  const auto roles = some_of(framework.facts.roles);
  const auto& all = roles.empty() ? framework.facts.roles : roles;
  allocator_->revive(key, roles);
  for (const std::string& role : all) {
    framework.suppressed.erase(role);
    books_.forget_filters(key, role);
  }
}

void Run::set_role() {
  const std::string role = any_role();
  allocator_->set_weight(role, Scalar{static_cast<int64_t>(500 * (1 + below(8)))});
  if (!quota_) return;
  Quota quota;
  if (one_in(2))
    quota.limits = {{std::string(kCpus), Scalar{static_cast<int64_t>(1000 * below(9))}}};
  if (one_in(2)) quota.guarantees = {{std::string(kCpus), Scalar{500}}};
  const auto limit = quota.limits.empty() ? Scalar{500} : quota.limits[0].second;
  if (limit < Scalar{500}) quota.guarantees.clear();
  allocator_->set_quota(role, quota);
  books_.quotas[role] = quota;
}

// --- resources

void Run::learn() {
  if (books_.agents.empty() || books_.frameworks.empty()) return;
  const AgentKey agent = any_of(books_.agents).first;
  const auto& [key, framework] = any_of(books_.frameworks);
  const std::string role = one_in(4) ? any_role() : framework.facts.roles[0];
  const Resources resources = one_in(2) ? Resources::parse("cpus:1;mem:1").value_or(Resources())
                                        : part_of(books_.free_on(agent)).usable_by(role);
  if (resources.empty()) return;
  allocator_->allocated(key, role, agent, resources);
  Piece task{key, role, agent, resources, ++last_number_, true, {}};
  allocator_->task_started(
      {key, TaskId(fmt::format("task-{}", task.number)), role, agent, resources, now_});
  books_.pieces.push_back(std::move(task));
}

// Takes it off the books, and books the filter.
void Run::give_back(Piece piece, std::optional<Refusal> refusal) {
  allocator_->recovered(piece.framework, piece.role, piece.agent, piece.resources, refusal, now());
  if (!refusal || refusal->length == 0s || !books_.frameworks.at(piece.framework).active) return;
  const auto& roles = books_.frameworks.at(piece.framework).facts.roles;
  if (std::find(roles.begin(), roles.end(), piece.role) == roles.end()) return;
  books_.filters.push_back({piece.framework, piece.role, piece.agent, std::move(piece.resources),
                            now_ + refusal->length});
}

void Run::decline() {
  Piece* offer = any_piece(false);
  if (offer == nullptr) return;
  const Piece piece = *offer;
  books_.pieces.erase(books_.pieces.begin() + (offer - books_.pieces.data()));
  give_back(piece, random_refusal(piece.number));
}

void Run::use(const Piece& offer, const Resources& resources) {
  Piece task = offer;
  task.resources = resources;
  task.in_use = true;
  task.number = ++last_number_;
  allocator_->accepted(task.framework, task.role, task.agent, resources);
  books_.pieces.push_back(task);
}

void Run::accept() {
  Piece* offer = any_piece(false);
  if (offer == nullptr) return;
  const Piece piece = *offer;
  const Resources used = one_in(3) ? piece.resources : part_of(piece.resources);
  if (used.empty()) return decline();
  books_.pieces.erase(books_.pieces.begin() + (offer - books_.pieces.data()));
  use(piece, used);
  const Piece task = books_.pieces.back();
  Piece rest = piece;
  rest.resources -= used;
  if (!rest.resources.empty()) give_back(rest, random_refusal(piece.number));
  allocator_->task_started({task.framework, TaskId(fmt::format("task-{}", task.number)), task.role,
                            task.agent, used, now_});
}

// The master's own doing: an offer that was open for too long.
void Run::rescind() {
  if (const Piece* offer = any_piece(false)) drop(*offer);
}

void Run::drop(const Piece& piece) {
  if (piece.in_use) return end(piece);
  const auto at = std::ranges::find(books_.pieces, piece.number, &Piece::number);
  const Piece dropped = std::move(*at);
  books_.pieces.erase(at);
  give_back(dropped, Refusal(0s, dropped.number));
}

void Run::end_task() {
  if (const Piece* task = any_piece(true)) end(*task);
}

void Run::end(Piece piece) {
  std::erase_if(books_.pieces, [&](const Piece& each) { return each.number == piece.number; });
  allocator_->task_ended(piece.framework, TaskId(fmt::format("task-{}", piece.number)));
  give_back(std::move(piece), std::nullopt);
}

void Run::wait() {
  static constexpr std::array<Duration, 5> kWaits = {1ms, 500ms, 1s, 4s, 30s};
  now_ += kWaits[below(kWaits.size())];
  const std::vector<Piece> pieces = books_.pieces;
  for (const Piece& piece : pieces) {
    if (!piece.end || *piece.end > now_) continue;
    changed_ = true;
    end(piece);
  }
}

// --- decisions

void Run::allocate() {
  const auto deadline = allocator_->next_deadline();
  bool may_decide = changed_ || (deadline && *deadline <= now_);
  for (int round = 0; round < kMaxRounds && !broken_; ++round) {
    Decisions decisions;
    allocator_->allocate(now(), decisions);
    const bool decided =
        !decisions.rescinds.empty() || !decisions.grants.empty() || !decisions.revocations.empty();
    if (decided && !may_decide) {
      const auto why = round == 0 ? "without a new fact and before next_deadline()"
                                  : "when called again, without a new fact";
      return complain(fmt::format("allocate() decided something {}", why));
    }
    may_decide = carry_out(decisions);
    changed_ = false;
    if (!decided) return look();
  }
  complain("allocate() does not come to rest");
}

// Whether that made new facts.
bool Run::carry_out(const Decisions& decisions) {
  std::vector<Piece> to_drop;
  for (const Rescind& rescind : decisions.rescinds) {
    const auto wrong = books_.judge(rescind);
    if (wrong) complain(fmt::format("rescind on agent {}: {}", rescind.agent.value, *wrong));
    digest_.add(rescind.framework.value).add(rescind.role).add(rescind.agent.value);
    for (const Piece& piece : books_.pieces) {
      const bool is_meant = !piece.in_use && piece.framework == rescind.framework &&
                            piece.role == rescind.role && piece.agent == rescind.agent;
      if (is_meant) to_drop.push_back(piece);
    }
  }
  for (const Grant& grant : decisions.grants) {
    const auto wrong = books_.judge(grant, now_);
    digest_.add(grant.framework.value).add(grant.role).add(grant.agent.value);
    digest_.add(grant.resources.to_string());
    if (wrong) {
      complain(fmt::format("grant of '{}' on agent {} to framework {} in role {}: {}",
                           grant.resources.to_string(), grant.agent.value, grant.framework.value,
                           grant.role, *wrong));
      return false;
    }
    books_.pieces.push_back(
        {grant.framework, grant.role, grant.agent, grant.resources, ++last_number_, false, {}});
  }
  for (const Revocation& revocation : decisions.revocations) {
    const auto wrong = books_.judge(revocation, now_);
    if (wrong) complain(fmt::format("revocation of {}: {}", revocation.task, *wrong));
    digest_.add(revocation.task.value).add(revocation.framework.value);
    for (Piece& piece : books_.pieces) {
      const bool is_meant =
          piece.in_use && fmt::format("task-{}", piece.number) == revocation.task.value;
      if (is_meant) piece.end = revocation.deadline;
    }
  }
  for (const Piece& piece : to_drop) drop(piece);
  return !to_drop.empty();
}

// At rest, what it says of itself must be so.
void Run::look() {
  const auto deadline = allocator_->next_deadline();
  if (deadline && *deadline <= now_)
    complain("next_deadline() has come, and allocate() was called");
  for (const auto& [key, framework] : books_.frameworks) {
    if (auto wrong = books_.judge(key, allocator_->share(key))) {
      complain(fmt::format("share() of framework {}: {}", key.value, *wrong));
    }
    std::vector<Explanation> rows;
    allocator_->explain(key, std::nullopt, rows);
    if (auto wrong = books_.judge(key, rows, now_)) {
      complain(fmt::format("explain() of framework {}: {}", key.value, *wrong));
    }
    if (books_.agents.empty()) continue;
    std::vector<Explanation> one;
    allocator_->explain(key, books_.agents.begin()->first, one);
    if (one.size() != framework.facts.roles.size()) {
      complain(fmt::format("explain() of framework {}, asked for one agent, gives {} rows",
                           key.value, one.size()));
    }
  }
}

}  // namespace

std::optional<std::string> broken_contract(const MakeAllocator& make, const ContractCase& test) {
  std::optional<uint64_t> digest;
  for (int again = 0; again < 2; ++again) {
    auto made = make(test.options, Rng(test.seed).fork("allocator"));
    if (!made) return fmt::format("it was not made: {}", made.error().message);
    Run run(std::move(*made), test);
    for (int step = 1; step <= test.steps; ++step) {
      run.step();
      if (run.broken()) return fmt::format("seed {}, step {}: {}", test.seed, step, *run.broken());
    }
    if (digest && *digest != run.digest()) {
      return fmt::format("seed {}: two runs did not decide the same", test.seed);
    }
    digest = run.digest();
  }
  return std::nullopt;
}

}  // namespace souk::allocator
