// A judge of a run: it looks on from outside, keeps books of its own, and rings at the first thing
// that must never happen. Never changes what it looks at.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "sim/observer.h"
#include "sim/world.h"

namespace souk::sim {

class Checker : public Observer {
 public:
  explicit Checker(const World& world) : world_(world) {}

  virtual std::string_view name() const = 0;
  // The first one: when by virtual time, whose, and what. Nothing: all is well so far.
  const std::optional<std::string>& violation() const { return violation_; }
  // The run is over. `healed`: faults have ended long enough ago for what has to happen in the end
  // to have happened.
  virtual void at_end(bool healed) { static_cast<void>(healed); }

 protected:
  const World& world() const { return world_; }

  template <class... Args>
  void ring(const Process& who, fmt::format_string<Args...> format, Args&&... args) {
    if (violation_) return;
    violation_ = fmt::format("{:.6f}s {}: {}", to_seconds(world_.now().time_since_epoch()),
                             who.name(), fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  const World& world_;
  std::optional<std::string> violation_;
};

}  // namespace souk::sim
