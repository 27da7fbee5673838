// A cluster as an allocation module sees it, for bench/allocator.cc: agents of one size, frameworks
// in one role or spread over many, filters and tasks, all set up through allocator/allocator.h
// alone. Time is made up: a freed agent every millisecond.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "allocator/allocator.h"
#include "bench/support.h"

namespace souk::bench {

struct Shape {
  uint32_t agents = 0;
  uint32_t frameworks = 0;
  uint32_t roles = 1;
};

// What a cell may take, in CPU time, before it is given up with the reason printed.
struct Bounds {
  int64_t rss_mb = 8192;
  Duration setup = 300s;  // of the filters of one cell
  Duration measure = 2s;  // of one figure
  std::size_t samples = 2000;
};

// Of this thread: what others do on the same core does not count.
inline Duration cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

struct Percentiles {
  double p50 = 0;
  double p99 = 0;
};
inline Percentiles percentiles_us(const std::vector<Duration>& samples) {
  const Summary summary = summarize(samples);
  return {summary.p50 * 1000, summary.p99 * 1000};
}

inline constexpr uint32_t kTasksPerAgent = 4;
// What goes with every decline that is not a filter for the whole run.
inline constexpr Duration kRefuse = 5s;

class World {
 public:
  // Samples of one kind of event.
  struct Decisions {
    std::vector<Duration> freed;     // a task ended: recovered() and allocate()
    std::vector<Duration> declined;  // what that offered comes back refused: the same again
    uint64_t granted = 0;            // how many of `freed` led to an offer
  };
  struct Passes {
    std::vector<Duration> wall;
    std::vector<Duration> cpu;
    std::size_t grants = 0;  // of the last
  };
  struct Storm {
    double round_ms = 0;    // median
    double decline_us = 0;  // a grant and its decline
    uint64_t declines = 0;
  };

  World(Shape shape, const Bounds& bounds, std::unique_ptr<allocator::Allocator> module)
      : shape_(shape), bounds_(bounds), module_(std::move(module)) {
    for (uint32_t role = 0; role < shape.roles; ++role) {
      roles_.push_back(shape.roles == 1 ? "eng" : fmt::format("role{:04}", role));
    }
    for (uint32_t i = 0; i < kTasksPerAgent; ++i) {
      pieces_.push_back(Resources::parse(fmt::format("cpus:2;mem:8192;disk:10000;ports:[{}-{}]",
                                                     31000 + i * 10, 31000 + i * 10))
                            .value());
    }
  }

  allocator::Allocator& module() { return *module_; }
  const std::vector<std::string>& roles() const { return roles_; }
  const Resources& whole() const { return whole_; }

  void add_frameworks() {
    for (uint32_t i = 0; i < shape_.frameworks; ++i) {
      allocator::FrameworkFacts facts;
      facts.key = key(i);
      facts.id = FrameworkId(fmt::format("0d1f7c1e-8a53-4c0a-9d6e-3f1f2ad5e0b7-{:04}", i));
      facts.roles = {role_of(i)};
      // As clusters have them: not all alike.
      facts.capabilities.add(Capability::kMultiRole);
      if (i % 3 > 0) facts.capabilities.add(Capability::kPartitionAware);
      if (i % 3 > 1) facts.capabilities.add(Capability::kGpuResources);
      module_->add_framework(facts, {});
    }
  }

  void add_agents() {
    for (uint32_t i = 0; i < shape_.agents; ++i) {
      allocator::AgentFacts facts;
      facts.key = AgentKey(i);
      facts.id = AgentId(fmt::format("0d1f7c1e-8a53-4c0a-9d6e-3f1f2ad5e0b7-S{}", i));
      facts.hostname = fmt::format("agent{}.example", i);
      facts.total = whole_;
      module_->add_agent(facts);
    }
  }

