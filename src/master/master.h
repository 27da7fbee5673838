// The master: who shares what (§3). Agents tell what they have, frameworks what they want to run;
// the allocator decides who is offered what, and the master keeps the books between them.
//
// A deterministic state machine: no I/O, no clock, no threads, no exceptions. One thread steps it.
// Same seed, same events, same effects. Input from outside is refused by effects, never by a check.
//
// Declared here, defined by subject: on_framework.cc (subscribe, fail over, tear down), on_offer.cc
// (offers and their answers), on_revocation.cc (inverse offers), on_task.cc (updates, kills,
// reconciliation), on_agent.cc (links, liveness), on_explain.cc (what people ask), on_operator.cc
// (weights, quotas), on_watch.cc (what operators are told), on_timer.cc, on_registry.cc, view.cc
// (what readers see), invariants.cc.
#pragma once

#include <deque>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "allocator/allocator.h"
#include "base/deadlines.h"
#include "base/hash_map.h"
#include "base/result.h"
#include "base/rng.h"
#include "master/effects.h"
#include "master/events.h"
#include "master/options.h"
#include "master/state.h"
#include "master/validate_quota.h"
#include "protocol/master_view.h"

namespace souk::master {

class Machine {
 public:
  Machine(Options options, std::unique_ptr<allocator::Allocator> allocator, Rng rng);

  // Appends to `effects`.
  void step(Now now, Event&& event, Effects& effects);

  // A copy for readers.
  protocol::MasterView view() const;
  // The same without what protocol::finish_view() does, which another thread may do: costs a step
  // for each task and agent, and more only for those that have changed since the last view.
  protocol::MasterView unfinished_view() const;

  // What is wrong with the books, or nothing. For tests and the simulator: walks everything.
  std::optional<std::string> broken_invariant() const;

 private:
  // --- events
  void on(Recovered&& event);
  void on(SchedulerCalled&& event);
  void on(ConnectionClosed&& event);
  void on(AgentSaid&& event);
  void on(LinkClosed&& event);
  void on(FileRequested&& event);
  void on(ExplainRequested&& event);
  void on(ShareRequested&& event);
  void on(OperatorCalled&& event);
  void on(OperatorSubscribed&& event);
  void on(Persisted&& event);
  void on(TimerFired&& event);
  void on(BatchEnded&& event);

  // --- on_framework.cc
  void subscribe(SchedulerCalled&& event);
  void subscribe_known(Framework& framework, SchedulerCalled&& event);
  Framework& add_framework(FrameworkInfo info);
  void connect(Framework& framework, const SchedulerCalled& event,
               const std::vector<std::string>& suppressed);
  void disconnect(Framework& framework);
  void remove_framework(FrameworkKey key, std::string why);
  std::set<AgentKey> agents_with_tasks(const Framework& framework) const;
  // What changed of it, to those that run its tasks.
  void tell_agents_of(const Framework& framework);
  protocol::HttpAnswer update_framework(Framework& framework,
                                        protocol::call::UpdateFramework&& call);
  void refuse_stream(const SchedulerCalled& event, std::string why);
  // Of a SUBSCRIBE or UPDATE_FRAMEWORK.
  std::optional<std::string> refuse_constraints(const FrameworkInfo& info, const auto& call) const;
  std::optional<protocol::HttpAnswer> check_call(const SchedulerCalled& event, Framework*& found);
  protocol::HttpAnswer dispatch(Framework& framework, protocol::SchedulerCallBody&& body);

  // Calls of a subscribed framework: answered 202 whatever comes of them.
  void call(Framework& framework, protocol::call::Teardown&& call);
  void call(Framework& framework, protocol::call::Accept&& call);
  void call(Framework& framework, protocol::call::Decline&& call);
  void call(Framework& framework, protocol::call::AcceptInverseOffers&& call);
  void call(Framework& framework, protocol::call::DeclineInverseOffers&& call);
  void call(Framework& framework, protocol::call::Revive&& call);
  void call(Framework& framework, protocol::call::Suppress&& call);
  void call(Framework& framework, protocol::call::Kill&& call);
  void call(Framework& framework, protocol::call::Shutdown&& call);
  void call(Framework& framework, protocol::call::Acknowledge&& call);
  void call(Framework& framework, protocol::call::Reconcile&& call);
  void call(Framework& framework, protocol::call::ReconcileOperations&& call);
  void call(Framework& framework, protocol::call::Message&& call);

