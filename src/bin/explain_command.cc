// `souk explain`: why a framework is or is not offered what there is.
#include <algorithm>
#include <cstdio>

#include "bin/commands.h"
#include "bin/flags.h"
#include "bin/json_answer.h"
#include "bin/node_flags.h"
#include "runtime/explain_routes.h"
#include "wire/http_text.h"

namespace souk::bin {
namespace {

namespace json = boost::json;

void print_counts(const json::object& answer) {
  const auto explained = static_cast<std::size_t>(number_of(answer, "explained"));
  const json::object& counts = object_of(answer, "counts");
  const bool one_role = array_of(answer, "roles").size() == 1;
  std::printf("\nReasons (%zu %s)\n", explained,
              one_role ? "agents" : "pairs of an agent and a role");
  std::vector<std::vector<std::string>> rows{{"REASON", "COUNT", "MEANING"}};
  for (const auto& each : counts) {
    rows.push_back({std::string(each.key()), fmt::format("{}", number_of(counts, each.key())),
                    text_of(object_of(answer, "meanings"), each.key())});
  }
  if (rows.size() > 1) print_table(rows);
}

void print_sentences(const json::object& answer) {
  const json::array& agents = array_of(answer, "agents");
  if (agents.empty()) return;
  std::printf("\nAgents\n");
  for (const json::value& each : agents) {
    if (each.is_object()) std::printf("  %s\n", text_of(each.as_object(), "text").c_str());
  }
  const auto left_out = static_cast<std::size_t>(number_of(answer, "left_out"));
  if (left_out > 0) std::printf("  ... and %zu more: say --all\n", left_out);
}

struct ExplainCommand {
  explicit ExplainCommand(CLI::App& command) : flags(command) {
    command.add_option("framework", framework, "its id, or its name if only one has it")
        ->required();
    flags.add("master", masters, "HOST:PORT of the master");
    flags.add("agent", agent, "only this agent: its id, or its hostname if only one has it");
    flags.add("reason", reason, "list only agents with this reason, as in --reason=refused");
    flags.add("lines", lines, "how many agents to list");
    flags.add("all", all, fmt::format("list all agents, up to {}", runtime::kMostExplained));
    flags.add("json", as_json, "print the master's answer as JSON");
  }

  int run() {
    auto parsed = parse_masters(masters);
    if (!parsed) return complain(parsed.error());
    const std::string& master = parsed->front();
    auto body = ask_master(master, path());
    if (!body) return complain(body.error());
    if (as_json) {
      std::printf("%s\n", body->c_str());
      return kExitOk;
    }
    const auto answer = parse_answer(master, *body);
    if (!answer) return complain(answer.error());
    for (const json::value& sentence : array_of(*answer, "summary")) {
      if (sentence.is_string()) std::printf("%s\n", sentence.as_string().c_str());
    }
    print_counts(*answer);
    print_sentences(*answer);
    return kExitOk;
  }

  std::string path() const {
    std::string text =
        fmt::format("/souk/v1/explain?framework={}&limit={}", wire::percent_encode(framework),
                    all ? runtime::kMostExplained : std::min(lines, runtime::kMostExplained));
    if (!agent.empty()) text += "&agent=" + wire::percent_encode(agent);
    if (!reason.empty()) text += "&reason=" + wire::percent_encode(reason);
    return text;
  }

  Flags flags;
  std::string framework;
  std::string masters = "127.0.0.1:5050";
  std::string agent;
  std::string reason;
  std::size_t lines = 20;
  bool all = false;
  bool as_json = false;
};

}  // namespace

void add_explain_command(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand(
      "explain", "Say why a framework is or is not offered what is free on each agent");
  command->footer(
      "Examples:\n"
      "  souk explain spark\n"
      "  souk explain spark --agent=node17 --master=10.0.0.1:5050\n"
      "  souk explain spark --reason=refused --all");
  auto state = std::make_shared<ExplainCommand>(*command);
  command->callback([state, &exit_status] { exit_status = state->run(); });
}

}  // namespace souk::bin
