#include "souk/scheduler.h"

#include <pwd.h>
#include <unistd.h>

#include <utility>

#include "protocol/scheduler_api.h"
#include "runtime/loop.h"
#include "runtime/scheduler_session.h"
#include "wire/command.h"

namespace souk {

namespace call = protocol::call;
namespace event = protocol::event;

namespace {

std::string own_user() {
  const passwd* entry = getpwuid(geteuid());
  return entry == nullptr ? "root" : entry->pw_name;
}

scheduler::Options machine_options(const SchedulerDriver::Options& options) {
  scheduler::Options out;
  out.framework = options.framework;
  if (out.framework.user.empty()) out.framework.user = own_user();
  if (out.framework.roles.empty()) out.framework.roles = {"*"};
  out.masters = options.masters;
  out.suppressed_roles = options.suppressed_roles;
  out.offer_constraints = options.offer_constraints;
  out.acknowledge = options.acknowledge;
  return out;
}

}  // namespace

struct SchedulerDriver::Impl final : runtime::SchedulerSession::Listener {
  Impl(SchedulerDriver& d, const Options& o)
      : driver(d),
        session(loop, machine_options(o),
                o.use_protobuf ? wire::ContentType::kProtobuf : wire::ContentType::kJson,
                {.answer_timeout = 30s}, *this) {}

  // From any thread: in the order of the calls.
  void ask(protocol::SchedulerCallBody body) {
    loop.post([this, b = std::move(body)]() mutable { session.ask(std::move(b)); });
  }

  void on_event(protocol::SchedulerEvent&& event) override;
  void on_disconnected(const std::string& why) override {
    if (driver.on_disconnected) driver.on_disconnected(why);
  }
  void on_end(std::optional<std::string> error) override {
    if (error) result = std::unexpected(Error{std::move(*error)});
    loop.stop();
  }

  SchedulerDriver& driver;
  runtime::Loop loop;
  runtime::SchedulerSession session;
  Result<void> result;
};

void SchedulerDriver::Impl::on_event(protocol::SchedulerEvent&& event) {
  if (auto* subscribed = std::get_if<event::Subscribed>(&event)) {
    if (driver.on_subscribed) driver.on_subscribed(subscribed->framework);
  } else if (auto* offers = std::get_if<event::Offers>(&event)) {
    if (driver.on_offers) driver.on_offers(std::move(offers->offers));
  } else if (auto* rescind = std::get_if<event::Rescind>(&event)) {
    if (driver.on_rescinded) driver.on_rescinded(rescind->offer);
  } else if (auto* inverse = std::get_if<event::InverseOffers>(&event)) {
    if (driver.on_inverse_offers) driver.on_inverse_offers(std::move(inverse->offers));
  } else if (auto* ended = std::get_if<event::RescindInverseOffer>(&event)) {
    if (driver.on_inverse_offer_rescinded) driver.on_inverse_offer_rescinded(ended->offer);
  } else if (auto* update = std::get_if<event::Update>(&event)) {
    if (driver.on_update) driver.on_update(update->status);
  } else if (auto* message = std::get_if<event::Message>(&event)) {
    if (driver.on_message) {
      driver.on_message(message->agent, message->executor, std::string(message->data.view()));
    }
  } else if (auto* failure = std::get_if<event::Failure>(&event)) {
    if (driver.on_failure) driver.on_failure(failure->agent, failure->executor, failure->status);
  }
}

Result<TaskSpec> command_task(std::string id, const Offer& offer, std::string_view resources,
                              Command command) {
  auto parsed = Resources::parse(resources);
  if (!parsed) return std::unexpected(parsed.error());
  TaskSpec task;
  task.name = id;
  task.id = TaskId(std::move(id));
  task.agent_id = offer.agent_id;
  task.resources = std::move(*parsed);
  wire::CommandSpec spec;
  spec.shell = command.argv.empty();
  spec.value = spec.shell ? std::move(command.line) : command.argv.front();
  spec.arguments = std::move(command.argv);
  spec.environment = std::move(command.environment);
  spec.user = std::move(command.user);
  return wire::with_command(std::move(task), spec);
}

SchedulerDriver::SchedulerDriver(const Options& options)
    : impl_(std::make_unique<Impl>(*this, options)) {}
SchedulerDriver::~SchedulerDriver() = default;

Result<void> SchedulerDriver::run() {
  impl_->loop.post([this] { impl_->session.start(); });
  impl_->loop.run();
  return impl_->result;
}

void SchedulerDriver::stop(bool teardown) {
  impl_->loop.post([this, teardown] { impl_->session.stop(teardown); });
}

void SchedulerDriver::launch(const std::vector<OfferId>& offers, std::vector<TaskSpec> tasks,
                             std::optional<Duration> refuse) {
  call::Accept accept{offers, {}, {refuse}};
  accept.operations.push_back({{}, protocol::Launch{std::move(tasks)}});
  impl_->ask(std::move(accept));
}

void SchedulerDriver::launch_group(const std::vector<OfferId>& offers, ExecutorSpec executor,
                                   std::vector<TaskSpec> tasks, std::optional<Duration> refuse) {
  call::Accept accept{offers, {}, {refuse}};
  accept.operations.push_back({{}, protocol::LaunchGroup{std::move(executor), std::move(tasks)}});
  impl_->ask(std::move(accept));
}

void SchedulerDriver::decline(const std::vector<OfferId>& offers, std::optional<Duration> refuse) {
  impl_->ask(call::Decline{offers, {refuse}});
}

void SchedulerDriver::accept_inverse_offers(const std::vector<OfferId>& offers) {
  impl_->ask(call::AcceptInverseOffers{offers});
}
void SchedulerDriver::decline_inverse_offers(const std::vector<OfferId>& offers) {
  impl_->ask(call::DeclineInverseOffers{offers});
}
void SchedulerDriver::suppress(std::vector<std::string> roles) {
  impl_->ask(call::Suppress{std::move(roles)});
}

void SchedulerDriver::revive(std::vector<std::string> roles) {
  impl_->ask(call::Revive{std::move(roles)});
}

void SchedulerDriver::kill(const TaskId& task, const AgentId& agent,
                           std::optional<Duration> grace) {
  impl_->ask(call::Kill{task, agent, grace});
}

void SchedulerDriver::shutdown_executor(const AgentId& agent, const ExecutorId& executor) {
  impl_->ask(call::Shutdown{executor, agent});
}

void SchedulerDriver::acknowledge(const TaskStatus& status) {
  if (status.uuid) impl_->ask(call::Acknowledge{status.agent_id, status.task_id, *status.uuid});
}

void SchedulerDriver::reconcile(std::vector<std::pair<TaskId, AgentId>> tasks) {
  call::Reconcile reconcile;
  for (auto& [task, agent] : tasks) reconcile.tasks.push_back({std::move(task), std::move(agent)});
  impl_->ask(std::move(reconcile));
}

void SchedulerDriver::send_message(const AgentId& agent, const ExecutorId& executor,
                                   std::string_view data) {
  impl_->ask(call::Message{agent, executor, Blob(data)});
}

void SchedulerDriver::call_after(Duration delay, std::function<void()> task) {
  impl_->loop.post([this, delay, t = std::move(task)]() mutable {
    impl_->loop.call_after(delay, std::move(t));
  });
}

}  // namespace souk
