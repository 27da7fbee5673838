#include "runtime/http_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <utility>

namespace souk::runtime {
namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

namespace {

// The shortest thing that can stand between two chunks is the end, "0\r\n\r\n". Beast counts on
// having that much in the trailer, and checks it by an assertion only.
constexpr std::size_t kShortestChunkHead = 5;
constexpr std::size_t kMaxReservedBody = std::size_t{1} << 20;
// Room for the headers of most requests.
constexpr std::size_t kUsualFields = 8;
constexpr std::size_t kUsualHeader = 256;

std::string_view plain(string_view text) { return {text.data(), text.size()}; }

// What both directions share: bounds, headers, and the state of chunks.
template <bool kRequest>
class Message : public http::basic_parser<kRequest> {
 public:
  using Base = http::basic_parser<kRequest>;

  explicit Message(std::size_t most_header) : max_header(most_header) {
    this->eager(true);
    this->header_limit(static_cast<uint32_t>(most_header));
  }

  RequestParser::Step step(std::string_view bytes) {
    if (waits_for_chunk_head() && bytes.size() < kShortestChunkHead) {
      return {ParseState::kNeedMore, 0};
    }
    error_code error;
    const std::size_t consumed = this->put({bytes.data(), bytes.size()}, error);
    if (error == http::error::need_more || (!error && !this->is_done())) {
      // A head, a chunk's head or a trailer that does not end: not to be gathered for ever.
      const std::size_t head = in_body ? 0 : header_bytes;
      if (head + bytes.size() - consumed > max_header) {
        failure = http::error::header_limit;
        return {ParseState::kBad, consumed};
      }
      return {ParseState::kNeedMore, consumed};
    }
    if (error) {
      failure = error;
      return {ParseState::kBad, consumed};
    }
    return {ParseState::kDone, consumed};
  }

  std::size_t max_header;
  std::size_t header_bytes = 0;
  bool started = false;
  bool in_body = false;
  bool in_chunk = false;
  bool strange_encoding = false;
  HttpHeaders headers;
  error_code failure;

 protected:
  virtual void header_complete() = 0;
  virtual void body(std::string_view bytes) = 0;

 private:
  bool waits_for_chunk_head() const {
    return in_body && !in_chunk && this->is_header_done() && this->chunked();
  }

  void on_field_impl(http::field field, string_view name, string_view value,
                     error_code& error) override {
    if (in_body) return;  // a trailer
    header_bytes += name.size() + value.size() + 4;
    if (header_bytes > max_header) {
      error = http::error::header_limit;
      return;
    }
    if (field == http::field::transfer_encoding && !equal_ignoring_case(plain(value), "chunked")) {
      strange_encoding = true;
      error = http::error::bad_transfer_encoding;
      return;
    }
    headers.add(plain(name), plain(value));
  }

  void on_header_impl(error_code&) override {
    in_body = true;
    header_complete();
  }

  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}

  std::size_t on_body_impl(string_view bytes, error_code&) override {
    body(plain(bytes));
    return bytes.size();
  }

  void on_chunk_header_impl(uint64_t size, string_view, error_code&) override {
    in_chunk = size > 0;
  }

  std::size_t on_chunk_body_impl(uint64_t remain, string_view bytes, error_code&) override {
    body(plain(bytes));
    in_chunk = bytes.size() < remain;
    return bytes.size();
  }

  void on_finish_impl(error_code&) override {}
};

class RequestMessage final : public Message<true> {
 public:
  RequestMessage(std::size_t most_header, std::size_t most_body) : Message(most_header) {
    body_limit(most_body);
  }

  HttpRequest request;
  bool http11 = false;

 private:
  void on_request_impl(http::verb, string_view method, string_view target, int version,
                       error_code& error) override {
    header_bytes += method.size() + target.size();
    if (header_bytes > max_header) {
      error = http::error::header_limit;
      return;
    }
    request.method = plain(method);
    request.target = plain(target);
    headers.reserve(kUsualFields, kUsualHeader);
    http11 = version >= 11;
  }
  void on_response_impl(int, string_view, int, error_code&) override {}

  void header_complete() override {
    if (const auto length = content_length()) {
      request.body.reserve(std::min<std::size_t>(*length, kMaxReservedBody));
    }
  }
  void body(std::string_view bytes) override { request.body.append(bytes); }
};

class ResponseMessage final : public Message<false> {
 public:
  ResponseMessage(std::size_t most_header, BodySink& to, bool head_request)
      : Message(most_header), sink(to) {
    body_limit(boost::none);
    if (head_request) skip(true);
  }

  bool interim() const { return status / 100 == 1 && status != 101; }

  BodySink& sink;
  int status = 0;

 private:
  void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}
  void on_response_impl(int code, string_view, int, error_code&) override { status = code; }

