#include "runtime/http_client.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "runtime/http_conversation.h"

namespace souk::runtime {

struct HttpClient::Impl {
  Impl(Loop& l, const Options& o) : loop(l), options(o) {
    options.max_pipelined = std::max<std::size_t>(options.max_pipelined, 1);
  }

  StreamId add(std::unique_ptr<ClientConversation> conversation, const ClientRequest& request,
               std::string_view upgrade_to) {
    conversation->start(request, upgrade_to);
    conversations.emplace(last_id, std::move(conversation));
    return last_id;
  }

  // Conversations end within their own callbacks: they are destroyed by a task of their own.
  void forget(StreamId id) {
    auto node = conversations.extract(id);
    if (!node.empty()) loop.post([gone = std::move(node.mapped())] {});
  }

  void close_all() {
    for (auto& [id, conversation] : conversations) conversation->close();
    for (auto& [origin, channel] : channels) channel->close();
  }

  Loop& loop;
  Options options;
  StreamId last_id = 0;
  std::map<std::string, std::unique_ptr<ClientChannel>> channels;  // by authority
  std::map<StreamId, std::unique_ptr<ClientConversation>> conversations;
};

HttpClient::HttpClient(Loop& loop) : HttpClient(loop, Options()) {}

HttpClient::HttpClient(Loop& loop, const Options& options)
    : impl_(std::make_unique<Impl>(loop, options)) {}

HttpClient::~HttpClient() {
  impl_->close_all();
  // A callback of a conversation may be what destroys us.
  Loop& loop = impl_->loop;
  loop.post([husk = std::move(impl_)] {});
}

void HttpClient::request(const ClientRequest& request, OnAnswer done) {
  std::unique_ptr<ClientChannel>& channel = impl_->channels[request.url.authority()];
  if (channel == nullptr) {
    channel = std::make_unique<ClientChannel>(impl_->loop, impl_->options, request.url);
  }
  channel->request(request, std::move(done));
}

HttpClient::StreamId HttpClient::open_stream(const ClientRequest& request,
                                             StreamCallbacks callbacks) {
  const StreamId id = ++impl_->last_id;
  auto over = [impl = impl_.get(), id] { impl->forget(id); };
  auto stream = std::make_unique<ClientStream>(impl_->loop, impl_->options, std::move(callbacks),
                                               std::move(over));
  return impl_->add(std::move(stream), request, {});
}

HttpClient::StreamId HttpClient::open_link(HttpUrl url, const std::string& protocol,
                                           LinkCallbacks callbacks, std::string local_ip) {
  const StreamId id = ++impl_->last_id;
  auto over = [impl = impl_.get(), id] { impl->forget(id); };
  auto link = std::make_unique<ClientLink>(impl_->loop, impl_->options, std::move(callbacks),
                                           std::move(over));
  ClientRequest request;
  request.method = "GET";
  request.url = std::move(url);
  request.local_ip = std::move(local_ip);
  return impl_->add(std::move(link), request, protocol);
}

void HttpClient::send(StreamId link, std::string bytes) {
  const auto at = impl_->conversations.find(link);
  if (at != impl_->conversations.end()) at->second->send(std::move(bytes));
}

void HttpClient::close(StreamId id) {
  const auto at = impl_->conversations.find(id);
  if (at == impl_->conversations.end()) return;
  at->second->close();
  impl_->forget(id);
}

// --- for command-line tools

namespace {

Result<HttpAnswer> ask(const ClientRequest& request, Duration timeout) {
  Loop loop;
  HttpClient client(loop, {.connect_timeout = timeout, .answer_timeout = timeout});
  Result<HttpAnswer> result = fail("no answer");
  client.request(request, [&](Result<HttpAnswer> answer) {
    result = std::move(answer);
    loop.stop();
  });
  loop.run();
  return result;
}

}  // namespace

Result<HttpAnswer> http_get(std::string_view url, Duration timeout) {
  Result<HttpUrl> parsed = parse_url(url);
  if (!parsed) return std::unexpected(parsed.error());
  return ask({.method = "GET", .url = std::move(*parsed)}, timeout);
}

Result<HttpAnswer> http_post(std::string_view url, const std::string& content_type,
                             std::string body, Duration timeout) {
  Result<HttpUrl> parsed = parse_url(url);
  if (!parsed) return std::unexpected(parsed.error());
  ClientRequest request;
  request.url = std::move(*parsed);
  request.headers.add("Content-Type", content_type);
  request.body = std::make_shared<const std::string>(std::move(body));
  return ask(request, timeout);
}

}  // namespace souk::runtime
