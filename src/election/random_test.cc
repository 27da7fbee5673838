// Random histories: candidates and observers as processes that crash, pause and lose their network,
// and a coordination service as election.h describes it: sessions that expire, reads that lag,
// watches that come late, twice, or are lost with the connection, answers that are lost. The clocks
// of the processes run up to 2 % fast or slow. One seed, one history.
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/rng.h"
#include "election/candidate.h"
#include "election/observer.h"
#include "election/test_transcript.h"

namespace souk::election {
namespace {

class World {
 public:
  static constexpr Duration kTimeout = 10s;
  static constexpr int kCandidates = 3;
  static constexpr int kObservers = 3;

  explicit World(uint64_t seed);

  // Faults until then, at random; after it all is well.
  void run_with_faults(Duration until);
  void heal();
  void run(Duration until);

  // What is wrong by now, if all has been well for long enough: empty if nothing is.
  std::string disagreement() const;
  // The first thing that went wrong, ever: empty if nothing has.
  const std::string& broken() const { return broken_; }

  Duration now() const { return now_; }
  uint64_t digest() const { return digest_.value(); }

  // What has been seen, to know that the faults were worth it.
  int leads = 0;
  int stops = 0;
  int creates_lost = 0;  // made, and the answer never came
  int stale_reads = 0;
  int pauses_of_leaders = 0;

 private:
  using ServiceSession = uint64_t;
  struct NodeState {
    std::string data;
    ServiceSession owner = 0;
    Epoch epoch = 0;
  };
  struct Snapshot {
    uint64_t zxid = 0;
    Duration replaced = Duration::max();  // when the next one came
    std::map<std::string, NodeState> nodes;
  };
  // A connection of a process. Like TCP: in order, and of no use once something was lost.
  struct Link {
    std::size_t process = 0;
    ServiceSession session = 0;
    bool broken = false;
    Duration up{0};    // when the latest message to the service gets there
    Duration down{0};  // and the latest to the process
  };
  using LinkPtr = std::shared_ptr<Link>;
  struct SessionState {
    bool alive = true;
    Duration heard{0};
    uint64_t seen = 0;              // the newest zxid that it wrote or read
    std::optional<uint64_t> watch;  // for changes after that zxid
    LinkPtr link;
  };
  struct Process {
    std::size_t index = 0;
    std::unique_ptr<Candidate> candidate;  // one of both, if it runs
    std::unique_ptr<Observer> observer;
    uint64_t life = 0;
    bool cut = false;
    bool trapped = false;  // the next create is done, and the connection breaks
    bool paused = false;
    std::vector<Event> inbox;  // while it is paused
    std::optional<Duration> timer;
    int64_t drift = 0;  // what its clock gains, in thousandths
    // Its client of the service.
    Session session = 0;         // as the machine numbers it
    ServiceSession service = 0;  // zero: none yet, or expired
    LinkPtr link;                // null: none
    uint64_t dial = 0;           // numbers the attempts to connect
    Duration heard{0};           // the latest request that was answered was sent then
    Duration received{0};
    std::map<Request, bool> pending;  // of the link; true: a create, done
    bool runs() const { return candidate || observer; }
  };

  // --- time
  Duration draw(Duration from, Duration to);
  bool chance(uint32_t percent) { return rng_.below(100) < percent; }
  void at(Duration when, std::function<void()> what);
  // What the process's clock shows then, and when it shows that.
  static MonoTime clock(const Process& p, Duration t);
  static Duration when(const Process& p, MonoTime shown);
  bool leading(const Process& p) const;
  void check();
  void fail(const std::string& what);

  // --- processes
  void start(Process& p);
  void crash(Process& p);
  void pause(Process& p, Duration time);
  void wake(Process& p);
  void deliver(Process& p, Event event);
  void step(Process& p, Event event);
  void carry_out(Process& p, const Effect& effect);
  void fault();

