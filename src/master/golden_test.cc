// Golden scripts: testdata/*.txt. A line that begins with "> " is an event; what follows it, up to
// the next one, are the effects that it has, less timers, heartbeats and logs. Frameworks and
// agents go by the names that the script gives them, offers by their ids. SOUK_REWRITE_GOLDEN=1 in
// the environment writes the effects anew: read the difference before you keep it.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "master/test_support.h"
#include "master/test_transcript.h"

namespace souk::master {
namespace {

namespace call = protocol::call;
namespace event = protocol::event;
namespace to_master = protocol::to_master;

using Words = std::vector<std::string>;

TaskState state_of(const std::string& name) {
  for (int s = 0; s <= 13; ++s) {
    if (to_string(static_cast<TaskState>(s)) == name) return static_cast<TaskState>(s);
  }
  ADD_FAILURE() << "not a state: " << name;
  return TaskState::kStaging;
}

// Interprets the lines of one script.
class Script {
 public:
  Script() { start_master(); }

  std::string play(const std::string& line) {
    std::istringstream in(line.substr(2));
    Words words;
    for (std::string word; in >> word;) words.push_back(word);
    out_.clear();
    if (words.empty() || !play(words)) return "  ? not understood\n";
    return out_;
  }

 private:
  struct Scheduler {
    FrameworkInfo info;
    ConnectionId stream;
  };
  struct Agent {
    AgentId id;
    std::string resources;
    ConnectionId link;
  };

  static std::string at(const Words& words, std::size_t i) {
    return i < words.size() ? words[i] : "";
  }

  void start_master() {
    ++registry_.epoch;
    Options options;
    options.info.id = "m" + std::to_string(registry_.epoch);
    world_ = std::make_unique<World>(options, registry_);
    world_->watch = [this](const Effect& effect) { see(effect); };
  }

  void see(const Effect& effect) {
    if (const auto* persist = std::get_if<Persist>(&effect)) apply(registry_, persist->operation);
    if (const auto* send = std::get_if<SendToFramework>(&effect)) {
      if (std::holds_alternative<event::Heartbeat>(send->event)) return;
      if (const auto* offers = std::get_if<event::Offers>(&send->event)) {
        for (const Offer& offer : offers->offers) offered_[offer.id] = offer.agent_id;
      }
      if (const auto* update = std::get_if<event::Update>(&send->event)) {
        if (update->status->uuid) updates_[update->status->task_id] = *update->status;
      }
    }
    if (std::holds_alternative<ArmTimer>(effect) || std::holds_alternative<Log>(effect)) return;
    out_ += "  " + Transcript::line(effect) + "\n";
  }

  bool play(const Words& w) {
    if (w[0] == "batch") return world_->batch(), true;
    if (w[0] == "new-master") return start_master(), true;
    if (w[0] == "pass") {
      const auto time = parse_duration(at(w, 1));
      if (time) world_->pass(*time);
      return time.has_value();
    }
    if (w.size() < 2) return false;
    if (w[0] == "revoke" || w[0] == "take-back") return play_module(w);
    return play_agent(w) || play_subscription(w) || play_call(w) || play_operator(w);
  }

  // What the module decides at the next batch: revoke F DURATION TASK... | take-back F A
  bool play_module(const Words& w) {
    const FrameworkId& framework = schedulers_[w[1]].info.id;
    TestAllocator& module = world_->allocator();
    if (w[0] == "take-back") {
      const AgentKey agent = module.key_of(agents_[at(w, 2)].id);
      module.extra.rescinds.push_back({module.key_of(framework), "*", agent});
      return true;
    }
    const auto grace = parse_duration(at(w, 2));
    if (!grace) return false;
    for (std::size_t i = 3; i < w.size(); ++i) {
      module.revoke(framework, w[i], world_->now().mono + *grace);
    }
    return true;
  }