  // Filters of an hour for this part of all (framework, agent) pairs, drawn at random; those that
  // are there already stay. They come as they come in a cluster, by declines of a whole agent; only
  // the offers before them are taken as learned, since waiting for each to be granted takes days.
  // Fails with the reason where that takes more than the bounds. REQUIRES that all is free.
  std::optional<std::string> filter(uint32_t percent) {
    const Duration start = cpu_time();
    for (uint32_t f = 0; f < shape_.frameworks; ++f) {
      for (uint32_t a = 0; a < shape_.agents; ++a) {
        const uint32_t draw = draw_of(f, a);
        if (draw < filtered_ || draw >= percent) continue;
        module_->allocated(key(f), role_of(f), AgentKey(a), whole_);
        module_->recovered(key(f), role_of(f), AgentKey(a), whole_,
                           allocator::Refusal(1h, ++last_offer_), now_);
        ++filters_;
      }
      const int64_t rss_mb = status_kb(getpid(), "VmRSS") / 1024;
      const auto of_all = [&] {
        return fmt::format("{} of {} frameworks", f + 1, shape_.frameworks);
      };
      if (rss_mb > bounds_.rss_mb && f + 1 < shape_.frameworks) {
        return fmt::format("more than {} MB after the filters of {}", bounds_.rss_mb, of_all());
      }
      if (cpu_time() - start > bounds_.setup && f + 1 < shape_.frameworks) {
        return fmt::format("more than {:.0f} s of CPU after the filters of {}",
                           to_seconds(bounds_.setup), of_all());
      }
    }
    filtered_ = percent;
    return std::nullopt;
  }
  uint64_t filters() const { return filters_; }

  // One allocate() over what is free; what it grants is kept for give_back().
  Duration allocate() {
    tick(1ms);
    decisions_ = {};
    const MonoTime start = runtime::mono_now();
    module_->allocate(now_, decisions_);
    return runtime::mono_now() - start;
  }
  std::size_t granted() const { return decisions_.grants.size(); }

  // Every grant of the last allocate() comes back.
  void give_back(std::optional<allocator::Refusal> refusal) {
    for (const allocator::Grant& grant : decisions_.grants) {
      module_->recovered(grant.framework, grant.role, grant.agent, grant.resources, refusal, now_);
    }
    decisions_ = {};
  }

  // Full passes: all agents are free, one allocate(). Before each, every agent is used for a
  // moment, so that all of them are decided on again.
  Passes passes(std::size_t most) {
    Passes passes;
    const Duration start = cpu_time();
    while (passes.wall.size() < most &&
           (passes.wall.empty() || cpu_time() - start < bounds_.measure)) {
      touch_all();
      const Duration cpu = cpu_time();
      passes.wall.push_back(allocate());
      passes.cpu.push_back(cpu_time() - cpu);
      passes.grants = granted();
      give_back(std::nullopt);
    }
    return passes;
  }

  // Tasks of frameworks drawn at random hold the cpus and memory of all agents; ports and disk are
  // left over, below the minimum of an offer.
  void fill() {
    for (uint32_t a = 0; a < shape_.agents; ++a) {
      for (uint32_t slot = 0; slot < kTasksPerAgent; ++slot) {
        const auto framework = static_cast<uint32_t>(rng_.below(shape_.frameworks));
        tasks_.push_back({framework, a, slot});
        module_->allocated(key(framework), role_of(framework), AgentKey(a), pieces_[slot]);
      }
    }
    allocate();
    give_back(allocator::Refusal(kRefuse));
    allocate();
  }
  void empty() {
    for (const Task& task : tasks_) end(task);
    tasks_.clear();
  }

  // In a full cluster tasks end, one after the other. What this offers is declined once (a filter
  // of 5 s), then accepted by whom it goes to next.
  Decisions decide() {
    Decisions samples;
    const Duration start = cpu_time();
    while (samples.freed.size() < bounds_.samples && cpu_time() - start < 2 * bounds_.measure) {
      Task& task = tasks_[rng_.below(tasks_.size())];
      const std::optional<allocator::Grant> offer =
          offered(samples.freed, task, [&] { end(task); });
      if (!offer) continue;
      ++samples.granted;
      const std::optional<allocator::Grant> second = offered(samples.declined, task, [&] {
        module_->recovered(offer->framework, offer->role, offer->agent, offer->resources,
                           allocator::Refusal(kRefuse, ++last_offer_), now_);
      });
      if (second) accept(*second, task);
    }
    return samples;
  }

  // Whoever gets an offer declines it, for 5 s; a round takes a second.
  Storm storm(std::size_t rounds) {
    Storm storm;
    std::vector<Duration> samples;
    const Duration start = cpu_time();
    while (samples.size() < rounds && cpu_time() - start < 4 * bounds_.measure) {
      tick(1s);
      const MonoTime begin = runtime::mono_now();
      module_->allocate(now_, decisions_);
      storm.declines += granted();
      give_back(allocator::Refusal(kRefuse, ++last_offer_));
      samples.push_back(runtime::mono_now() - begin);
    }
    const double all_us = to_seconds(cpu_time() - start) * 1e6;
    storm.round_ms = summarize(samples).p50;
    storm.decline_us = storm.declines == 0 ? 0 : all_us / static_cast<double>(storm.declines);
    return storm;
  }

