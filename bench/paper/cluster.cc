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
    lengths.push_back(
        Duration(static_cast<int64_t>(uniform(rng) * static_cast<double>(length.count()))));
  }
  lengths.resize(slots * rounds, length);
  return workloads::Lengths::list(std::move(lengths));
}

std::string network_text() {
  const sim::NetworkOptions network;
  const sim::HostTuning host;
  return fmt::format("{} to {} us for each message, {} ms to launch a task",
                     network.delay_least.count() / 1000, network.delay_most.count() / 1000,
                     host.launch.count() / 1'000'000);
}

}  // namespace souk::paper
