// Golden scripts: testdata/*.txt. A line that begins with "> " is an event; what follows it, up to
// the next one, are the effects that it has. SOUK_REWRITE_GOLDEN=1 in the environment writes the
// effects anew. Containers are called c1, c2, ... and other UUIDs u1, u2, ... in the order of their
// appearance.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "agent/test_rig.h"

namespace souk::agent {
namespace {

using testing::framework;
using testing::in_slots;
using testing::Rig;
using testing::slot_options;
using testing::task_spec;
namespace to_agent = protocol::to_agent;
namespace supervisor = protocol::supervisor;
namespace call = protocol::executor_call;

class Names {
 public:
  std::string shorten(const std::string& line) {
    std::string text;
    std::size_t i = 0;
    while (i < line.size()) {
      if (!is_uuid(line, i)) {
        text += line[i++];
        continue;
      }
      const std::string uuid = line.substr(i, 36);
      if (!short_.contains(uuid)) {
        const bool container = line.find("ContainerAdded " + uuid) != std::string::npos;
        short_[uuid] = container ? fmt::format("c{}", ++containers_) : fmt::format("u{}", ++uuids_);
        long_[short_[uuid]] = uuid;
      }
      text += short_[uuid];
      i += 36;
    }
    return text;
  }
  ContainerId container(const std::string& name) const {
    const auto at = long_.find(name);
    return ContainerId(at == long_.end() ? name : at->second);
  }

 private:
  static bool is_uuid(const std::string& line, std::size_t at) {
    if (line.size() < at + 36) return false;
    for (std::size_t i = 0; i < 36; ++i) {
      const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
      const char c = line[at + i];
      if (dash ? c != '-' : std::isxdigit(static_cast<unsigned char>(c)) == 0) return false;
    }
    return true;
  }
  std::map<std::string, std::string> short_;
  std::map<std::string, std::string> long_;
  int containers_ = 0;
  int uuids_ = 0;
};

using Words = std::vector<std::string>;

// Interprets the lines of one script.
class Script {
 public:
  std::string play(const std::string& line) {
    std::istringstream in(line.substr(2));
    Words words;
    for (std::string word; in >> word;) words.push_back(word);
    rig_->clear();
    const bool known = !words.empty() && play(words);
    if (!known) return "  ? not understood\n";
    std::string text;
    for (const Effect& effect : rig_->seen) {
      if (std::holds_alternative<effect::ArmTimer>(effect)) continue;
      text += "  " + names_.shorten(describe(effect)) + "\n";
    }
    return text;
  }

 private:
  static std::vector<TaskSpec> specs(const Words& words, std::size_t from) {
    std::vector<TaskSpec> tasks;
    for (std::size_t i = from; i < words.size(); ++i) tasks.push_back(task_spec(words[i]));
    return tasks;
  }
  static std::string at(const Words& words, std::size_t i) {
    return i < words.size() ? words[i] : "";
  }
  static FrameworkInfo info(const std::string& id) {
    return framework(id, {Capability::kTaskKillingState, Capability::kPartitionAware});
  }

  bool play(const Words& w) {
    if (w[0] == "started") return rig_->start(), true;
    if (w[0] == "link") return play_link(w);
    if (w[0] == "master") return play_master(w);
    if (w[0] == "supervisor") return play_supervisor(w);
    if (w[0] == "executor") return play_executor(w);
    if (w[0] == "stop") return rig_->step(event::StopRequested{.leave = at(w, 1) == "leave"}), true;
    if (w[0] == "advance") {
      const auto time = parse_duration(at(w, 1));
      if (time) rig_->advance(*time);
      return time.has_value();
    }
    if (w[0] != "restart") return false;
    auto next = std::make_unique<Rig>(slot_options(), rig_->stored, 77);
    next->now = rig_->now;
    next->reports = rig_->reports;
    rig_ = std::move(next);
    rig_->start();
    return true;
  }

  bool play_link(const Words& w) {
    if (at(w, 1) == "opened") return rig_->step(event::LinkOpened{rig_->link()}), true;
    if (at(w, 1) == "closed") return rig_->step(event::LinkClosed{rig_->link(), "reset"}), true;
    return false;
  }

