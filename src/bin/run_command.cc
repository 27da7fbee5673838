// `souk run`: a command as tasks of a framework of its own.
#include <unistd.h>

#include <cstdio>
#include <map>
#include <thread>

#include "base/text.h"
#include "bin/commands.h"
#include "bin/flags.h"
#include "bin/node_flags.h"
#include "bin/output_follower.h"
#include "runtime/http_client.h"
#include "runtime/loop.h"
#include "runtime/signals.h"
#include "souk/scheduler.h"

namespace souk::bin {
namespace {

struct RunOptions {
  std::string masters = "127.0.0.1:5050";
  double cpus = 0.1;
  double mem = 32;
  std::string more_resources;
  unsigned instances = 1;
  unsigned retries = 0;
  std::string name;
  std::string user;
  std::string role = "*";
  std::vector<std::string> environment;
  bool shell = false;
  bool quiet = false;
  std::vector<std::string> command;
};

// The exit status that the agent put into the labels, or nothing.
std::optional<int> exit_code_of(const TaskStatus& status) {
  for (const Label& label : status.labels) {
    if (label.key == "souk.exit_code" && label.value) return std::atoi(label.value->c_str());
  }
  return std::nullopt;
}

// Runs on the driver's thread, but for interrupt().
class Run {
 public:
  Run(RunOptions options, std::vector<std::string> masters);
  int run();
  // The first time: kill everything and leave. Thread-safe.
  void interrupt() { driver_.stop(true); }

 private:
  struct Instance {
    unsigned number = 0;
    unsigned attempts = 0;
    bool running = false;
    bool ended = false;
  };

  void take(const std::vector<Offer>& offers);
  TaskSpec task_of(Instance& instance, const Offer& offer);
  void hear(const TaskStatus& status);
  void ended(Instance& instance, const TaskStatus& status);
  void finish_if_all_ended();
  void show_progress();
  void say(const std::string& text);

