#include "runtime/scheduler_session.h"

#include <deque>
#include <utility>

#include "runtime/clock.h"
#include "wire/codec_scheduler.h"
#include "wire/recordio.h"

namespace souk::runtime {
namespace {

// What a refusal says beyond is not for people.
constexpr std::size_t kMaxRefusalText = 4096;

// The "host:port" of a Location: "//host:port/path" or "http://host:port/path".
std::string redirect_of(const HttpHeaders& headers) {
  const auto url = parse_url(headers.get("Location"));
  return url ? url->authority() : std::string();
}

}  // namespace

struct SchedulerSession::Impl {
  Impl(Loop& l, scheduler::Options options, wire::ContentType t, const HttpClient::Options& http,
       Listener& hears)
      : loop(l),
        type(t),
        listener(hears),
        machine(std::move(options), Rng(random_seed())),
        client(loop, http) {}
  ~Impl() { loop.cancel(timer); }

  // A listener may ask for more while effects are carried out: those are stepped after, not within.
  void step(scheduler::Event event);
  void carry_out(scheduler::Connect&& effect);
  void carry_out(scheduler::Disconnect&& effect);
  void carry_out(scheduler::Send&& effect);
  void carry_out(scheduler::Tell&& effect) { listener.on_event(std::move(effect.event)); }
  void carry_out(scheduler::TellDisconnected&& effect) { listener.on_disconnected(effect.why); }
  void carry_out(scheduler::ArmTimer&& effect);
  void carry_out(scheduler::End&& effect) { listener.on_end(std::move(effect.error)); }
  void hear_bytes(scheduler::Attempt attempt, wire::RecordParser& parser, std::string_view bytes);
  ClientRequest request_of(const std::string& master, const protocol::SchedulerCall& call);

  Loop& loop;
  wire::ContentType type;
  Listener& listener;
  scheduler::Machine machine;
  HttpClient client;
  TimerId timer = 0;
  std::optional<MonoTime> timer_at;  // when it fires
  std::optional<MonoTime> deadline;  // of the machine
  void arm();
  HttpClient::StreamId stream = 0;
  // Of a SUBSCRIBE that was refused: its text comes after its status.
  std::optional<scheduler::StreamRefused> refusal;
  std::deque<scheduler::Event> events;
  bool stepping = false;
};

void SchedulerSession::Impl::step(scheduler::Event event) {
  events.push_back(std::move(event));
  if (std::exchange(stepping, true)) return;
  while (!events.empty()) {
    scheduler::Event next = std::move(events.front());
    events.pop_front();
    scheduler::Effects effects;
    machine.step(now(), std::move(next), effects);
    for (scheduler::Effect& effect : effects) {
      std::visit([this](auto&& one) { carry_out(std::forward<decltype(one)>(one)); },
                 std::move(effect));
    }
  }
  stepping = false;
}

ClientRequest SchedulerSession::Impl::request_of(const std::string& master,
                                                 const protocol::SchedulerCall& call) {
  ClientRequest request;
  auto url = parse_url("http://" + master + "/api/v1/scheduler");
  if (url) request.url = std::move(*url);
  request.headers.add("Content-Type", wire::mime_type(type));
  request.headers.add("Accept", wire::mime_type(type));
  request.body = std::make_shared<const std::string>(wire::encode_scheduler_call(call, type));
  return request;
}

void SchedulerSession::Impl::carry_out(scheduler::Connect&& effect) {
  refusal.reset();
  const scheduler::Attempt attempt = effect.attempt;
  HttpClient::StreamCallbacks callbacks;
  callbacks.on_headers = [this, attempt](const HttpAnswer& head) {
    if (head.status == 200) {
      return step(
          scheduler::StreamOpened{attempt, std::string(head.headers.get("Mesos-Stream-Id"))});
    }
    refusal = scheduler::StreamRefused{attempt, head.status, redirect_of(head.headers), {}};
  };
  auto parser = std::make_shared<wire::RecordParser>();
  callbacks.on_bytes = [this, attempt, parser](std::string_view bytes) {
    if (refusal) {
      if (refusal->body.size() < kMaxRefusalText) refusal->body += bytes;
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

void SchedulerSession::Impl::hear_bytes(scheduler::Attempt attempt, wire::RecordParser& parser,
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

void SchedulerSession::Impl::carry_out(scheduler::Disconnect&&) {
  if (stream != 0) client.close(std::exchange(stream, 0));
}

void SchedulerSession::Impl::carry_out(scheduler::Send&& effect) {
  ClientRequest request = request_of(effect.master, effect.call);
  request.headers.add("Mesos-Stream-Id", effect.stream_id);
  const bool teardown = std::holds_alternative<protocol::call::Teardown>(effect.call.body);
  client.request(request, [this, attempt = effect.attempt, teardown](Result<HttpAnswer> answer) {
    step(scheduler::CallAnswered{attempt, teardown, answer ? answer->status : 0,
                                 answer ? std::move(answer->body) : answer.error().message});
  });
}

// Each event of the stream moves the deadline to a later time: the timer is left as it is then, and
// armed anew when it has fired too early.
void SchedulerSession::Impl::carry_out(scheduler::ArmTimer&& effect) {
  deadline = effect.at;
  arm();
}

void SchedulerSession::Impl::arm() {
  if (!deadline || (timer_at && *timer_at <= *deadline)) return;
  loop.cancel(timer);
  timer_at = deadline;
  timer = loop.call_at(*deadline, [this] {
    timer_at.reset();
    if (deadline && *deadline > mono_now()) return arm();
    if (deadline) step(scheduler::TimerFired{});
  });
}

SchedulerSession::SchedulerSession(Loop& loop, scheduler::Options options, wire::ContentType type,
                                   const HttpClient::Options& http, Listener& listener)
    : impl_(std::make_unique<Impl>(loop, std::move(options), type, http, listener)) {}
SchedulerSession::~SchedulerSession() = default;

void SchedulerSession::start() { impl_->step(scheduler::Started{}); }
void SchedulerSession::ask(protocol::SchedulerCallBody call) {
  impl_->step(scheduler::Asked{std::move(call)});
}
void SchedulerSession::stop(bool teardown) { impl_->step(scheduler::StopAsked{teardown}); }
bool SchedulerSession::subscribed() const { return impl_->machine.subscribed(); }

}  // namespace souk::runtime