  bool play_master(const Words& w) {
    const std::string what = at(w, 1);
    const FrameworkId f(at(w, 2));
    if (what == "welcome") return rig_->master(to_agent::Welcome{.cluster_id = at(w, 2)}), true;
    if (what == "registered") {
      rig_->master(to_agent::Registered{
          .agent_id = AgentId(at(w, 2)), .ping_interval = 15s, .max_missed_pings = 5});
      return true;
    }
    if (what == "ping") return rig_->master(to_agent::Ping{}), true;
    if (what == "shutdown") return rig_->master(to_agent::Shutdown{.reason = at(w, 2)}), true;
    if (what == "commands")
      return rig_->master(testing::commands(info(f.value), specs(w, 3))), true;
    if (what == "short") {
      return rig_->master(in_slots(testing::commands(info(f.value), specs(w, 3)))), true;
    }
    if (what == "group" || what == "custom") {
      auto run = testing::commands(info(f.value), specs(w, 4));
      run.command_task = false;
      run.group = what == "group";
      run.executor.id = ExecutorId(at(w, 3));
      run.executor.type = run.group ? ExecutorSpec::Type::kDefault : ExecutorSpec::Type::kCustom;
      rig_->master(run);
      return true;
    }
    if (what == "kill") {
      rig_->master(to_agent::KillTask{f, TaskId(at(w, 3)), {}, {}});
      return true;
    }
    if (what == "revoke") {
      rig_->master(to_agent::KillTask{f, TaskId(at(w, 3)), 30s, Reason::kContainerPreempted});
      return true;
    }
    if (what == "ack") {
      const Task* task = rig_->find(at(w, 3), f.value);
      if (task == nullptr || task->pending.empty()) return false;
      rig_->acknowledge(task->pending.front().status, f.value);
      return true;
    }
    if (what == "shutdown-framework") return rig_->master(to_agent::ShutdownFramework{f}), true;
    if (what == "shutdown-executor") {
      rig_->master(to_agent::ShutdownExecutor{f, ExecutorId(at(w, 3))});
      return true;
    }
    return false;
  }

  bool play_supervisor(const Words& w) {
    const ContainerId container = names_.container(at(w, 1));
    const std::string what = at(w, 2);
    const std::string name = at(w, 3);
    if (what == "connected") return rig_->connect(container), true;
    if (what == "gone") return rig_->step(event::SupervisorGone{container, 0}), true;
    if (what == "failed") return rig_->step(event::LaunchFailed{container, name}), true;
    if (what == "started") return rig_->report(container, supervisor::Started{name, 4711}), true;
    if (what == "killing") return rig_->report(container, supervisor::Killing{name}), true;
    if (what == "exited") {
      rig_->report(container,
                   supervisor::Exited{name, std::atoi(at(w, 4).c_str()), at(w, 5) == "asked"});
      return true;
    }
    return false;
  }

  // executor E connection 1 subscribed | says TASK STATE | gone
  bool play_executor(const Words& w) {
    const std::string executor = at(w, 1);
    const auto connection = static_cast<uint64_t>(std::atoi(at(w, 2).c_str()));
    const std::string what = at(w, 3);
    if (what == "subscribed") {
      rig_->subscribe(connection, executor, {.unacknowledged_tasks = specs(w, 4)});
      return true;
    }
    if (what == "gone") {
      rig_->step(event::ExecutorDisconnected{ConnectionId(connection)});
      return true;
    }
    if (what != "says") return false;
    call::Update update{.has_uuid = true, .has_source = true};
    update.status.task_id = TaskId(at(w, 4));
    for (int s = 0; s <= 13; ++s) {
      const auto state = static_cast<TaskState>(s);
      if (to_string(state) == at(w, 5)) update.status.state = state;
    }
    Uuid uuid;
    uuid.bytes[0] = ++said_;
    update.status.uuid = uuid;
    rig_->call(1000 + said_, executor, update);
    return true;
  }

  std::unique_ptr<Rig> rig_ = std::make_unique<Rig>(slot_options());
  Names names_;
  uint8_t said_ = 0;
};

std::filesystem::path testdata() {
  if (const char* root = std::getenv("SOUK_SOURCE_DIR")) {
    return std::filesystem::path(root) / "src/agent/testdata";
  }
  return std::filesystem::path(__FILE__).parent_path() / "testdata";
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

TEST(AgentGolden, Scripts) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(testdata())) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  ASSERT_GE(files.size(), 4u);
  const bool rewrite = std::getenv("SOUK_REWRITE_GOLDEN") != nullptr;
  for (const auto& file : files) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    const std::string now = replay(text.str());
    EXPECT_EQ(now.find("? not understood"), std::string::npos) << file << "\n" << now;
    if (rewrite) {
      std::ofstream(file) << now;
    } else {
      EXPECT_EQ(text.str(), now) << file << ": if this is meant, run with SOUK_REWRITE_GOLDEN=1";
    }
  }
}

}  // namespace
}  // namespace souk::agent
