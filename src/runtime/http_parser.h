// Incremental parsers of HTTP/1.1 requests and answers on top of Beast's. Bytes come as they come;
// what was not consumed must be fed again with more behind it. Total on hostile input: every length
// has a bound.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/http_types.h"

namespace souk::runtime {

enum class ParseState { kNeedMore, kDone, kBad };

class RequestParser {
 public:
  RequestParser(std::size_t max_header, std::size_t max_body);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  struct Step {
    ParseState state;
    std::size_t consumed;
  };
  Step feed(std::string_view bytes);
  // Ready for the next message.
  void reset();

  bool started() const;  // has seen a byte of a message
  bool header_done() const;
  bool expects_continue() const;
  bool keep_alive() const;  // once the header is done
  bool is_http11() const;
  bool wants_upgrade() const;
  // After kBad.
  int bad_status() const;
  const std::string& bad_text() const;

  // After kDone: method, target, headers and body.
  HttpRequest take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Where the body of an answer goes as it comes.
class BodySink {
 public:
  virtual void on_head(HttpAnswer&& head) = 0;  // without a body
  virtual void on_body(std::string_view bytes) = 0;

 protected:
  ~BodySink() = default;
};

class ResponseParser {
 public:
  explicit ResponseParser(BodySink& sink);
  ~ResponseParser();
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  // The sink is called from within. Interim answers (100) are passed over; after 101 the message is
  // done with its head.
  RequestParser::Step feed(std::string_view bytes);
  // The connection has ended: kDone if that ends the answer properly.
  ParseState feed_end();
  void reset(bool head_request);

  bool started() const;
  bool keep_alive() const;
  const std::string& bad_text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souk::runtime
