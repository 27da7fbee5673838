#include "bench/paper/cluster.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace souk::paper {
Resources bag(std::string_view text) { return Resources::parse(text).value(); }

sim::MasterProcessOptions master_with(std::string allocator,
                                      std::map<std::string, Scalar> role_weights) {
  sim::MasterProcessOptions options;
  options.allocator = std::move(allocator);
  options.machine.role_weights = role_weights;
  options.allocation.role_weights = std::move(role_weights);
  options.machine.heartbeat_interval = 1h;
  options.machine.ping_interval = 1h;
  return options;
}

sim::AgentProcessOptions agent_on(const std::string& host, std::string_view resources) {
  sim::AgentProcessOptions options;
  options.machine.agent.hostname = host;
  options.machine.agent.ip = "10.0.0.1";
  options.machine.agent.port = 5051;
  options.machine.agent.resources = bag(resources);
  options.machine.version = "0.1.0";
  return options;
}

double uniform(Rng& rng) { return static_cast<double>(rng.next() >> 11) * 0x1p-53; }

workloads::Lengths under_way(Duration length, bool exponential, std::size_t slots,
                             std::size_t rounds, Rng& rng) {
  if (exponential) return workloads::Lengths::exponential(length);
  std::vector<Duration> lengths;
  lengths.reserve(slots * rounds);
  for (std::size_t i = 0; i < slots; ++i) {
    lengths.emplace_back(static_cast<int64_t>(uniform(rng) * static_cast<double>(length.count())));
  }
  lengths.resize(slots * rounds, length);
  return workloads::Lengths::list(std::move(lengths));
}

// "<framework>.<number>"
void Occupancy::on_task_process(const sim::AgentProcess& agent, const ContainerId&,
                                std::string_view name, bool began) {
  running_[std::string(name.substr(0, name.rfind('.')))][agent.id()] += began ? 1 : -1;
}

int Occupancy::running(const sim::AgentProcess& agent, const std::string& framework) const {
  const auto of = running_.find(framework);
  if (of == running_.end()) return 0;
  const auto at = of->second.find(agent.id());
  return at == of->second.end() ? 0 : at->second;
}

int Occupancy::running(const std::string& framework) const {
  const auto of = running_.find(framework);
  int sum = 0;
  if (of != running_.end()) {
    for (const auto& [agent, count] : of->second) sum += count;
  }
  return sum;
}

std::string network_text() {
  const sim::NetworkOptions network;
  const sim::HostTuning host;
  return fmt::format("{} to {} us for each message, {} ms to launch a task",
                     network.delay_least.count() / 1000, network.delay_most.count() / 1000,
                     host.launch.count() / 1'000'000);
}

}  // namespace souk::paper