  // weights [ROLE WEIGHT]... | quota ROLE [guarantee AMOUNTS] [limit AMOUNTS] [force] |
  // set-quota ROLE AMOUNTS [force] | remove-quota ROLE
  bool play_operator(const Words& w) {
    namespace oc = protocol::operator_call;
    const bool force = w.back() == "force";
    const auto amounts = [](const std::string& text) {
      return parse_quota_amounts(text).value_or(Quantities{});
    };
    if (w[0] == "weights") {
      oc::UpdateWeights update;
      for (std::size_t i = 1; i + 1 < w.size(); i += 2) {
        update.weights.push_back({w[i], Scalar{std::stoll(w[i + 1]) * 1000}});
      }
      return world_->operate(update), true;
    }
    if (w[0] == "quota") {
      Quota quota;
      for (std::size_t i = 2; i + 1 < w.size(); i += 2) {
        (w[i] == "limit" ? quota.limits : quota.guarantees) = amounts(w[i + 1]);
      }
      return world_->operate(oc::UpdateQuota{{{w[1], quota}}, force}), true;
    }
    if (w[0] == "set-quota") {
      return world_->operate(oc::SetQuota{w[1], amounts(at(w, 2)), force}), true;
    }
    return w[0] == "remove-quota" && (world_->operate(oc::RemoveQuota{w[1]}), true);
  }

  // agent A RESOURCES [SHORT_SLOTS LIMIT] | back A [F TASK STATE]... | lost A | pong A | unregister
  // A | update A F TASK STATE
  bool play_agent(const Words& w) {
    Agent& agent = agents_[w[1]];
    if (w[0] == "agent") {
      agent.resources = at(w, 2);
      agent.link = world_->register_agent(w[1], agent.resources, at(w, 3),
                                          parse_duration(at(w, 4)).value_or(Duration::zero()));
      agent.id = world_->agent_of(agent.link);
      return true;
    }
    if (w[0] == "back") return come_back(w, agent);
    if (w[0] == "lost") return world_->step(LinkClosed{agent.link}), true;
    if (w[0] == "pong") return world_->step(AgentSaid{agent.link, to_master::Pong{}}), true;
    if (w[0] == "unregister") {
      world_->step(AgentSaid{agent.link, to_master::Unregister{}});
      return true;
    }
    if (w[0] != "update" || w.size() < 5) return false;
    world_->update(agent.link, schedulers_[w[2]].info.id, w[3], state_of(w[4]));
    return true;
  }

  bool come_back(const Words& w, Agent& agent) {
    to_master::Register message;
    message.agent.id = agent.id;
    message.agent.hostname = w[1];
    message.agent.resources = Resources::parse(agent.resources).value();
    for (std::size_t i = 2; i + 2 < w.size(); i += 3) {
      const FrameworkInfo& info = schedulers_[w[i]].info;
      message.frameworks.push_back(info);
      message.tasks.push_back({.framework_id = info.id,
                               .executor_id = ExecutorId(w[i + 1]),
                               .role = "*",
                               .spec = make_task(w[i + 1], agent.id),
                               .state = state_of(w[i + 2]),
                               .command_task = true});
    }
    agent.link = world_->register_as(std::move(message));
    return true;
  }

  // subscribe F [aware] [short] [DURATION: failover_timeout] | closed F
  bool play_subscription(const Words& w) {
    Scheduler& scheduler = schedulers_[w[1]];
    if (w[0] == "closed") return world_->step(ConnectionClosed{scheduler.stream}), true;
    if (w[0] != "subscribe") return false;
    if (scheduler.info.name.empty()) scheduler.info = make_framework(w[1]);
    for (std::size_t i = 2; i < w.size(); ++i) {
      if (w[i] == "aware") {
        scheduler.info.capabilities.add(Capability::kPartitionAware);
      } else if (w[i] == "short") {
        scheduler.info.labels = {{std::string(kShortSlotsLabel), "true"}};
      } else if (const auto timeout = parse_duration(w[i])) {
        scheduler.info.failover_timeout = *timeout;
      } else {
        return false;
      }
    }
    scheduler.stream = world_->subscribe(scheduler.info);
    const FrameworkId id = world_->framework_of(scheduler.stream);
    if (!id.empty()) scheduler.info.id = id;
    return true;
  }