  // --- on_offer.cc
  struct Basket;  // what an ACCEPT draws from
  void make_offers();
  void make_offers(std::vector<allocator::Grant>&& grants);
  Offer make_offer(allocator::Grant&& grant);
  OfferId offer_id(uint64_t number) const;
  // The open offer that goes by this id, or null.
  const OpenOffer* find_offer(const OfferId& id) const;
  void send_offers(Framework& framework, std::vector<Offer> offers);
  // Their numbers, if they can be accepted together.
  Result<std::vector<uint64_t>> check_offers(const Framework& framework,
                                             const std::vector<OfferId>& ids) const;
  void refuse_accept(Framework& framework, const protocol::call::Accept& call, Reason reason,
                     const std::string& why);
  void launch(Basket& basket, std::vector<TaskSpec>&& tasks);
  std::optional<std::string> check_task(const Basket& basket, const TaskSpec& task) const;
  void launch_group(Basket& basket, ExecutorSpec&& executor, std::vector<TaskSpec>&& tasks);
  void refuse_operation(Framework& framework, const OperationId& id, const AgentId& agent,
                        const std::string& why);
  void start(Basket& basket, ExecutorSpec&& executor, bool command_task, bool group,
             std::vector<TaskSpec>&& tasks);
  // Takes an offer off the books; its resources are the caller's to give back.
  OpenOffer take_offer(uint64_t number);
  // Takes it off the books and gives its resources back to the allocator.
  void drop_offer(uint64_t number, allocator::Refusal refusal);
  // The same, and tells the framework.
  void rescind(uint64_t number, allocator::Refusal refusal);
  void rescind_all(const allocator::Rescind& rescind);

  // --- on_revocation.cc
  void revoke(const std::vector<allocator::Revocation>& revocations);
  Task* find_revocable(const allocator::Revocation& revocation);
  void send_inverse_offers(Framework& framework, const std::vector<uint64_t>& numbers);
  void repeat_inverse_offers(Framework& framework);
  InverseOffer inverse_offer(const OpenInverseOffer& offer) const;
  void note_answer(Framework& framework, const std::vector<OfferId>& ids,
                   protocol::InverseOfferView::Answer answer);
  // The task has ended: it need not be killed any more.
  void end_revocation(Framework& framework, Task& task);
  void deadline_of_inverse_offer(uint64_t number);

  // --- on_task.cc
  // Of a new task. `executor`: empty for command tasks.
  static protocol::TaskView view_of(Framework& framework, const Agent& agent, Piece<TaskSpec> spec,
                                    const std::string& role, const ExecutorId& executor);
  Task& add_task(Framework& framework, Agent& agent, Task task);
  const AgentId& agent_id_of(const Task& task) const { return agents_.at(task.agent).info.id; }
  void set_task_state(Framework& framework, Task& task, TaskState state);
  void remove_task(Framework& framework, Task& task);
  // As its scheduler asked, or because it is revoked.
  void say_kill(Agent& agent, const Framework& framework, const Task& task);
  static void note_status(Task& task, const TaskStatus& status);
  Piece<protocol::AgentSummary> view_of(const Agent& agent) const;
  protocol::AgentSummary summary_of(const Agent& agent) const;
  protocol::FrameworkView view_of(const Framework& framework) const;
  // Who it is and how it stands, without what it holds.
  protocol::FrameworkView header_of(const Framework& framework) const;
  void remember_completed(Framework& framework, Piece<protocol::TaskView> view);
  void answer_reconcile(Framework& framework, const TaskId& task, const AgentId& agent);
  void send_status(Framework& framework, Piece<TaskStatus> status);
  // A status that the master itself makes: without a uuid, not sent again.
  TaskStatus master_status(const TaskId& task, const AgentId& agent, TaskState state,
                           std::optional<Reason> reason, std::string message) const;
  void count_terminal(Framework& framework, const TaskStatus& status);
  TaskState lost_or(const Framework& framework, TaskState partition_aware) const;