  // --- the client of the service
  void dial(Process& p);
  void connected(Process& p, LinkPtr link, Duration sent, bool fresh);
  void ping(const LinkPtr& link);
  void watchdog(const LinkPtr& link);
  void lose(Process& p);  // notices that the link is gone
  void drop(const LinkPtr& link);
  // Carries out `work` at the service, and its answer, if there is one, back at the process.
  using Answer = std::function<void(Process&)>;
  void request(const LinkPtr& link, std::function<Answer(SessionState&)> work);
  void answer(const LinkPtr& link, Duration sent, Answer answer);
  void ask(Process& p, Request request, std::function<Event(SessionState&)> work);

  // --- the service
  void touch(ServiceSession id);
  void expire(ServiceSession id);
  void commit(std::map<std::string, NodeState> nodes);
  void notify(SessionState& session);
  const Snapshot& view(SessionState& session);
  const std::map<std::string, NodeState>& nodes() const { return history_.back().nodes; }
  std::optional<std::string> lowest() const;

  Rng rng_;
  Duration now_{0};
  bool faults_ = true;
  uint64_t last_seq_ = 0;
  std::map<std::pair<Duration, uint64_t>, std::function<void()>> agenda_;
  std::vector<Process> processes_;
  std::deque<Snapshot> history_;  // the latest is last
  std::map<ServiceSession, SessionState> sessions_;
  ServiceSession last_session_ = 0;
  int next_sequence_ = 0;
  Epoch last_epoch_ = 0;  // of those that led
  std::string broken_;
  Digest digest_;
};

World::World(uint64_t seed) : rng_(seed) {
  history_.push_back({1, Duration::max(), {{"log_replicas", {}}, {"json.info_x", {}}}});
  for (std::size_t i = 0; i < kCandidates + kObservers; ++i) {
    processes_.emplace_back().index = i;
  }
  for (Process& p : processes_) start(p);
}

// --- time

Duration World::draw(Duration from, Duration to) {
  return from + Duration(rng_.below(static_cast<uint64_t>((to - from).count()) + 1));
}

void World::at(Duration when, std::function<void()> what) {
  agenda_.emplace(std::pair(std::max(when, now_), ++last_seq_), std::move(what));
}

MonoTime World::clock(const Process& p, Duration t) {
  return MonoTime(1000s * (p.index + 1) + t * (1000 + p.drift) / 1000);
}

Duration World::when(const Process& p, MonoTime shown) {
  const Duration t = shown.time_since_epoch() - 1000s * (p.index + 1);
  return t * 1000 / (1000 + p.drift) + 1us;  // rounded up: never before it shows that
}

bool World::leading(const Process& p) const {
  return p.candidate && p.candidate->leads(clock(p, now_));
}

void World::run(Duration until) {
  while (!agenda_.empty() && agenda_.begin()->first.first <= until) {
    const auto next = agenda_.extract(agenda_.begin());
    // Whoever wakes up has a moment to find out what it slept through.
    if (next.key().first > now_) check();
    now_ = next.key().first;
    next.mapped()();
  }
  check();
  now_ = until;
}

void World::run_with_faults(Duration until) {
  while (now_ < until && broken_.empty()) {
    run(now_ + draw(100ms, 4s));
    fault();
  }
}

void World::fail(const std::string& what) {
  if (broken_.empty()) broken_ = fmt::format("at {}: {}", format_duration(now_), what);
}

// Whoever may act as the leader owns the lowest node, by a session that lives.
void World::check() {
  for (const Process& p : processes_) {
    if (p.paused || !leading(p)) continue;
    const auto& leader = *p.candidate->leader();
    if (lowest() != leader.name) return fail("not the lowest leads: " + leader.name);
    const NodeState& node = nodes().at(leader.name);
    if (node.owner != p.service || !sessions_.at(p.service).alive) {
      return fail("leads by a node that is not its own");
    }
    if (node.epoch != leader.epoch) return fail("leads by a wrong epoch");
  }
}

std::string World::disagreement() const {
  std::set<std::string> owners;
  for (const auto& [name, node] : nodes()) {
    if (is_candidate(name)) owners.insert(node.data);
  }
  if (owners.size() != kCandidates) return "not one node for each candidate";
  if (nodes().size() != kCandidates + 2) return "orphans";
  const std::string data = nodes().at(*lowest()).data;
  int count = 0;
  for (const Process& p : processes_) {
    if (!p.runs()) return "one does not run";
    const auto& leader = p.candidate ? p.candidate->leader() : p.observer->leader();
    if (!leader || leader->name != lowest() || leader->data != data) {
      return fmt::format("{} knows another leader", p.index);
    }
    if (leading(p)) ++count;
  }
  return count == 1 ? "" : fmt::format("{} lead", count);
}

// --- processes

void World::start(Process& p) {
  ++p.life;
  p.drift = static_cast<int64_t>(rng_.below(41)) - 20;
  const Rng rng = rng_.fork(fmt::format("{}-{}", p.index, p.life));
  if (p.index < kCandidates) {
    p.candidate =
        std::make_unique<Candidate>(Options{}, fmt::format("m{}-{}", p.index, p.life), rng);
  } else {
    p.observer = std::make_unique<Observer>(Options{}, rng);
  }
  deliver(p, Started{});
}

// The service hears nothing of it: its nodes stay until the session expires.
void World::crash(Process& p) {
  p.candidate.reset();
  p.observer.reset();
  p.timer.reset();
  p.inbox.clear();
  p.paused = false;
  drop(p.link);
  p.link.reset();
  p.pending.clear();
  p.service = 0;
  ++p.dial;
}

void World::pause(Process& p, Duration time) {
  if (!p.runs() || p.paused) return;
  if (leading(p)) ++pauses_of_leaders;
  p.paused = true;
  at(now_ + time, [this, &p, life = p.life] {
    if (p.life == life) wake(p);
  });
}

// What has arrived meanwhile comes first, which is the worst order.
void World::wake(Process& p) {
  if (!p.paused) return;
  p.paused = false;
  for (Event& event : std::exchange(p.inbox, {})) {
    if (p.runs()) step(p, std::move(event));
  }
  if (p.link) watchdog(p.link);
  if (p.timer && *p.timer <= now_) step(p, TimerFired{});
}

void World::deliver(Process& p, Event event) {
  if (!p.runs()) return;
  if (p.paused) {
    p.inbox.push_back(std::move(event));
  } else {
    step(p, std::move(event));
  }
}

void World::step(Process& p, Event event) {
  Effects effects;
  const Now now{clock(p, now_), WallTime(now_)};
  const auto play = [&](auto& machine) {
    machine.step(now, std::move(event), effects);
    if (const auto wrong = machine.broken_invariant()) fail(*wrong);
  };
  if (p.candidate) {
    play(*p.candidate);
  } else {
    play(*p.observer);
  }
  for (const Effect& effect : effects) {
    digest_.add(now_.count()).add(p.index).add(Transcript::line(effect));
    carry_out(p, effect);
  }
}

void World::carry_out(Process& p, const Effect& effect) {
  if (const auto* open = std::get_if<OpenSession>(&effect)) {
    if (p.link) fail("two sessions at a time");
    p.session = open->session;
    p.service = 0;
    dial(p);
  } else if (std::holds_alternative<CloseSession>(effect)) {
    if (p.link) {
      request(p.link, [this, id = p.service](SessionState&) { return expire(id), nullptr; });
    }
    p.service = 0;
    p.link.reset();
    p.pending.clear();
    ++p.dial;
  } else if (const auto* create = std::get_if<CreateNode>(&effect)) {
    ask(p, create->request, [this, &p, create = *create](SessionState& session) -> Event {
      auto all = nodes();
      const std::string name = fmt::format("{}{:010}", kNodePrefix, next_sequence_++);
      const uint64_t zxid = history_.back().zxid + 1;
      all[name] = {create.data, session.link->session, zxid};
      commit(std::move(all));
      session.seen = zxid;
      if (const auto at = p.pending.find(create.request); at != p.pending.end()) at->second = true;
      if (std::exchange(p.trapped, false)) drop(session.link);
      return NodeCreated{create.request, name, zxid};
    });
  } else if (const auto* list = std::get_if<ListChildren>(&effect)) {
    ask(p, list->request, [this, request = list->request](SessionState& session) -> Event {
      const Snapshot& seen = view(session);
      session.watch = seen.zxid;
      if (seen.zxid != history_.back().zxid) notify(session);
      ChildrenListed listed{request, {}};
      for (const auto& [name, node] : seen.nodes) {
        listed.names.insert(
            listed.names.begin() + static_cast<int64_t>(rng_.below(listed.names.size() + 1)), name);
      }
      return listed;
    });
  } else if (const auto* read = std::get_if<ReadNode>(&effect)) {
    ask(p, read->request, [this, read = *read](SessionState& session) -> Event {
      const auto& seen = view(session).nodes;
      const auto found = seen.find(read.name);
      if (found == seen.end()) return NodeRead{read.request, std::nullopt};
      return NodeRead{read.request, found->second.data};
    });
  } else if (const auto* lead = std::get_if<Lead>(&effect)) {
    ++leads;
    if (lead->epoch <= last_epoch_)
      fail(fmt::format("epoch {} after {}", lead->epoch, last_epoch_));
    last_epoch_ = lead->epoch;
  } else if (std::holds_alternative<StopLeading>(effect)) {
    ++stops;
    at(now_ + draw(0s, 2s), [this, &p, life = p.life] {
      if (p.life == life) deliver(p, Started{});
    });
  } else if (const auto* arm = std::get_if<ArmTimer>(&effect)) {
    p.timer.reset();
    if (!arm->at) return;
    p.timer = when(p, *arm->at);
    at(*p.timer, [this, &p, life = p.life, when = *p.timer] {
      if (p.life == life && !p.paused && p.timer == when) step(p, TimerFired{});
    });
  }
}

void World::fault() {
  Process& p = processes_[rng_.below(processes_.size())];
  switch (rng_.below(9)) {
    case 0:
      p.cut = true;
      break;
    case 1:
    case 2:
      for (Process& each : processes_) each.cut = false;
      break;
    case 3:
      if (p.runs()) crash(p);
      break;
    case 4:
      if (!p.runs()) start(p);
      break;
    case 5:
      pause(p, draw(1s, 25s));
      break;
    case 6:
      drop(p.link);
      break;
    case 7:
      p.trapped = true;
      break;
    default:  // whoever leads has no network
      for (Process& each : processes_) {
        if (leading(each)) each.cut = true;
      }
      break;
  }
}

void World::heal() {
  faults_ = false;
  for (Process& p : processes_) {
    p.cut = p.trapped = false;
    wake(p);
    if (!p.runs()) start(p);
  }
}

// --- the client of the service

// Again and again until the service answers.
void World::dial(Process& p) {
  at(now_ + draw(1ms, 1s), [this, &p, dial = ++p.dial] {
    if (p.dial != dial) return;
    if (p.cut || p.paused) return this->dial(p);
    const bool fresh = p.service == 0;
    if (!fresh && !sessions_.at(p.service).alive) {
      p.service = 0;
      return deliver(p, SessionExpired{p.session});
    }
    if (fresh) p.service = ++last_session_;
    auto link = std::make_shared<Link>(Link{.process = p.index, .session = p.service});
    SessionState& session = sessions_[p.service];
    session.link = link;
    session.watch.reset();
    touch(p.service);
    p.link = link;
    const Duration sent = now_;
    request(link, [this, link, fresh, sent](SessionState&) -> Answer {
      return [this, link, fresh, sent](Process& to) { connected(to, link, sent, fresh); };
    });
  });
}

void World::connected(Process& p, LinkPtr link, Duration sent, bool fresh) {
  p.heard = sent;
  if (fresh) {
    deliver(p, SessionOpened{p.session, kTimeout});
  } else {
    deliver(p, SessionResumed{p.session});
  }
  ping(link);
  watchdog(link);
}

void World::ping(const LinkPtr& link) {
  Process& p = processes_[link->process];
  if (p.link != link) return;
  if (!p.paused) {
    request(link, [](SessionState&) -> Answer { return [](Process&) {}; });
  }
  at(now_ + kTimeout / 3, [this, link] { ping(link); });
}

// Two thirds of the timeout without a word: the client thinks that the link is gone.
void World::watchdog(const LinkPtr& link) {
  Process& p = processes_[link->process];
  if (p.link != link || p.paused) return;
  const Duration end = p.received + kTimeout * 2 / 3;
  if (end <= now_) return lose(p);
  at(end, [this, link, received = p.received] {
    if (processes_[link->process].received == received) watchdog(link);
  });
}

void World::lose(Process& p) {
  drop(std::exchange(p.link, nullptr));
  const auto failed = std::exchange(p.pending, {});
  const bool first = chance(50);
  if (first) deliver(p, SessionSuspended{p.session, clock(p, p.heard)});
  for (const auto& [request, created] : failed) {
    if (created) ++creates_lost;
    deliver(p, CreateFailed{request, "connection lost"});
    deliver(p, ListFailed{request, "connection lost"});
    deliver(p, ReadFailed{request, "connection lost"});
  }
  if (!first) deliver(p, SessionSuspended{p.session, clock(p, p.heard)});
  if (p.runs() && !p.link && p.service != 0) dial(p);
}

// Its process hears of it soon, if it can.
void World::drop(const LinkPtr& link) {
  if (!link || link->broken) return;
  link->broken = true;
  at(now_ + draw(0s, 200ms), [this, link] {
    Process& p = processes_[link->process];
    if (p.link == link && !p.cut && !p.paused) lose(p);
  });
}

void World::request(const LinkPtr& link, std::function<Answer(SessionState&)> work) {
  link->up = std::max(link->up, now_ + draw(1ms, 50ms));
  at(link->up, [this, link, work = std::move(work), sent = now_] {
    if (link->broken || processes_[link->process].cut) return void(link->broken = true);
    SessionState& session = sessions_.at(link->session);
    if (!session.alive || session.link != link) return void(link->broken = true);
    touch(link->session);
    Answer back = work(session);
    if (back) answer(link, sent, std::move(back));
  });
}

void World::answer(const LinkPtr& link, Duration sent, Answer answer) {
  link->down = std::max(link->down, now_ + draw(1ms, 50ms));
  at(link->down, [this, link, sent, answer = std::move(answer)] {
    Process& p = processes_[link->process];
    if (link->broken || p.cut) return void(link->broken = true);
    if (p.link != link) return;
    p.received = now_;
    p.heard = std::max(p.heard, sent);
    answer(p);
    watchdog(link);
  });
}

void World::ask(Process& p, Request number, std::function<Event(SessionState&)> work) {
  p.pending[number] = false;
  if (!p.link) return;
  request(p.link, [this, number, work = std::move(work)](SessionState& session) -> Answer {
    Event event = work(session);
    if (faults_ && chance(1)) return nullptr;  // the answer is never given
    return [this, number, event = std::move(event)](Process& to) {
      to.pending.erase(number);
      if (faults_ && chance(2)) pause(to, draw(1s, 25s));  // with the answer in its queue
      deliver(to, event);
    };
  });
}

// --- the service

// It may take its time, but never less than the timeout.
void World::touch(ServiceSession id) {
  sessions_.at(id).heard = now_;
  at(now_ + kTimeout + draw(0s, 1s), [this, id, heard = now_] {
    if (sessions_.at(id).heard == heard) expire(id);
  });
}

void World::expire(ServiceSession id) {
  SessionState& session = sessions_.at(id);
  if (!std::exchange(session.alive, false)) return;
  auto all = nodes();
  std::erase_if(all, [&](const auto& each) { return each.second.owner == id; });
  if (all.size() != nodes().size()) commit(std::move(all));
}

void World::commit(std::map<std::string, NodeState> all) {
  history_.back().replaced = now_;
  history_.push_back({history_.back().zxid + 1, Duration::max(), std::move(all)});
  while (history_.front().replaced < now_ - 1s) history_.pop_front();
  for (auto& [id, session] : sessions_) {
    if (session.alive && session.watch) notify(session);
  }
}

// Out of order with the answers, and sometimes twice.
void World::notify(SessionState& session) {
  session.watch.reset();
  for (int times = chance(10) ? 2 : 1; times > 0; --times) {
    at(now_ + draw(1ms, 300ms), [this, link = session.link] {
      Process& p = processes_[link->process];
      if (p.link != link) return;
      if (link->broken || p.cut) return void(link->broken = true);
      deliver(p, ChildrenChanged{});
    });
  }
}

// What a server of the service sees that is up to 200 ms behind, but not behind the session.
const World::Snapshot& World::view(SessionState& session) {
  std::size_t oldest = history_.size() - 1;
  while (oldest > 0 && history_[oldest - 1].zxid >= session.seen &&
         history_[oldest - 1].replaced >= now_ - 200ms) {
    --oldest;
  }
  const Snapshot& seen = history_[oldest + rng_.below(history_.size() - oldest)];
  if (seen.zxid != history_.back().zxid) ++stale_reads;
  session.seen = seen.zxid;
  return seen;
}

std::optional<std::string> World::lowest() const {
  for (const auto& [name, node] : nodes()) {
    if (is_candidate(name)) return name;
  }
  return std::nullopt;
}

// --- tests

// The longest chain of waiting after the last fault: 9 s for an answer that is never given, 5 s of
// back-off, 11 s until the session of somebody who is gone has expired, and some seconds to
// connect.
constexpr Duration kSettled = 45s;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kWorlds = 60;
#else
constexpr uint64_t kWorlds = 600;
#endif

TEST(Election, OneLeadsWhateverHappensAndAllAgreeInTheEnd) {
  int leads = 0, stops = 0, lost = 0, stale = 0, pauses = 0;
  for (uint64_t seed = 1; seed <= kWorlds; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    World world(seed);
    world.run_with_faults(150s);
    world.heal();
    world.run(world.now() + kSettled);
    ASSERT_EQ(world.broken(), "");
    ASSERT_EQ(world.disagreement(), "");
    const int before = world.leads;
    world.run(world.now() + 10min);
    ASSERT_EQ(world.broken(), "");
    ASSERT_EQ(world.disagreement(), "");
    ASSERT_EQ(world.leads, before) << "a leader was replaced though all was well";
    leads += world.leads;
    stops += world.stops;
    lost += world.creates_lost;
    stale += world.stale_reads;
    pauses += world.pauses_of_leaders;
  }
  // The faults were worth it.
  EXPECT_GT(leads, static_cast<int>(kWorlds) * 4);
  for (const int count : {stops, lost, stale, pauses}) {
    EXPECT_GT(count, static_cast<int>(kWorlds) / 20);
  }
}

TEST(Election, TheSameSeedIsTheSameHistory) {
  const auto digest = [](uint64_t seed) {
    World world(seed);
    world.run_with_faults(60s);
    world.heal();
    world.run(world.now() + kSettled);
    return world.digest();
  };
  EXPECT_EQ(digest(7), digest(7));
  EXPECT_NE(digest(7), digest(8));
}

}  // namespace
}  // namespace souk::election
