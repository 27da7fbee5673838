#include "runtime/master_documents.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <thread>

#include "base/hash_map.h"
#include "runtime/clock.h"
#include "runtime/http_text.h"
#include "runtime/metrics.h"
#include "runtime/system_facts.h"
#include "wire/codec_operator_events.h"
#include "wire/master_json.h"
#include "wire/recordio.h"

namespace souk::runtime {
namespace {

// Readers that wait; each is answered within one rendering of each document.
constexpr std::size_t kMaxWaiting = 10'000;
// Large documents of one kind and different age that are alive at once.
constexpr std::size_t kMaxGenerations = 3;
constexpr std::size_t kLarge = std::size_t{1} << 20;

// Where all share one core, those who read must not hold up those who launch tasks.
void run_after_others() {
  constexpr int kNice = 10;
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
}

// "master/tasks_running" -> souk_master_tasks_running; a name with ids in it has no place in
// Prometheus.
std::string prometheus(const protocol::MasterView& view, const wire::SystemFacts& system,
                       const HttpServer::Stats& http) {
  std::vector<MetricFamily> families;
  for (const auto& [name, value] : wire::master_metrics(view, system)) {
    if (name.starts_with("master/frameworks/")) continue;
    families.push_back({.name = "souk_" + name, .help = name, .samples = {{{}, value}}});
  }
  const auto http_metric = [&](const char* name, const char* help, MetricKind kind,
                               uint64_t value) {
    families.push_back(
        {.name = name, .help = help, .kind = kind, .samples = {{{}, static_cast<double>(value)}}});
  };
  http_metric("souk_http_requests_total", "HTTP requests received", MetricKind::kCounter,
              http.requests);
  http_metric("souk_http_bad_requests_total", "Requests refused by the HTTP server itself",
              MetricKind::kCounter, http.bad_requests);
  http_metric("souk_http_cut_off_total", "Connections cut off because they did not read",
              MetricKind::kCounter, http.cut_off);
  http_metric("souk_http_connections", "Open connections", MetricKind::kGauge, http.connections);
  http_metric("souk_http_received_bytes_total", "Bytes received", MetricKind::kCounter,
              http.bytes_in);
  http_metric("souk_http_sent_bytes_total", "Bytes sent", MetricKind::kCounter, http.bytes_out);
  MetricFamily shares{.name = "souk_framework_dominant_share",
                      .help = "Dominant share of each framework, offers included"};
  for (const protocol::FrameworkView& framework : view.frameworks) {
    if (framework.share_total == 0) continue;
    shares.samples.push_back(
        {{{"framework", framework.info.id.value},
          {"name", framework.info.name},
          {"resource", framework.dominant_resource}},
         static_cast<double>(framework.share_used) / static_cast<double>(framework.share_total)});
  }
  if (!shares.samples.empty()) families.push_back(std::move(shares));
  return prometheus_text(families);
}

std::size_t number_or(const wire::Query& query, std::string_view name, std::size_t otherwise) {
  const auto text = wire::find_parameter(query, name);
  if (!text) return otherwise;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  return error == std::errc() && end == text->data() + text->size() ? number : otherwise;
}

// What a page may name as its callback; anything else could smuggle in a script of its own.
bool is_function_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '.' || c == '$';
  });
}

// "/slaves/<id>" or "?slave_id=<id>"
std::string_view wanted_id(const MasterTarget& target, std::string_view parameter) {
  if (target.rest.size() > 1) return std::string_view(target.rest).substr(1);
  return wire::find_parameter(target.query, parameter).value_or("");
}

// Of what is rendered once for a snapshot.
using DocumentKey = uint32_t;
DocumentKey key_of(MasterRoute route) { return static_cast<DocumentKey>(route); }
DocumentKey key_of(wire::OperatorQuestion question, wire::ContentType type) {
  constexpr DocumentKey kQuestions = 1 << 16;
  return kQuestions + 2 * static_cast<DocumentKey>(question.type) + static_cast<DocumentKey>(type);
}
DocumentKey key_of_subscribed(wire::ContentType type) {
  constexpr DocumentKey kSubscribed = 1 << 17;
  return kSubscribed + static_cast<DocumentKey>(type);
}

}  // namespace

struct MasterDocuments::Impl {
  struct Question {
    MasterTarget target;
    std::function<std::string()> make;                // set: instead of a document of the view
    std::optional<wire::OperatorQuestion> operators;  // set: of the operator API, instead
    std::optional<ConnectionId> stream;               // set: its first event, instead
    wire::ContentType accept = wire::ContentType::kJson;
    std::function<void(HttpReply)> done;
  };