  void header_complete() override {
    if (interim()) return;
    HttpAnswer head;
    head.status = status;
    head.headers = std::move(headers);
    sink.on_head(std::move(head));
  }
  void body(std::string_view bytes) override { sink.on_body(bytes); }
};

}  // namespace

// --- requests

struct RequestParser::Impl {
  Impl(std::size_t header, std::size_t body) : max_header(header), max_body(body) {}

  std::size_t max_header;
  std::size_t max_body;
  std::optional<RequestMessage> message;
  int bad_status = 0;
  std::string bad_text;
};

RequestParser::RequestParser(std::size_t max_header, std::size_t max_body)
    : impl_(std::make_unique<Impl>(max_header, max_body)) {
  reset();
}
RequestParser::~RequestParser() = default;

void RequestParser::reset() { impl_->message.emplace(impl_->max_header, impl_->max_body); }

RequestParser::Step RequestParser::feed(std::string_view bytes) {
  RequestMessage& message = *impl_->message;
  std::size_t skipped = 0;
  if (!message.started) {
    // Empty lines before a request are to be passed over (RFC 9112, 2.2).
    while (skipped < bytes.size() && (bytes[skipped] == '\r' || bytes[skipped] == '\n')) ++skipped;
    bytes.remove_prefix(skipped);
    if (bytes.empty()) return {ParseState::kNeedMore, skipped};
    message.started = true;
  }
  Step step = message.step(bytes);
  step.consumed += skipped;
  if (step.state != ParseState::kBad) return step;
  const error_code error = message.failure;
  if (error == http::error::body_limit) {
    impl_->bad_status = 413;
    impl_->bad_text = fmt::format("The body is larger than {} bytes", impl_->max_body);
  } else if (error == http::error::header_limit && !message.in_body) {
    impl_->bad_status = 431;
    impl_->bad_text = fmt::format("The header is larger than {} bytes", impl_->max_header);
  } else if (message.strange_encoding) {
    impl_->bad_status = 501;
    impl_->bad_text = "The only Transfer-Encoding understood is 'chunked'";
  } else {
    impl_->bad_status = 400;
    impl_->bad_text = fmt::format("This is not an HTTP/1.1 request: {}", error.message());
  }
  return step;
}

bool RequestParser::started() const { return impl_->message->started; }
bool RequestParser::header_done() const { return impl_->message->is_header_done(); }
bool RequestParser::keep_alive() const { return impl_->message->keep_alive(); }
bool RequestParser::is_http11() const { return impl_->message->http11; }
bool RequestParser::wants_upgrade() const { return impl_->message->upgrade(); }

bool RequestParser::expects_continue() const {
  return is_http11() && equal_ignoring_case(impl_->message->headers.get("Expect"), "100-continue");
}

int RequestParser::bad_status() const { return impl_->bad_status; }
const std::string& RequestParser::bad_text() const { return impl_->bad_text; }

HttpRequest RequestParser::take() {
  RequestMessage& message = *impl_->message;
  message.request.headers = std::move(message.headers);
  return std::move(message.request);
}

// --- answers

struct ResponseParser::Impl {
  explicit Impl(BodySink& to) : sink(to) {}

  BodySink& sink;
  bool head_request = false;
  std::optional<ResponseMessage> message;
  std::string bad_text;
};

ResponseParser::ResponseParser(BodySink& sink) : impl_(std::make_unique<Impl>(sink)) {
  reset(false);
}
ResponseParser::~ResponseParser() = default;

void ResponseParser::reset(bool head_request) {
  impl_->head_request = head_request;
  impl_->message.emplace(kMaxHeaderBytes, impl_->sink, head_request);
}

RequestParser::Step ResponseParser::feed(std::string_view bytes) {
  std::size_t consumed = 0;
  while (true) {
    if (consumed == bytes.size()) return {ParseState::kNeedMore, consumed};
    impl_->message->started = true;
    RequestParser::Step step = impl_->message->step(bytes.substr(consumed));
    step.consumed += consumed;
    if (step.state == ParseState::kBad) {
      impl_->bad_text =
          fmt::format("the answer is not HTTP/1.1: {}", impl_->message->failure.message());
      return step;
    }
    if (step.state != ParseState::kDone || !impl_->message->interim()) return step;
    consumed = step.consumed;
    reset(impl_->head_request);
  }
}

ParseState ResponseParser::feed_end() {
  if (!impl_->message->started) return ParseState::kBad;
  if (impl_->message->is_done()) return ParseState::kDone;
  error_code error;
  impl_->message->put_eof(error);
  return error ? ParseState::kBad : ParseState::kDone;
}

bool ResponseParser::started() const { return impl_->message->started; }
bool ResponseParser::keep_alive() const { return impl_->message->keep_alive(); }
const std::string& ResponseParser::bad_text() const { return impl_->bad_text; }

}  // namespace souk::runtime
