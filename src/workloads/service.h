// A framework that keeps a number of instances running, each on a host of its own as far as it can,
// and replaces those that end, fail or are lost. Never done.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "workloads/framework.h"

namespace souk::workloads {

struct ServiceOptions {
  FrameworkOptions framework;
  Resources demand;  // of each instance; REQUIRES that it is not empty
  uint64_t instances = 1;
  Duration length = 365 * 24h;  // of an instance's life
  uint64_t max_per_host = std::numeric_limits<uint64_t>::max();
  std::optional<Duration> refuse;  // what it does not take; nothing: the default
};

class Service final : public Framework {
 public:
  explicit Service(ServiceOptions options);

  // Instances that are seen to run.
  uint64_t up() const { return up_; }
  // When all instances were up for the first time.
  std::optional<MonoTime> ramped_up() const { return ramped_up_; }
  // Instances on each host, launched and not ended.
  const std::map<std::string, uint64_t>& on_host() const { return on_host_; }

 private:
  void offered(Context& context, std::vector<Offer>&& offers) override;
  void task_up(Context& context, const Task& task) override;
  void task_ended(Context& context, const Task& task, bool finished) override;

  uint64_t missing() const;
  std::vector<uint64_t> spread(const std::vector<Offer>& offers);

  const ServiceOptions options_;
  uint64_t up_ = 0;
  std::optional<MonoTime> ramped_up_;
  std::map<std::string, uint64_t> on_host_;
};

}  // namespace souk::workloads