  explicit Impl(Context c) : context(std::move(c)), thread([this] { run(); }) {}
  ~Impl() { stop(); }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    if (thread.joinable()) thread.join();
  }

  void run();
  void ask(Question question);
  void answer(const Question& question, const std::shared_ptr<const protocol::MasterView>& view);
  HttpReply operators_answer(const Question& question,
                             const std::shared_ptr<const protocol::MasterView>& view);
  std::string render(const MasterTarget& target, const protocol::MasterView& view);
  SharedBytes document(const MasterTarget& target,
                       const std::shared_ptr<const protocol::MasterView>& view);
  SharedBytes subscribed(wire::ContentType type,
                         const std::shared_ptr<const protocol::MasterView>& view);
  SharedBytes& rendered_of(DocumentKey key,
                           const std::shared_ptr<const protocol::MasterView>& view);
  template <class Render>
  SharedBytes shared(DocumentKey key, const std::shared_ptr<const protocol::MasterView>& view,
                     const Render& render);

  Context context;
  // Of the thread: what was rendered from the latest snapshot.
  std::shared_ptr<const protocol::MasterView> rendered_from;
  HashMap<DocumentKey, SharedBytes> rendered;
  using Generations = std::vector<std::weak_ptr<const std::string>>;
  HashMap<DocumentKey, Generations> generations;  // of large ones: what somebody still holds

  std::mutex mutex;  // guards what follows
  std::condition_variable wake;
  std::vector<Question> waiting;
  bool stopping = false;
  std::jthread thread;
};

std::string MasterDocuments::Impl::render(const MasterTarget& target,
                                          const protocol::MasterView& view) {
  const wire::DocumentContext document{context.flags, context.started};
  switch (target.route) {
    case MasterRoute::kState:
      return wire::render_state(view, document);
    case MasterRoute::kStateSummary:
      return wire::render_state_summary(view);
    case MasterRoute::kSlaves:
      return wire::render_slaves(view, wanted_id(target, "slave_id"));
    case MasterRoute::kFrameworks:
      return wire::render_frameworks(view, wanted_id(target, "framework_id"));
    case MasterRoute::kTasks: {
      wire::TasksQuery query{
          .limit = number_or(target.query, "limit", 100),
          .offset = number_or(target.query, "offset", 0),
          .ascending = wire::find_parameter(target.query, "order") == "asc",
          .framework_id = wire::find_parameter(target.query, "framework_id").value_or(""),
          .task_id = wire::find_parameter(target.query, "task_id").value_or("")};
      return wire::render_tasks(view, query);
    }
    case MasterRoute::kRoles:
      return wire::render_roles(view);
    case MasterRoute::kWeights:
      return wire::render_weights(view);
    case MasterRoute::kQuota:
      return wire::render_quota(view);
    case MasterRoute::kFlags:
      return wire::render_flags(document);
    case MasterRoute::kMetricsSnapshot:
      return snapshot_json(wire::master_metrics(view, system_facts(context.started)));
    case MasterRoute::kPrometheus:
      return prometheus(view, system_facts(context.started), context.http());
    default:
      return wire::render_version(document);
  }
}

// Metrics change without a new snapshot.
SharedBytes MasterDocuments::Impl::document(
    const MasterTarget& target, const std::shared_ptr<const protocol::MasterView>& view) {
  const bool plain = target.query.empty() && target.rest.empty();
  const bool moving =
      target.route == MasterRoute::kMetricsSnapshot || target.route == MasterRoute::kPrometheus;
  if (!plain || moving) return std::make_shared<const std::string>(render(target, *view));
  return shared(key_of(target.route), view, [&] { return render(target, *view); });
}

SharedBytes& MasterDocuments::Impl::rendered_of(
    DocumentKey key, const std::shared_ptr<const protocol::MasterView>& view) {
  if (rendered_from != view) {
    rendered.clear();
    rendered_from = view;
  }
  return rendered[key];
}

// Never an older one, unlike other documents: what happened since would be missing.
SharedBytes MasterDocuments::Impl::subscribed(
    wire::ContentType type, const std::shared_ptr<const protocol::MasterView>& view) {
  SharedBytes& bytes = rendered_of(key_of_subscribed(type), view);
  if (!bytes) {
    std::string event = wire::render_subscribed(*view, context.heartbeat_interval, type);
    wire::make_chunk(event);
    bytes = std::make_shared<const std::string>(std::move(event));
  }
  return bytes;
}

