#include "runtime/emulate_agents.h"

#include <algorithm>
#include <future>
#include <thread>
#include <utility>

#include "base/version.h"
#include "runtime/clock.h"
#include "runtime/emulated_agent.h"
#include "runtime/file_table.h"
#include "runtime/log.h"
#include "runtime/loop.h"

namespace souk::runtime {
namespace {

// Of one table: what is no agent's link (logs, loops, what the process began with), with room to
// spare for links that are being replaced.
constexpr uint64_t kOtherFiles = 512;
constexpr Duration kConnectTick = 10ms;

bool is_loopback(const std::string& master) { return master.starts_with("127."); }

}  // namespace

std::string emulated_address(std::size_t number) {
  // 127.0.x.x is left to others. No address ends in 0 or 255.
  const std::size_t last = number % 254 + 1;
  const std::size_t third = number / 254 % 256;
  const std::size_t second = number / (254 * 256) % 255 + 1;
  return fmt::format("127.{}.{}.{}", second, third, last);
}

struct EmulateAgents::Impl {
  // The agents of one thread. All but `counts` and `loop` is the thread's.
  struct Shard {
    explicit Shard(const Impl& o, unsigned i) : owner(o), index(i) {}

    void run(std::promise<void>& ready);
    void add(std::size_t number);
    void add_some();

    const Impl& owner;
    unsigned index;
    Loop* loop = nullptr;
    EmulatedAgentCounts counts;
    std::unique_ptr<HttpClient> client;
    std::vector<std::unique_ptr<EmulatedAgent>> agents;
    std::size_t next = 0;  // the number of the agent to be added
    std::thread thread;
  };

  EmulateAgentsOptions options;
  bool own_tables = false;
  std::vector<std::unique_ptr<Shard>> shards;

  void each_agent(void (EmulatedAgent::*call)());
};

void EmulateAgents::Impl::Shard::run(std::promise<void>& ready) {
  Loop mine;
  if (owner.own_tables) {
    if (auto own = own_file_table(); !own) {
      log_warning("this thread shares the table of open files with the others",
                  {{"why", own.error().message}, {"limit", open_files_limit()}});
    }
  }
  client = std::make_unique<HttpClient>(mine, HttpClient::Options{.connect_timeout = 15s});
  loop = &mine;
  next = index;
  mine.post([this] { add_some(); });
  ready.set_value();
  mine.run();
  agents.clear();
  client.reset();
}

void EmulateAgents::Impl::Shard::add(std::size_t number) {
  const EmulateAgentsOptions& options = owner.options;
  EmulatedAgentOptions agent{.machine = options.machine,
                             .masters = options.masters,
                             .local_ip = options.spread ? emulated_address(number) : std::string(),
                             .task_length = options.task_length};
  AgentInfo& info = agent.machine.agent;
  info.hostname = fmt::format("{}-{}", options.name, number);
  info.ip = options.spread ? agent.local_ip : "127.0.0.1";
  info.port = 5051;
  info.version = std::string(kVersion);
  agent.machine.version = info.version;
  agent.machine.work_dir = "(memory)";
  const Rng rng = Rng(options.seed).fork(info.hostname);
  agents.push_back(std::make_unique<EmulatedAgent>(*loop, *client, counts, std::move(agent), rng));
  agents.back()->start();
}

// As many as the rate allows for one tick of all threads.
void EmulateAgents::Impl::Shard::add_some() {
  const EmulateAgentsOptions& options = owner.options;
  const std::size_t ticks_per_s = 1s / kConnectTick;
  const std::size_t threads = owner.shards.size();
  std::size_t left = options.count;
  if (options.connects_per_s > 0) {
    left = std::max<std::size_t>(options.connects_per_s / ticks_per_s / threads, 1);
  }
  for (; next < options.count && left > 0; --left, next += threads) add(next);
  if (next < options.count) loop->call_after(kConnectTick, [this] { add_some(); });
}

void EmulateAgents::Impl::each_agent(void (EmulatedAgent::*call)()) {
  for (const auto& shard : shards) {
    shard->loop->post([&shard = *shard, call] {
      for (const auto& agent : shard.agents) (*agent.*call)();
    });
  }
}

EmulateAgents::EmulateAgents(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

EmulateAgents::~EmulateAgents() {
  for (const auto& shard : impl_->shards) shard->loop->stop();
  for (const auto& shard : impl_->shards) shard->thread.join();
}

Result<std::unique_ptr<EmulateAgents>> EmulateAgents::start(EmulateAgentsOptions options) {
  auto impl = std::make_unique<Impl>();
  options.spread = options.spread && std::ranges::all_of(options.masters, is_loopback);
  const uint64_t limit = open_files_limit();
  const uint64_t room = std::max<uint64_t>(limit - std::min(limit / 2, kOtherFiles), 1);
  if (options.threads == 0) {
    options.threads = static_cast<unsigned>((options.count + room - 1) / room);
  }
  options.threads = std::clamp(options.threads, 1u, 256u);
  impl->own_tables = options.count > room;
  impl->options = std::move(options);
  for (unsigned i = 0; i < impl->options.threads; ++i) {
    impl->shards.push_back(std::make_unique<Impl::Shard>(*impl, i));
  }
  // One after the other: each copies the table that is open then.
  for (const auto& shard : impl->shards) {
    std::promise<void> ready;
    shard->thread = std::thread([&shard = *shard, &ready] { shard.run(ready); });
    ready.get_future().wait();
  }
  return std::unique_ptr<EmulateAgents>(new EmulateAgents(std::move(impl)));
}

EmulateAgentsTotals EmulateAgents::totals() const {
  EmulateAgentsTotals totals;
  for (const auto& shard : impl_->shards) {
    const EmulatedAgentCounts& counts = shard->counts;
    totals.registered += counts.registered;
    totals.running += counts.running;
    totals.started += counts.started;
    totals.finished += counts.finished;
    totals.killed += counts.killed;
    totals.links_lost += counts.links_lost;
    totals.stopped += counts.stopped;
  }
  return totals;
}

void EmulateAgents::drop_links() { impl_->each_agent(&EmulatedAgent::drop_link); }
void EmulateAgents::leave() { impl_->each_agent(&EmulatedAgent::leave); }

}  // namespace souk::runtime
