// `souk status`: what there is on a cluster, for people or as JSON.
#include <cstdio>
#include <map>

#include "base/text.h"
#include "bin/commands.h"
#include "bin/flags.h"
#include "bin/json_answer.h"
#include "bin/node_flags.h"

namespace souk::bin {
namespace {

namespace json = boost::json;

std::string used_of(const json::object& agent, std::string_view name) {
  return fmt::format("{:g}/{:g}", number_of(object_of(agent, "used_resources"), name),
                     number_of(object_of(agent, "resources"), name));
}

std::string share_of(const json::object& framework) {
  const json::object& share = object_of(framework, "souk_share");
  const double total = number_of(share, "total");
  if (total == 0) return "0%";
  return fmt::format("{:.1f}% {}", 100 * number_of(share, "used") / total,
                     text_of(share, "resource"));
}

void print_agents(const json::object& state) {
  const json::array& agents = array_of(state, "slaves");
  std::printf("\nAgents (%zu)\n", agents.size());
  std::vector<std::vector<std::string>> rows{{"ID", "HOSTNAME", "STATE", "CPUS", "MEM", "DISK"}};
  for (const json::value& value : agents) {
    const json::object& agent = value.as_object();
    rows.push_back({text_of(agent, "id"), text_of(agent, "hostname"),
                    flag_of(agent, "active") ? "active" : "away", used_of(agent, "cpus"),
                    used_of(agent, "mem"), used_of(agent, "disk")});
  }
  if (rows.size() > 1) print_table(rows);
}

void print_frameworks(const json::object& state, std::size_t most) {
  const json::array& frameworks = array_of(state, "frameworks");
  std::printf("\nFrameworks (%zu)\n", frameworks.size());
  std::vector<std::vector<std::string>> rows{{"ID", "NAME", "STATE", "TASKS", "OFFERS", "SHARE"}};
  std::vector<std::vector<std::string>> tasks{{"FRAMEWORK", "TASK", "STATE", "AGENT"}};
  std::map<std::string, std::string> hostnames;
  for (const json::value& agent : array_of(state, "slaves")) {
    hostnames[text_of(agent.as_object(), "id")] = text_of(agent.as_object(), "hostname");
  }
  std::size_t total = 0;
  for (const json::value& value : frameworks) {
    const json::object& framework = value.as_object();
    rows.push_back({text_of(framework, "id"), text_of(framework, "name"),
                    flag_of(framework, "active") ? "active" : "away",
                    fmt::format("{}", array_of(framework, "tasks").size()),
                    fmt::format("{}", array_of(framework, "offers").size()), share_of(framework)});
    for (const json::value& each : array_of(framework, "tasks")) {
      const json::object& task = each.as_object();
      if (++total > most) continue;
      tasks.push_back({text_of(framework, "name"), text_of(task, "id"), text_of(task, "state"),
                       hostnames[text_of(task, "slave_id")]});
    }
  }
  if (rows.size() > 1) print_table(rows);
  std::printf("\nTasks (%zu)\n", total);
  if (tasks.size() > 1) print_table(tasks);
  if (total > most) std::printf("  ... and %zu more: say --tasks=%zu\n", total - most, total);
}

struct StatusCommand {
  explicit StatusCommand(CLI::App& command) : flags(command) {
    flags.add("master", masters, "HOST:PORT of the master");
    flags.add("json", as_json, "print the master's state as JSON");
    flags.add("tasks", most_tasks, "how many tasks to list");
  }

  int run() {
    auto parsed = parse_masters(masters);
    if (!parsed) return complain(parsed.error());
    const std::string& master = parsed->front();
    auto body = ask_master(master, "/state");
    if (!body) return complain(body.error());
    if (as_json) {
      std::printf("%s\n", body->c_str());
      return kExitOk;
    }
    const auto state = parse_answer(master, *body);
    if (!state) return complain(state.error());
    print(*state, master);
    return kExitOk;
  }

  void print(const json::object& state, const std::string& master) const {
    const std::string cluster = text_of(state, "cluster");
    std::printf("Master %s (%s)%s%s\n", master.c_str(), text_of(state, "id").c_str(),
                cluster.empty() ? "" : ", cluster ", cluster.c_str());
    print_agents(state);
    print_frameworks(state, most_tasks);
  }

  Flags flags;
  std::string masters = "127.0.0.1:5050";
  bool as_json = false;
  std::size_t most_tasks = 20;
};

}  // namespace

void add_status_command(CLI::App& app, int& exit_status) {
  CLI::App* command =
      app.add_subcommand("status", "Show agents, frameworks, their shares and tasks");
  command->footer("Example:\n  souk status --master=10.0.0.1:5050");
  auto state = std::make_shared<StatusCommand>(*command);
  command->callback([state, &exit_status] { exit_status = state->run(); });
}

}  // namespace souk::bin
