// `souk quota` and `souk weights`: what is configured of roles, and setting it.
#include <cstdio>

#include "base/text.h"
#include "bin/commands.h"
#include "bin/flags.h"
#include "bin/json_answer.h"
#include "bin/node_flags.h"
#include "model/quota.h"
#include "runtime/http_client.h"

namespace souk::bin {
namespace {

namespace json = boost::json;
using Rows = std::vector<std::vector<std::string>>;

// A call of the operator API; the error is what the master says of it.
Result<void> call_master(const std::string& master, const json::object& call) {
  const auto answer = runtime::http_post(fmt::format("http://{}/api/v1", master),
                                         "application/json", json::serialize(call));
  if (!answer) return fail("no master at {}: {}", master, answer.error().message);
  if (answer->status == 200) return {};
  return fail("{}", answer->body.empty() ? fmt::format("{} answered {}", master, answer->status)
                                         : answer->body);
}

// "cpus:10;mem:1000" from {"cpus":10.0,"mem":1000.0}.
std::string amounts_of(const json::object& quota, std::string_view key) {
  std::string text;
  const json::object& amounts = object_of(quota, key);
  for (const auto& [name, value] : amounts) {
    const auto amount = quota_amount(number_of(amounts, name));
    if (!amount) continue;
    text += fmt::format("{}{}:{}", text.empty() ? "" : ";", std::string_view(name),
                        amount_text(*amount));
  }
  return text.empty() ? "-" : text;
}

json::object scalars_of(const Quantities& amounts) {
  json::object scalars;
  for (const auto& [name, amount] : amounts) {
    scalars[name] = {{"value", amount.to_double()}};
  }
  return scalars;
}

// What both commands have: a master, and that without a sub-command they show.
struct RolesCommand {
  RolesCommand(CLI::App& app, std::string name, const std::string& help)
      : command(*app.add_subcommand(std::move(name), help)), flags(command) {
    flags.add("master", masters, "HOST:PORT of the master");
    flags.add("json", as_json, "print the master's answer as JSON");
    command.require_subcommand(0, 1);
  }

  // A sub-command that may also be given --master.
  CLI::App& add(const std::string& name, const std::string& help) {
    CLI::App* sub = command.add_subcommand(name, help);
    sub->fallthrough();
    return *sub;
  }

  // Runs `act` on the master's address.
  template <class Act>
  int with_master(const Act& act) {
    auto parsed = parse_masters(masters);
    if (!parsed) return complain(parsed.error());
    const Result<void> done = act(parsed->front());
    return done ? kExitOk : complain(done.error());
  }

  // The document at `path` as JSON, or rows made from /roles.
  template <class Row>
  Result<void> show(const std::string& master, const std::string& path, Rows rows, const Row& row) {
    auto body = ask_master(master, as_json ? path : "/roles");
    if (!body) return std::unexpected(body.error());
    if (as_json) {
      std::printf("%s\n", body->c_str());
      return {};
    }
    const auto answer = parse_answer(master, *body);
    if (!answer) return std::unexpected(answer.error());
    for (const json::value& value : array_of(*answer, "roles")) {
      if (value.is_object()) row(value.as_object(), rows);
    }
    print_table(rows);
    return {};
  }

  CLI::App& command;
  Flags flags;
  std::string masters = "127.0.0.1:5050";
  bool as_json = false;
};

struct QuotaCommand : RolesCommand {
  explicit QuotaCommand(CLI::App& app)
      : RolesCommand(app, "quota", "Show and set what roles are guaranteed, and their limits") {
    set = &add("set",
               "Replace the quota of a role; what is not named is not guaranteed, not limited");
    set->add_option("role", role, "the role, as in eng or eng/web")->required();
    set->add_option("--guarantee", guarantee, "what it has a right to, as in \"cpus:10;mem:1000\"");
    set->add_option("--limit", limit, "what it may not exceed, as in \"cpus:20\"");
    set->add_flag("--force", force, "also what the cluster cannot meet, or already exceeds");
    remove = &add("remove", "Remove the quota of a role");
    remove->add_option("role", role, "the role")->required();
    command.footer(
        "Examples:\n"
        "  souk quota\n"
        "  souk quota set eng --guarantee \"cpus:10;mem:1000\" --limit \"cpus:20\"\n"
        "  souk quota remove eng");
  }

