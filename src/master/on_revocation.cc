// Revocation (§3.3): the allocator names tasks that have to make room. Their framework is told by
// an inverse offer and has until its deadline to end them in its own way; what runs on is killed
// then. Soft state like all else: after a failover the allocator decides anew.
#include <algorithm>
#include <tuple>
#include <utility>

#include "master/master.h"

namespace souk::master {

namespace call = protocol::call;
namespace event = protocol::event;
using Answer = protocol::InverseOfferView::Answer;

// Null if there is nothing to do, or no more than is done already.
Task* Machine::find_revocable(const allocator::Revocation& revocation) {
  const auto framework = frameworks_.find(revocation.framework);
  if (framework == frameworks_.end()) return nullptr;
  Task* task = framework->second.tasks.find(revocation.task);
  if (task == nullptr || task->ended()) return nullptr;
  return task->inverse_offer != 0 || task->revoked ? nullptr : task;
}

void Machine::revoke(const std::vector<allocator::Revocation>& revocations) {
  // One inverse offer for each framework, agent and deadline.
  std::map<std::tuple<FrameworkKey, AgentKey, MonoTime>, uint64_t> numbers;
  std::map<FrameworkKey, std::vector<uint64_t>> by_framework;
  for (const allocator::Revocation& revocation : revocations) {
    Task* revocable = find_revocable(revocation);
    if (revocable == nullptr) continue;
    Task& task = *revocable;
    Framework& framework = this->framework(task.framework);
    const MonoTime deadline = std::clamp(revocation.deadline, now_.mono, now_.mono + kMaxRefuse);
    uint64_t& number = numbers[{framework.key, task.agent, deadline}];
    if (number == 0) {
      number = next_offer_++;
      OpenInverseOffer offer{.id = offer_id(number),
                             .framework = framework.key,
                             .agent = task.agent,
                             .tasks = {},
                             .start = now_.wall + (deadline - now_.mono)};
      framework.inverse_offers[offer.id] = number;
      inverse_offers_[number] = std::move(offer);
      deadlines_.set({Timer::Kind::kRevocation, number}, deadline);
      by_framework[framework.key].push_back(number);
    }
    task.inverse_offer = number;
    inverse_offers_.at(number).tasks.insert(revocation.task);
    const auto favoured = frameworks_.find(revocation.in_favour_of);
    log(Log::Level::kInfo,
        fmt::format("task {} of framework {} is revoked{}: it has {} ms to end", revocation.task,
                    framework.info.id,
                    favoured == frameworks_.end()
                        ? std::string()
                        : fmt::format(" in favour of framework {}", favoured->second.info.id),
                    (deadline - now_.mono) / 1ms));
  }
  for (const auto& [key, list] : by_framework) send_inverse_offers(framework(key), list);
}

InverseOffer Machine::inverse_offer(const OpenInverseOffer& offer) const {
  const Framework& framework = frameworks_.at(offer.framework);
  const AgentInfo& agent = agents_.at(offer.agent).info;
  InverseOffer told{.id = offer.id,
                    .framework_id = framework.info.id,
                    .agent_id = agent.id,
                    .hostname = agent.hostname,
                    .ip = agent.ip,
                    .port = agent.port,
                    .start = offer.start,
                    .resources = {}};
  for (const TaskId& id : offer.tasks) told.resources += framework.tasks.at(id).resources();
  return told;
}

void Machine::send_inverse_offers(Framework& framework, const std::vector<uint64_t>& numbers) {
  const std::size_t most = std::max<std::size_t>(options_.max_offers_per_event, 1);
  for (std::size_t from = 0; from < numbers.size(); from += most) {
    event::InverseOffers part;
    part.with_reservation_refinement = framework.info.has(Capability::kReservationRefinement);
    for (std::size_t i = from; i < std::min(from + most, numbers.size()); ++i) {
      part.offers.push_back(inverse_offer(inverse_offers_.at(numbers[i])));
    }
    send(framework, std::move(part));
  }
}

// To a scheduler that comes anew: it knows of none.
void Machine::repeat_inverse_offers(Framework& framework) {
  std::vector<uint64_t> numbers;
  for (const auto& [id, number] : framework.inverse_offers) numbers.push_back(number);
  std::ranges::sort(numbers);
  send_inverse_offers(framework, numbers);
}

void Machine::call(Framework& framework, call::AcceptInverseOffers&& call) {
  note_answer(framework, call.offers, Answer::kAccepted);
}

void Machine::call(Framework& framework, call::DeclineInverseOffers&& call) {
  note_answer(framework, call.offers, Answer::kDeclined);
}

// For people to see: the deadline holds either way.
void Machine::note_answer(Framework& framework, const std::vector<OfferId>& ids, Answer answer) {
  for (const OfferId& id : ids) {
    const auto at = framework.inverse_offers.find(id);
    if (at != framework.inverse_offers.end()) inverse_offers_.at(at->second).answer = answer;
  }
}

void Machine::end_revocation(Framework& framework, Task& task) {
  if (task.inverse_offer == 0) return;
  const uint64_t number = std::exchange(task.inverse_offer, 0);
  const auto at = inverse_offers_.find(number);
  at->second.tasks.erase(task.id());
  if (!at->second.tasks.empty()) return;
  deadlines_.cancel({Timer::Kind::kRevocation, number});
  framework.inverse_offers.erase(at->second.id);
  send(framework, event::RescindInverseOffer{std::move(at->second.id)});
  inverse_offers_.erase(at);
}

void Machine::deadline_of_inverse_offer(uint64_t number) {
  const auto at = inverse_offers_.find(number);
  const OpenInverseOffer offer = std::move(at->second);
  inverse_offers_.erase(at);
  Framework& framework = this->framework(offer.framework);
  framework.inverse_offers.erase(offer.id);
  for (const TaskId& id : offer.tasks) {
    Task& task = framework.tasks.at(id);
    task.inverse_offer = 0;
    task.revoked = true;
    // To an agent that is away: when it registers again.
    say_kill(agent(task.agent), framework, task);
  }
}

}  // namespace souk::master