  // accept F OFFER TASK... | decline F OFFER [DURATION] | ack F TASK | kill F TASK |
  // accept-inverse F OFFER | decline-inverse F OFFER | reconcile F [TASK]... | suppress F | revive
  // F | teardown F
  bool play_call(const Words& w) {
    const ConnectionId stream = schedulers_[w[1]].stream;
    const auto ask = [&](protocol::SchedulerCallBody body) {
      world_->call(stream, std::move(body));
      return true;
    };
    const TaskId task(at(w, 2));
    if (w[0] == "accept") {
      std::vector<TaskSpec> tasks;
      for (std::size_t i = 3; i < w.size(); ++i) {
        tasks.push_back(make_task(w[i], offered_[OfferId(at(w, 2))]));
      }
      world_->launch(stream, {.id = OfferId(at(w, 2))}, std::move(tasks));
      return true;
    }
    if (w[0] == "decline") {
      call::Decline decline{{OfferId(at(w, 2))}, {}};
      if (const auto refuse = parse_duration(at(w, 3))) decline.filters.refuse = *refuse;
      return ask(decline);
    }
    if (w[0] == "ack") {
      const TaskStatus& status = updates_[task];
      return ask(call::Acknowledge{status.agent_id, task, status.uuid.value_or(Uuid{})});
    }
    if (w[0] == "kill") return ask(call::Kill{task, {}, std::nullopt});
    if (w[0] == "reconcile") {
      call::Reconcile reconcile;
      for (std::size_t i = 2; i < w.size(); ++i) reconcile.tasks.push_back({TaskId(w[i]), {}});
      return ask(reconcile);
    }
    if (w[0] == "accept-inverse") return ask(call::AcceptInverseOffers{{OfferId(at(w, 2))}});
    if (w[0] == "decline-inverse") return ask(call::DeclineInverseOffers{{OfferId(at(w, 2))}});
    if (w[0] == "suppress") return ask(call::Suppress{});
    if (w[0] == "revive") return ask(call::Revive{});
    return w[0] == "teardown" && ask(call::Teardown{});
  }

  protocol::Registry registry_;
  std::unique_ptr<World> world_;
  std::map<std::string, Scheduler> schedulers_;
  std::map<std::string, Agent> agents_;
  std::map<OfferId, AgentId> offered_;
  std::map<TaskId, TaskStatus> updates_;
  std::string out_;
};

std::filesystem::path testdata() {
  const char* root = std::getenv("SOUK_SOURCE_DIR");
  return std::filesystem::path(root != nullptr ? root : ".") / "src/master/testdata";
}

// The file as it should be: its comments and events, and the effects that they have now.
std::string replay(const std::string& text) {
  Script script;
  std::istringstream in(text);
  std::string result;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("> ")) {
      result += line + "\n" + script.play(line);
    } else if (!line.starts_with("  ")) {
      result += line + "\n";
    }
  }
  return result;
}

TEST(MasterGolden, Scripts) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(testdata())) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  ASSERT_GE(files.size(), 5u);
  for (const auto& file : files) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    const std::string now = replay(text.str());
    EXPECT_EQ(now.find("? not understood"), std::string::npos) << file << "\n" << now;
    if (std::getenv("SOUK_REWRITE_GOLDEN") != nullptr) {
      std::ofstream(file) << now;
    } else {
      EXPECT_EQ(text.str(), now) << file << ": if this is meant, run with SOUK_REWRITE_GOLDEN=1";
    }
  }
}

}  // namespace
}  // namespace souk::master