  // --- on_agent.cc
  void say(Agent& agent, protocol::MasterMessage message);
  // Null if this is not (or no longer) its link.
  Agent* agent_on(AgentKey key, ConnectionId link);
  void say_on(ConnectionId link, protocol::MasterMessage message);
  void heard(ConnectionId link, protocol::to_master::Hello&& message);
  void heard(ConnectionId link, protocol::to_master::Register&& message);
  // Only from an agent that is registered over this link.
  void heard_from(Agent& agent, protocol::to_master::StatusUpdate&& message);
  void heard_from(Agent& agent, protocol::to_master::ExecutorTerminated&& message);
  void heard_from(Agent& agent, protocol::to_master::FrameworkMessage&& message);
  void heard_from(Agent& agent, protocol::to_master::Pong&& message);
  void heard_from(Agent& agent, protocol::to_master::Unregister&& message);
  void heard_from(Agent& agent, protocol::to_master::FileAnswer&& message);
  void refuse_link(ConnectionId link, std::string why);
  std::optional<std::string> refuse_agent(const AgentInfo& info) const;
  // `returned`: the agent was unreachable, for this master or one before it.
  void admit(ConnectionId link, protocol::to_master::Register&& message, bool returned);
  Agent& add_agent(AgentInfo info);
  void update_agent(Agent& agent, AgentInfo info);
  void add_short_slots(Agent& agent);
  void set_agent_active(const Agent& agent, bool active);
  // Makes what the master believes of this agent equal to what it reports.
  void merge_report(Agent& agent, protocol::to_master::Register&& message, bool returned);
  void merge_frameworks(Agent& agent, std::vector<FrameworkInfo>&& infos);
  void merge_executors(Agent& agent, std::vector<protocol::ExecutorRecord>&& records);
  void merge_task(Agent& agent, protocol::TaskRecord&& record, bool returned);
  void drop_unreported(Agent& agent, const std::set<std::pair<FrameworkKey, TaskId>>& reported);
  void forget_unreachable(const Agent& agent);
  void repeat_kills(Agent& agent);
  void agent_disconnected(Agent& agent);
  void start_unreachable(Agent& agent);
  enum class Removal : uint8_t { kUnreachable, kGone };
  void remove_agent(AgentKey key, Removal removal, WallTime since);
  void lose_task(Framework& framework, const TaskId& id, Removal removal, WallTime since);
  void add_executor(Agent& agent, Framework& framework, Executor executor);
  void remove_executor(Agent& agent, FrameworkKey framework, const ExecutorId& id);
  void forget_files_of(const AgentId& agent);
  void forget_link(ConnectionId link);

  // --- on_explain.cc
  // By what people call it: an id, or a name that only one has. Else the answer to give.
  std::expected<const Framework*, protocol::HttpAnswer> named_framework(
      const std::string& name) const;
  std::expected<const Agent*, protocol::HttpAnswer> named_agent(const std::string& name) const;
  void answer_explains();
  protocol::ShareView share_of(const Framework& framework) const;
  protocol::ExplainView explain(const Framework& framework, const Agent* only,
                                const ExplainRequested& event) const;
  protocol::ExplainedAgent explained(const Framework& framework,
                                     allocator::Explanation&& explanation) const;
  protocol::TakenView taken_of(const Agent& agent, bool short_slots) const;

  // --- on_timer.cc
  void arm_timer();
  void fired(const Timer& timer);
  void extend_liveness(Duration gap);
  void ping(Agent& agent);

  // --- on_registry.cc
  void persist(protocol::RegistryOperation operation, std::optional<Pending> pending);
  void persisted(PendingRegistration&& pending);
  void persisted(PendingUnreachable&& pending);
  void persisted(PendingOperatorCall&& pending);

  // --- on_operator.cc
  // What is to be stored for a call, or the answer to it at once.
  using Change = std::expected<protocol::RegistryOperation, protocol::HttpAnswer>;
  void run_operator_calls();
  void end_operator_call(int status, std::string body = {});
  Change change_of(protocol::operator_call::UpdateWeights&& call) const;
  Change change_of(protocol::operator_call::UpdateQuota&& call) const;
  Change change_of(protocol::operator_call::SetQuota&& call) const;
  Change change_of(protocol::operator_call::RemoveQuota&& call) const;
  // Whether the cluster can meet them, and does not exceed them already.
  Result<void> check_quotas(const std::vector<protocol::RoleQuota>& updates) const;
  std::map<std::string, Totals> consumption() const;
  void configure_allocator();
  std::shared_ptr<const protocol::RoleSettings> role_settings() const;