// The same bytes for all who ask of one snapshot.
template <class Render>
SharedBytes MasterDocuments::Impl::shared(DocumentKey key,
                                          const std::shared_ptr<const protocol::MasterView>& view,
                                          const Render& render) {
  SharedBytes& bytes = rendered_of(key, view);
  if (!bytes) {
    // Those who do not read what they asked for keep it alive: with too many large ones the newest
    // of them serves once more.
    Generations& before = generations[key];
    std::erase_if(before, [](const auto& one) { return one.expired(); });
    if (before.size() >= kMaxGenerations) bytes = before.back().lock();
    if (bytes) return bytes;
    bytes = std::make_shared<const std::string>(render());
    if (bytes->size() >= kLarge) before.push_back(bytes);
  }
  return bytes;
}

void MasterDocuments::Impl::run() {
  run_after_others();
  while (true) {
    std::vector<Question> questions;
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [this] { return stopping || !waiting.empty(); });
      if (stopping) return;
      questions.swap(waiting);
    }
    std::vector<ConnectionId> beginning;
    for (const Question& question : questions) {
      if (question.stream) beginning.push_back(*question.stream);
    }
    std::shared_ptr<const protocol::MasterView> view;
    for (const Question& question : questions) {
      if (question.make) {
        question.done(HttpReply::json(question.make()));
        continue;
      }
      if (!view) view = context.view(beginning);
      if (question.stream) {
        HttpReply first;
        first.body = subscribed(question.accept, view);
        question.done(std::move(first));
      } else if (question.operators) {
        question.done(operators_answer(question, view));
      } else {
        answer(question, view);
      }
    }
  }
}

HttpReply MasterDocuments::Impl::operators_answer(
    const Question& question, const std::shared_ptr<const protocol::MasterView>& view) {
  if (!view->recovered) return HttpReply::text(503, "Master has not finished recovery");
  const wire::DocumentContext document{context.flags, context.started};
  const wire::SystemFacts system = system_facts(context.started);
  HttpReply reply;
  reply.content_type = wire::mime_type(question.accept);
  const auto render = [&] {
    return wire::answer_operator_question(*question.operators, {*view, document, system},
                                          question.accept);
  };
  reply.body = wire::is_shared(*question.operators)
                   ? shared(key_of(*question.operators, question.accept), view, render)
                   : std::make_shared<const std::string>(render());
  return reply;
}

void MasterDocuments::Impl::answer(const Question& question,
                                   const std::shared_ptr<const protocol::MasterView>& view) {
  HttpReply reply;
  reply.content_type = question.target.route == MasterRoute::kPrometheus
                           ? std::string(kPrometheusContentType)
                           : "application/json";
  reply.body = document(question.target, view);
  const auto jsonp = wire::find_parameter(question.target.query, "jsonp");
  if (jsonp && is_function_name(*jsonp)) {
    reply.content_type = "text/javascript";
    reply.body = std::make_shared<const std::string>(fmt::format("{}({});", *jsonp, *reply.body));
  }
  question.done(std::move(reply));
}

void MasterDocuments::Impl::ask(Question question) {
  {
    const std::lock_guard lock(mutex);
    if (!stopping && waiting.size() < kMaxWaiting) {
      waiting.push_back(std::move(question));
      wake.notify_one();
      return;
    }
  }
  question.done(HttpReply::text(503, "Too many readers at once: try again"));
}

MasterDocuments::MasterDocuments(Context context)
    : impl_(std::make_unique<Impl>(std::move(context))) {}
MasterDocuments::~MasterDocuments() = default;

void MasterDocuments::stop() { impl_->stop(); }

void MasterDocuments::ask(MasterTarget target, std::function<void(HttpReply)> done) {
  impl_->ask({.target = std::move(target), .done = std::move(done)});
}

void MasterDocuments::ask(wire::OperatorQuestion question, wire::ContentType accept,
                          std::function<void(HttpReply)> done) {
  impl_->ask({.operators = question, .accept = accept, .done = std::move(done)});
}

void MasterDocuments::subscribe(ConnectionId stream, wire::ContentType type,
                                std::function<void(SharedBytes)> done) {
  // Of a refusal too, whose text has no place in a stream.
  const auto pass_on = [done = std::move(done)](HttpReply reply) {
    done(reply.status == 200 ? std::move(reply.body) : nullptr);
  };
  impl_->ask({.stream = stream, .accept = type, .done = pass_on});
}

void MasterDocuments::render(std::function<std::string()> make,
                             std::function<void(HttpReply)> done) {
  impl_->ask({.make = std::move(make), .done = std::move(done)});
}

}  // namespace souk::runtime