  int run() {
    return with_master([this](const std::string& master) -> Result<void> {
      if (set->parsed()) return run_set(master);
      if (remove->parsed()) {
        return call_master(master, {{"type", "REMOVE_QUOTA"}, {"remove_quota", {{"role", role}}}});
      }
      return show(master, "/quota", {{"ROLE", "GUARANTEE", "LIMIT", "CONSUMED"}},
                  [](const json::object& each, Rows& rows) {
                    const json::object& quota = object_of(each, "quota");
                    const std::string guaranteed = amounts_of(quota, "guarantee");
                    const std::string limited = amounts_of(quota, "limit");
                    if (guaranteed == "-" && limited == "-") return;
                    rows.push_back({text_of(each, "name"), guaranteed, limited,
                                    amounts_of(quota, "consumed")});
                  });
    });
  }

  Result<void> run_set(const std::string& master) const {
    const auto guarantees = parse_quota_amounts(guarantee);
    if (!guarantees) return fail("--guarantee: {}", guarantees.error().message);
    const auto limits = parse_quota_amounts(limit);
    if (!limits) return fail("--limit: {}", limits.error().message);
    if (guarantees->empty() && limits->empty()) {
      return fail("say --guarantee or --limit, or `souk quota remove {}`", role);
    }
    const json::object config{
        {"role", role}, {"guarantees", scalars_of(*guarantees)}, {"limits", scalars_of(*limits)}};
    return call_master(
        master, {{"type", "UPDATE_QUOTA"},
                 {"update_quota", {{"force", force}, {"quota_configs", json::array{config}}}}});
  }

  CLI::App* set = nullptr;
  CLI::App* remove = nullptr;
  std::string role;
  std::string guarantee;
  std::string limit;
  bool force = false;
};

struct WeightsCommand : RolesCommand {
  explicit WeightsCommand(CLI::App& app)
      : RolesCommand(app, "weights", "Show and set the weights of roles") {
    set = &add("set", "Set weights; a role with twice the weight gets twice the share");
    set->add_option("weights", weights, "ROLE=WEIGHT ...")->required();
    command.footer(
        "Examples:\n"
        "  souk weights\n"
        "  souk weights set eng=2 ops=0.5");
  }

  int run() {
    return with_master([this](const std::string& master) -> Result<void> {
      if (set->parsed()) return run_set(master);
      return show(
          master, "/weights", {{"ROLE", "WEIGHT"}}, [](const json::object& each, Rows& rows) {
            rows.push_back({text_of(each, "name"), fmt::format("{:g}", number_of(each, "weight"))});
          });
    });
  }

  Result<void> run_set(const std::string& master) const {
    json::array infos;
    for (const std::string& text : weights) {
      const std::size_t equals = text.find('=');
      const auto parsed = equals == std::string::npos
                              ? Result<Quantities>(fail("no weight"))
                              : parse_quota_amounts("weight:" + text.substr(equals + 1));
      if (!parsed || parsed->empty()) {
        return fail("{} is not ROLE=WEIGHT, as in eng=2", quote(text));
      }
      infos.push_back(json::object{{"role", text.substr(0, equals)},
                                   {"weight", parsed->front().second.to_double()}});
    }
    return call_master(master, {{"type", "UPDATE_WEIGHTS"},
                                {"update_weights", {{"weight_infos", std::move(infos)}}}});
  }

  CLI::App* set = nullptr;
  std::vector<std::string> weights;
};

template <class Command>
void add_command(CLI::App& app, int& exit_status) {
  auto state = std::make_shared<Command>(app);
  state->command.callback([state, &exit_status] { exit_status = state->run(); });
}

}  // namespace

void add_roles_commands(CLI::App& app, int& exit_status) {
  add_command<QuotaCommand>(app, exit_status);
  add_command<WeightsCommand>(app, exit_status);
}

}  // namespace souk::bin