  // --- on_watch.cc
  bool is_watched() const { return !operator_streams_.empty(); }
  // False if it is none.
  bool forget_operator_stream(ConnectionId connection);
  // Once the books say so.
  void tell_added(const Framework& framework, const Task& task);
  void tell_updated(const Framework& framework, const TaskStatus& status, TaskState state);
  void tell_added(const Agent& agent);
  void tell_removed(const AgentId& agent);
  void tell_added(const Framework& framework);
  void tell_updated(const Framework& framework);
  void tell_removed(const Framework& framework);

  // --- look-ups; null if there is none
  Framework* find_framework(const FrameworkId& id);
  const Framework* find_framework(const FrameworkId& id) const;
  Framework& framework(FrameworkKey key);
  Agent* find_agent(const AgentId& id);
  Agent& agent(AgentKey key);  // or by the key of its short slots
  const Agent& agent(AgentKey key) const;
  allocator::FrameworkFacts facts_of(const Framework& framework) const;
  allocator::AgentFacts facts_of(const Agent& agent) const;
  allocator::AgentFacts short_facts_of(const Agent& agent) const;

  std::optional<std::string> broken_connection() const;
  std::optional<std::string> broken_revocation() const;
  std::optional<std::string> broken_pools() const;

  // --- effects
  template <class E>
  void out(E effect) {
    effects_->emplace_back(std::move(effect));
  }
  void respond(ConnectionId connection, int status, std::string body = {});
  void send(Framework& framework, protocol::SchedulerEvent event);
  void log(Log::Level level, std::string text);

  Options options_;
  std::unique_ptr<allocator::Allocator> allocator_;
  Rng rng_;

  // Of the step under way.
  Now now_;
  Effects* effects_ = nullptr;

  bool recovered_ = false;
  WallTime elected_at_;
  protocol::Registry registry_;  // what is stored; changes only on Persisted
  uint64_t next_framework_ = 0;
  uint64_t next_agent_ = 0;
  uint64_t next_offer_ = 1;  // of inverse offers too; 0 means none
  uint32_t next_key_ = 1;

  KeyMap<FrameworkKey, Framework> frameworks_;
  HashMap<std::string, Framework*> framework_ids_;
  std::deque<protocol::FrameworkView> completed_frameworks_;
  HashMap<ConnectionId, FrameworkKey> streams_;

  KeyMap<AgentKey, Agent> agents_;
  HashMap<std::string, Agent*> agent_ids_;
  // Tasks that became unreachable with an agent that is not back, by its id. Some may have been
  // forgotten since.
  HashMap<std::string, std::vector<std::pair<FrameworkKey, TaskId>>> lost_with_;
  std::map<AgentKey, AgentKey> short_keys_;  // whose the short slots are
  HashMap<ConnectionId, Link> links_;
  // The link over which each agent asked to be registered last, as long as it is open: a
  // registration that the registry held up must not take the place of a newer one.
  HashMap<std::string, ConnectionId> latest_links_;
  // Of the registry, not registered with this leader yet; by a number for its deadline.
  std::map<uint64_t, Awaited> awaited_;
  std::map<AgentId, uint64_t> awaited_numbers_;

  HashMap<uint64_t, OpenOffer> offers_;  // by number
  // By number. Each names a task that no other one names, so there are no more of them than tasks.
  std::map<uint64_t, OpenInverseOffer> inverse_offers_;

  protocol::Ticket next_ticket_ = 1;
  std::map<protocol::Ticket, std::pair<protocol::RegistryOperation, std::optional<Pending>>>
      pending_;

  // One at a time: each is checked against what those before it have left. The first is being
  // stored.
  std::deque<OperatorCalled> operator_calls_;
  // For readers; made when one asks, dropped when something changes.
  mutable std::shared_ptr<const protocol::RoleSettings> role_settings_;

  std::deque<ConnectionId> operator_streams_;  // the one that came first in front

  struct FileWait {
    ConnectionId connection;
    AgentId agent;
  };
  std::map<uint64_t, FileWait> file_waits_;
  uint64_t next_file_request_ = 1;

  std::vector<ExplainRequested> explains_;  // answered after the next decision on offers

  Deadlines<Timer, HashMap<Timer, MonoTime>> deadlines_;
  std::optional<MonoTime> armed_;

  protocol::MasterCounters counters_;
};

}  // namespace souk::master