  RunOptions options_;
  std::string resources_;
  Resources needed_;
  SchedulerDriver driver_;
  OutputFollower follower_;
  FrameworkId framework_;
  std::vector<Instance> instances_;
  std::map<TaskId, Instance*> tasks_;  // of attempts that have not ended
  std::vector<Instance*> waiting_;     // to be launched
  unsigned done_ = 0;
  unsigned failed_ = 0;
  unsigned outputs_open_ = 0;
  int exit_status_ = kExitOk;
  bool suppressed_ = false;
  bool progress_;
};

SchedulerDriver::Options driver_options(const RunOptions& options,
                                        const std::vector<std::string>& masters) {
  SchedulerDriver::Options out;
  out.masters = masters;
  out.framework.name = "souk run " + options.name;
  out.framework.user = options.user;
  out.framework.roles = {options.role};
  return out;
}

Run::Run(RunOptions options, std::vector<std::string> masters)
    : options_(std::move(options)),
      driver_(driver_options(options_, masters)),
      follower_(masters.front()),
      instances_(options_.instances),
      progress_(!options_.quiet && options_.instances > 1 && isatty(STDERR_FILENO) != 0) {
  resources_ = fmt::format("cpus:{};mem:{}", options_.cpus, options_.mem);
  if (!options_.more_resources.empty()) resources_ += ";" + options_.more_resources;
  for (unsigned i = 0; i < options_.instances; ++i) {
    instances_[i].number = i;
    waiting_.push_back(&instances_[i]);
  }
}

void Run::say(const std::string& text) {
  if (!options_.quiet) std::fprintf(stderr, "souk run: %s\n", text.c_str());
}

void Run::show_progress() {
  if (!progress_) return;
  const std::size_t running = tasks_.size();
  std::fprintf(stderr, "\r\x1b[Ksouk run: %u of %u done, %zu running, %zu waiting", done_,
               options_.instances, running, waiting_.size());
  if (done_ == options_.instances) std::fputc('\n', stderr);
  std::fflush(stderr);
}

int Run::run() {
  auto needed = Resources::parse(resources_);
  if (!needed) return complain(needed.error());
  if (needed->empty()) return complain({"a task needs resources: say --cpus or --mem"});
  needed_ = std::move(*needed);
  driver_.on_subscribed = [this](const FrameworkId& id) { framework_ = id; };
  driver_.on_offers = [this](const std::vector<Offer>& offers) { take(offers); };
  driver_.on_update = [this](const TaskStatus& status) { hear(status); };
  driver_.on_disconnected = [this](const std::string& why) {
    say("no connection to the master, trying again: " + why);
  };
  const auto result = driver_.run();
  if (!result) return complain(result.error());
  return exit_status_;
}

TaskSpec Run::task_of(Instance& instance, const Offer& offer) {
  Command command;
  if (options_.shell) {
    for (const std::string& word : options_.command) {
      command.line += (command.line.empty() ? "" : " ") + word;
    }
  } else {
    command.argv = options_.command;
  }
  for (const std::string& entry : options_.environment) {
    const std::size_t equals = entry.find('=');
    command.environment.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  command.environment.emplace_back("SOUK_INSTANCE", fmt::format("{}", instance.number));
  const std::string id =
      instance.attempts == 0
          ? fmt::format("{}.{}", options_.name, instance.number)
          : fmt::format("{}.{}.{}", options_.name, instance.number, instance.attempts);
  ++instance.attempts;
  // The resources were parsed once already, so this cannot fail.
  return command_task(id, offer, resources_, std::move(command)).value();
}

void Run::take(const std::vector<Offer>& offers) {
  for (const Offer& offer : offers) {
    std::vector<TaskSpec> tasks;
    Resources left = offer.resources;
    while (!waiting_.empty() && left.contains(needed_)) {
      left -= needed_;
      Instance& instance = *waiting_.back();
      waiting_.pop_back();
      tasks.push_back(task_of(instance, offer));
      tasks_[tasks.back().id] = &instance;
    }
    if (tasks.empty()) {
      driver_.decline({offer.id}, 5s);
    } else {
      driver_.launch({offer.id}, std::move(tasks), 0s);
    }
  }
  if (waiting_.empty() && !suppressed_) {
    suppressed_ = true;
    driver_.suppress();
  }
  show_progress();
}

void Run::hear(const TaskStatus& status) {
  const auto at = tasks_.find(status.task_id);
  if (at == tasks_.end()) {
    // Of an agent that was given up and came back: what it runs was run again elsewhere.
    if (!is_terminal(status.state)) driver_.kill(status.task_id, status.agent_id);
    return;
  }
  Instance& instance = *at->second;
  if (status.state == TaskState::kRunning && !instance.running) {
    instance.running = true;
    const std::string sandbox =
        fmt::format("/frameworks/{}/executors/{}/runs/{}", framework_, status.task_id,
                    status.container_id.empty() ? "latest" : status.container_id.value);
    const std::string prefix =
        options_.instances > 1 ? fmt::format("[{}] ", instance.number) : std::string();
    follower_.follow(status.task_id, status.agent_id, sandbox, prefix);
  }
  if (!is_terminal(status.state)) return;
  tasks_.erase(at);
  ended(instance, status);
  show_progress();
}

void Run::ended(Instance& instance, const TaskStatus& status) {
  instance.running = false;
  ++outputs_open_;
  follower_.finish(status.task_id, [this] {
    driver_.call_after(0s, [this] {
      --outputs_open_;
      finish_if_all_ended();
    });
  });
  const bool good = status.state == TaskState::kFinished;
  // What was lost is run again: it is not the command's fault. What failed, as often as was asked
  // for.
  const bool lost = status.state == TaskState::kLost || status.state == TaskState::kDropped ||
                    status.state == TaskState::kGone || status.state == TaskState::kGoneByOperator;
  if (!good && (lost || instance.attempts <= options_.retries)) {
    say(fmt::format("{} {}; running it again", status.task_id, to_string(status.state)));
    waiting_.push_back(&instance);
    suppressed_ = false;
    return driver_.revive();
  }
  if (!good) {
    ++failed_;
    say(fmt::format("{} {}: {}", status.task_id, to_string(status.state), status.message));
    if (exit_status_ == kExitOk) {
      const int code = exit_code_of(status).value_or(kExitFailed);
      exit_status_ = code == 0 ? kExitFailed : code;
    }
  }
  instance.ended = true;
  ++done_;
}

void Run::finish_if_all_ended() {
  if (done_ == options_.instances && outputs_open_ == 0) driver_.stop(true);
}

struct RunCommand {
  explicit RunCommand(CLI::App& command) : flags(command) {
    log.level = "error";
    flags.add("master", options.masters, "HOST:PORT of the master; several divided by commas");
    flags.add("cpus", options.cpus, "CPUs of each task");
    flags.add("mem", options.mem, "memory of each task, in MB");
    flags.add("resources", options.more_resources,
              "further resources, as in \"ports:[31000-31000]\"");
    flags.add("instances", options.instances,
              "how many tasks; each finds its number in SOUK_INSTANCE");
    flags.add("retries", options.retries, "how often to run a task again that has failed");
    flags.add("name", options.name, "a name for people; default: the program's");
    flags.add("user", options.user, "user to run as; default: who calls");
    flags.add("role", options.role, "role whose share of the cluster to use");
    flags.add("shell", options.shell, "give the command to `sh -c`");
    flags.add("quiet", options.quiet, "say nothing but what the tasks write");
    command.add_option("--env", options.environment, "NAME=VALUE for the task; may be repeated")
        ->allow_extra_args(false);
    log.add_to(flags);
    command.add_option("command", options.command, "the program and its arguments")->required();
    command.positionals_at_end();
  }

  int run() {
    if (auto ready = log.set_up(); !ready) return complain(ready.error());
    auto masters = parse_masters(options.masters);
    if (!masters) return complain(masters.error());
    for (const std::string& entry : options.environment) {
      if (entry.find('=') == std::string::npos || entry.starts_with('=')) {
        return complain({fmt::format("--env '{}' is not NAME=VALUE", entry)});
      }
    }
    if (options.instances == 0) return complain({"--instances must be above zero"});
    if (options.name.empty()) {
      const std::string& program = options.command.front();
      options.name = program.substr(program.rfind('/') + 1);
      options.name = options.name.substr(0, options.name.find(' '));
    }
    if (auto valid = validate_id(options.name + ".0"); !valid) return complain(valid.error());
    UntilSignal until;
    Run task(options, *masters);
    int signal = 0;
    std::jthread waiter([&] {
      signal = until.wait();
      if (signal != 0) task.interrupt();
    });
    const int status = task.run();
    until.end();
    waiter.join();
    return signal != 0 ? 128 + signal : status;
  }

  Flags flags;
  RunOptions options;
  LogFlags log;
};

}  // namespace

void add_run_command(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand(
      "run", "Run a command on the cluster, stream its output, exit with its status");
  command->footer(
      "Examples:\n"
      "  souk run -- hostname\n"
      "  souk run --cpus=1 --mem=256 --instances=8 -- ./work.sh part\n"
      "  souk run --shell -- 'echo $SOUK_INSTANCE; sleep 5'\n"
      "Ctrl-C kills the tasks. A task that was lost with its agent is run again.");
  auto state = std::make_shared<RunCommand>(*command);
  command->callback([state, &exit_status] { exit_status = state->run(); });
}

}  // namespace souk::bin
