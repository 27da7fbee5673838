// What HTTP server and client have in common: headers, requests, answers, URLs, the bounds. Plain
// values.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/ids.h"

namespace souk::runtime {

inline constexpr std::size_t kMaxRequestBody = std::size_t{32} << 20;  // beyond: 413
inline constexpr std::size_t kMaxHeaderBytes = std::size_t{64} << 10;  // beyond: 431
inline constexpr std::size_t kMaxSendBuffer = std::size_t{256}
                                              << 20;  // of one stream or link: then it is cut off
inline constexpr std::size_t kMaxAnswerBody = std::size_t{1}
                                              << 30;  // of a client's non-streaming answer

using SharedBytes = std::shared_ptr<const std::string>;

// One header block: in order, names compared without case. Few entries, so looked up by walking.
class HttpHeaders {
 public:
  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
    for (const auto& [name, value] : fields) add(name, value);
  }

  void add(std::string_view name, std::string_view value);
  // Room for so many, with so many bytes of names and values.
  void reserve(std::size_t fields, std::size_t bytes) {
    fields_.reserve(fields);
    text_.reserve(bytes);
  }
  // The first with this name; empty if there is none.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  std::size_t size() const { return fields_.size(); }
  std::pair<std::string_view, std::string_view> at(std::size_t index) const;

 private:
  struct Field {
    uint32_t at;
    uint32_t name_size;
    uint32_t value_size;
  };
  const Field* find(std::string_view name) const;

  std::string text_;  // names and values, one after the other
  std::vector<Field> fields_;
};

// True if a comma-separated header value holds the token, without case: "keep-alive, Upgrade". A
// parameter such as
// ";q=0.5" does not matter, but ";q=0" means that the token is not there.
bool has_token(std::string_view header_value, std::string_view token);
bool equal_ignoring_case(std::string_view a, std::string_view b);

// --- server side

// ConnectionId names one request, stream or link of one server. A kept-alive connection gives each
// request another one, so a late answer never reaches the wrong request. Its low bits tell the I/O
// thread that owns it.
inline constexpr unsigned kIoThreadBits = 6;
inline unsigned io_thread_of(ConnectionId id) {
  return static_cast<unsigned>(id.value & ((1u << kIoThreadBits) - 1));
}

struct HttpRequest {
  ConnectionId id;
  std::string method;  // as sent: "POST"
  std::string target;  // as sent: "/state?x=y", percent-encoded
  std::string body;    // de-chunked
  HttpHeaders headers;
  std::string peer;  // "127.0.0.1:40123"

  std::string_view path() const;   // of the target, before '?'
  std::string_view query() const;  // after '?'
};

// A whole answer. Without a body it carries no Content-Type, as Mesos clients expect of 202.
struct HttpReply {
  int status = 200;
  std::string content_type;
  SharedBytes body;
  // The same body compressed, for large ones that many ask for: used when the client takes gzip.
  // Bodies up to kMaxInlineGzip are compressed by the server itself.
  SharedBytes gzip_body;
  HttpHeaders headers;

  static HttpReply text(int status, std::string message);  // text/plain; charset=utf-8
  static HttpReply json(std::string body);
  static HttpReply empty(int status);
};

// --- client side

struct HttpAnswer {
  int status = 0;
  HttpHeaders headers;
  std::string body;
};

struct HttpUrl {
  std::string host;
  uint16_t port = 80;
  std::string target = "/";

  std::string authority() const;  // "host:port", IPv6 in brackets
};

// "http://host:port/path?query", "host:port" and "host" (port 80, path /), "//host:port/path" as in
// a Location.
Result<HttpUrl> parse_url(std::string_view text);

}  // namespace souk::runtime
