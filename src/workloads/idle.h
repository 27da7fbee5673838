// Frameworks that run nothing, to see what becomes of the others (§3.5, §4.6).
#pragma once

#include <optional>
#include <utility>

#include "workloads/framework.h"

namespace souk::workloads {

// Declines every offer at once.
class Decliner final : public Framework {
 public:
  explicit Decliner(FrameworkOptions framework, std::optional<Duration> refuse = Duration(0))
      : Framework(std::move(framework)), refuse_(refuse) {}

 private:
  void offered(Context& context, std::vector<Offer>&& offers) override {
    std::vector<OfferId> declined;
    declined.reserve(offers.size());
    for (Offer& offer : offers) declined.push_back(std::move(offer.id));
    decline(context, std::move(declined), refuse_);
  }
  void task_ended(Context&, const Task&, bool) override {}

  const std::optional<Duration> refuse_;
};

// Never answers an offer: sits on all it is offered until they are rescinded.
class Sitter final : public Framework {
 public:
  explicit Sitter(FrameworkOptions framework) : Framework(std::move(framework)) {}

  std::size_t holds() const { return open().size(); }
  const std::vector<Offer>& offers() const { return open(); }

 private:
  void offered(Context&, std::vector<Offer>&& offers) override {
    for (Offer& offer : offers) keep(std::move(offer));
  }
  void task_ended(Context&, const Task&, bool) override {}
};

}  // namespace souk::workloads