  template <class Body>
  Duration for_each_framework(Body body) {
    const MonoTime start = runtime::mono_now();
    for (uint32_t f = 0; f < shape_.frameworks; ++f) body(key(f));
    return runtime::mono_now() - start;
  }

  // Frameworks, one after the other, revive: each with an allocate() of its own.
  std::vector<Duration> revive_each() {
    std::vector<Duration> samples;
    const Duration start = cpu_time();
    while (samples.size() < bounds_.samples && cpu_time() - start < bounds_.measure) {
      const auto f = static_cast<uint32_t>(rng_.below(shape_.frameworks));
      tick(1ms);
      const MonoTime begin = runtime::mono_now();
      module_->revive(key(f), {});
      module_->allocate(now_, decisions_);
      samples.push_back(runtime::mono_now() - begin);
      give_back(allocator::Refusal(kRefuse, ++last_offer_));
    }
    return samples;
  }

 private:
  struct Task {
    uint32_t framework;
    uint32_t agent;
    uint32_t slot;
  };

  static FrameworkKey key(uint32_t f) { return FrameworkKey(f); }
  const std::string& role_of(uint32_t f) const { return roles_[f % roles_.size()]; }
  void tick(Duration step) {
    now_.mono += step;
    now_.wall += step;
  }

  // From 0 to 99, always the same for a pair.
  static uint32_t draw_of(uint32_t f, uint32_t a) {
    uint64_t mixed = (static_cast<uint64_t>(f) << 32 | a) + 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return static_cast<uint32_t>((mixed >> 33) % 100);
  }

  // By nobody in particular.
  void touch_all() {
    for (uint32_t a = 0; a < shape_.agents; ++a) {
      const uint32_t f = a % shape_.frameworks;
      module_->allocated(key(f), role_of(f), AgentKey(a), pieces_[0]);
      module_->recovered(key(f), role_of(f), AgentKey(a), pieces_[0], std::nullopt, now_);
    }
  }

  void end(const Task& task) {
    module_->recovered(key(task.framework), role_of(task.framework), AgentKey(task.agent),
                       pieces_[task.slot], std::nullopt, now_);
  }

  // Times `change` with the allocate() after it. Gives what that granted of the task's agent;
  // nothing: then the task starts again, so that the cluster stays full.
  template <class Change>
  std::optional<allocator::Grant> offered(std::vector<Duration>& samples, const Task& task,
                                          Change change) {
    tick(1ms);
    decisions_.grants.clear();
    const MonoTime start = runtime::mono_now();
    change();
    module_->allocate(now_, decisions_);
    samples.push_back(runtime::mono_now() - start);
    std::optional<allocator::Grant> found;
    for (allocator::Grant& grant : decisions_.grants) {
      if (!found && grant.agent.value == task.agent &&
          grant.resources.contains(pieces_[task.slot])) {
        found = std::move(grant);
      } else {
        module_->recovered(grant.framework, grant.role, grant.agent, grant.resources,
                           allocator::Refusal(kRefuse), now_);
      }
    }
    decisions_ = {};
    if (!found) {
      module_->allocated(key(task.framework), role_of(task.framework), AgentKey(task.agent),
                         pieces_[task.slot]);
    }
    return found;
  }

  void accept(const allocator::Grant& grant, Task& task) {
    const Resources& piece = pieces_[task.slot];
    module_->accepted(grant.framework, grant.role, grant.agent, piece);
    module_->recovered(grant.framework, grant.role, grant.agent, grant.resources - piece,
                       allocator::Refusal(kRefuse, ++last_offer_), now_);
    task.framework = grant.framework.value;
    // What is left over is below the minimum: this settles the books, and offers nothing.
    allocate();
    give_back(allocator::Refusal(kRefuse));
  }

  Shape shape_;
  Bounds bounds_;
  std::unique_ptr<allocator::Allocator> module_;
  Rng rng_{42};
  Now now_{};
  const Resources whole_ =
      Resources::parse("cpus:8;mem:32768;disk:1000000;ports:[31000-32000]").value();
  std::vector<Resources> pieces_;
  std::vector<std::string> roles_;
  std::vector<Task> tasks_;
  allocator::Decisions decisions_;
  uint32_t filtered_ = 0;  // percent
  uint64_t filters_ = 0;
  uint64_t last_offer_ = 0;
};

}  // namespace souk::bench
