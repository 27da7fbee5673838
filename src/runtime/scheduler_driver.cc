#include "souk/scheduler.h"

#include <pwd.h>
#include <unistd.h>

#include <utility>

#include "protocol/scheduler_api.h"
#include "runtime/clock.h"
#include "runtime/http_client.h"
#include "runtime/loop.h"
#include "scheduler/machine.h"
#include "wire/codec_scheduler.h"
#include "wire/command.h"
#include "wire/recordio.h"

namespace souk {

namespace call = protocol::call;
namespace event = protocol::event;
using runtime::HttpClient;

namespace {

std::string own_user() {
  const passwd* entry = getpwuid(geteuid());
  return entry == nullptr ? "root" : entry->pw_name;
}

// The "host:port" of a Location: "//host:port/path" or "http://host:port/path".
std::string redirect_of(const runtime::HttpHeaders& headers) {
  const auto url = runtime::parse_url(headers.get("Location"));
  return url ? url->authority() : std::string();
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

struct SchedulerDriver::Impl {
  Impl(SchedulerDriver& d, const Options& o)
      : driver(d),
        type(o.use_protobuf ? wire::ContentType::kProtobuf : wire::ContentType::kJson),
        machine(machine_options(o), Rng(runtime::random_seed())),
        client(loop, {.answer_timeout = 30s}) {}

  // From any thread: in the order of the calls.
  void post(scheduler::Event event) {
    loop.post([this, e = std::move(event)]() mutable { step(std::move(e)); });
  }
  void ask(protocol::SchedulerCallBody body) { post(scheduler::Asked{std::move(body)}); }

  // A callback may ask for more while effects are carried out: those are stepped after, not within.
  void step(scheduler::Event event);
  void carry_out(scheduler::Connect&& effect);
  void carry_out(scheduler::Disconnect&& effect);
  void carry_out(scheduler::Send&& effect);
  void carry_out(scheduler::Tell&& effect);
  void carry_out(scheduler::TellDisconnected&& effect);
  void carry_out(scheduler::ArmTimer&& effect);
  void carry_out(scheduler::End&& effect);
  void hear_bytes(scheduler::Attempt attempt, wire::RecordParser& parser, std::string_view bytes);
  runtime::ClientRequest request_of(const std::string& master, const protocol::SchedulerCall& call);

  SchedulerDriver& driver;
  wire::ContentType type;
  scheduler::Machine machine;
  runtime::Loop loop;
  HttpClient client;
  runtime::TimerId timer = 0;
  HttpClient::StreamId stream = 0;
  // Of a SUBSCRIBE that was refused: its text comes after its status.
  std::optional<scheduler::StreamRefused> refusal;
  Result<void> result;
};

void SchedulerDriver::Impl::step(scheduler::Event event) {
  scheduler::Effects effects;
  machine.step(runtime::now(), std::move(event), effects);
  for (scheduler::Effect& effect : effects) {
    std::visit([this](auto&& one) { carry_out(std::forward<decltype(one)>(one)); },
               std::move(effect));
  }
}

runtime::ClientRequest SchedulerDriver::Impl::request_of(const std::string& master,
                                                         const protocol::SchedulerCall& call) {
  runtime::ClientRequest request;
  auto url = runtime::parse_url("http://" + master + "/api/v1/scheduler");
  if (url) request.url = std::move(*url);
  request.headers.add("Content-Type", wire::mime_type(type));
  request.headers.add("Accept", wire::mime_type(type));
  request.body = std::make_shared<const std::string>(wire::encode_scheduler_call(call, type));
  return request;
}

void SchedulerDriver::Impl::carry_out(scheduler::Connect&& effect) {
  refusal.reset();
  const scheduler::Attempt attempt = effect.attempt;
  HttpClient::StreamCallbacks callbacks;
  callbacks.on_headers = [this, attempt](const runtime::HttpAnswer& head) {
    if (head.status == 200) {
      return step(
          scheduler::StreamOpened{attempt, std::string(head.headers.get("Mesos-Stream-Id"))});
    }
    refusal = scheduler::StreamRefused{attempt, head.status, redirect_of(head.headers), {}};
  };
  auto parser = std::make_shared<wire::RecordParser>();
  callbacks.on_bytes = [this, attempt, parser](std::string_view bytes) {
    if (refusal) {
      if (refusal->body.size() < 4096) refusal->body += bytes;
      return;
    }
    // A copy: this callback may be gone when an event has made us connect anew.
    const auto keep = parser;  // NOLINT(performance-unnecessary-copy-initialization)
    hear_bytes(attempt, *keep, bytes);
  };
  callbacks.on_end = [this, attempt](Result<void> end) {
    if (refusal && refusal->attempt == attempt) return step(*std::exchange(refusal, std::nullopt));
    step(scheduler::StreamEnded{
        attempt, end ? std::string("the master closed the stream") : end.error().message});
  };
  stream = client.open_stream(request_of(effect.master, effect.call), std::move(callbacks));
}

void SchedulerDriver::Impl::hear_bytes(scheduler::Attempt attempt, wire::RecordParser& parser,
                                       std::string_view bytes) {
  const auto fed = parser.feed(bytes, [&](std::string_view record) {
    auto event = wire::decode_scheduler_event(record, type);
    if (!event) {
      return step(scheduler::StreamEnded{attempt, "bad event: " + event.error().message});
    }
    if (*event) step(scheduler::StreamSaid{attempt, std::move(**event)});
  });
  if (!fed) step(scheduler::StreamEnded{attempt, "bad stream: " + fed.error().message});
}

void SchedulerDriver::Impl::carry_out(scheduler::Disconnect&&) {
  if (stream != 0) client.close(std::exchange(stream, 0));
}

void SchedulerDriver::Impl::carry_out(scheduler::Send&& effect) {
  runtime::ClientRequest request = request_of(effect.master, effect.call);
  request.headers.add("Mesos-Stream-Id", effect.stream_id);
  const bool teardown = std::holds_alternative<call::Teardown>(effect.call.body);
  client.request(
      request, [this, attempt = effect.attempt, teardown](Result<runtime::HttpAnswer> answer) {
        step(scheduler::CallAnswered{attempt, teardown, answer ? answer->status : 0,
                                     answer ? std::move(answer->body) : answer.error().message});
      });
}

void SchedulerDriver::Impl::carry_out(scheduler::Tell&& effect) {
  if (auto* subscribed = std::get_if<event::Subscribed>(&effect.event)) {
    if (driver.on_subscribed) driver.on_subscribed(subscribed->framework);
  } else if (auto* offers = std::get_if<event::Offers>(&effect.event)) {
    if (driver.on_offers) driver.on_offers(std::move(offers->offers));
  } else if (auto* rescind = std::get_if<event::Rescind>(&effect.event)) {
    if (driver.on_rescinded) driver.on_rescinded(rescind->offer);
  } else if (auto* inverse = std::get_if<event::InverseOffers>(&effect.event)) {
    if (driver.on_inverse_offers) driver.on_inverse_offers(std::move(inverse->offers));
  } else if (auto* ended = std::get_if<event::RescindInverseOffer>(&effect.event)) {
    if (driver.on_inverse_offer_rescinded) driver.on_inverse_offer_rescinded(ended->offer);
  } else if (auto* update = std::get_if<event::Update>(&effect.event)) {
    if (driver.on_update) driver.on_update(update->status);
  } else if (auto* message = std::get_if<event::Message>(&effect.event)) {
    if (driver.on_message) {
      driver.on_message(message->agent, message->executor, std::string(message->data.view()));
    }
  } else if (auto* failure = std::get_if<event::Failure>(&effect.event)) {
    if (driver.on_failure) driver.on_failure(failure->agent, failure->executor, failure->status);
  }
}

void SchedulerDriver::Impl::carry_out(scheduler::TellDisconnected&& effect) {
  if (driver.on_disconnected) driver.on_disconnected(effect.why);
}

void SchedulerDriver::Impl::carry_out(scheduler::ArmTimer&& effect) {
  loop.cancel(timer);
  timer = effect.at ? loop.call_at(*effect.at, [this] { step(scheduler::TimerFired{}); }) : 0;
}

void SchedulerDriver::Impl::carry_out(scheduler::End&& effect) {
  if (effect.error) result = std::unexpected(Error{*effect.error});
  loop.stop();
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
  impl_->post(scheduler::Started{});
  impl_->loop.run();
  return impl_->result;
}

void SchedulerDriver::stop(bool teardown) { impl_->post(scheduler::StopAsked{teardown}); }

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
                                   std::string data) {
  impl_->ask(call::Message{agent, executor, Blob(std::move(data))});
}

void SchedulerDriver::call_after(Duration delay, std::function<void()> task) {
  impl_->loop.post([this, delay, t = std::move(task)]() mutable {
    impl_->loop.call_after(delay, std::move(t));
  });
}

}  // namespace souk
