// An HTTP/1.1 client on a Loop: plain requests, endless streams, links. All members and callbacks:
// the loop's thread only. Plain http; a redirect is an answer like others (307 and its Location are
// the caller's business).
//
// A callback may call any member, and may destroy the client.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "runtime/http_types.h"
#include "runtime/loop.h"
#include "wire/link_frame.h"

namespace souk::runtime {

struct ClientRequest {
  std::string method = "POST";
  HttpUrl url;
  HttpHeaders headers;  // Host, Content-Length and Connection are added
  SharedBytes body;
};

class HttpClient {
 public:
  struct Options {
    Duration connect_timeout = 5s;
    Duration answer_timeout = 30s;  // of a plain request, from when it was handed over; 0: none
    Duration idle_timeout =
        30s;  // keep-alive connections; below the server's, so that it never wins the race
    std::size_t max_pipelined =
        64;  // requests in flight on one connection; 1: none before the last answer
    std::size_t max_queued =
        65'536;  // plain requests waiting for one origin; beyond: an error at once
    std::size_t max_send_buffer = kMaxSendBuffer;  // of a link; beyond: closed
    std::size_t max_frame = wire::kMaxLinkFrame;   // beyond: the link is closed
  };
  using StreamId = uint64_t;
  using OnAnswer = std::move_only_function<void(Result<HttpAnswer>)>;

  struct StreamCallbacks {
    // Status and headers, before any bytes. Not called when the connection could not be made.
    std::move_only_function<void(const HttpAnswer& head)> on_headers;
    std::move_only_function<void(std::string_view bytes)> on_bytes;  // de-chunked
    // Last call. No value: the answer came to its proper end; an error: connection lost, refused or
    // broken.
    std::move_only_function<void(Result<void> end)> on_end;
  };

  struct LinkCallbacks {
    std::move_only_function<void()> on_open;
    std::move_only_function<void(std::span<const std::string_view> frames)> on_frames;
    // Last call. `refusal` is the answer when the server did not upgrade (307, 503, 400), else
    // null.
    std::move_only_function<void(const std::string& why, const HttpAnswer* refusal)> on_closed;
  };

  explicit HttpClient(Loop& loop);
  HttpClient(Loop& loop, const Options& options);
  ~HttpClient();  // no callback comes any more

  // Requests to one origin go in order over one kept-alive connection. After a lost connection
  // those that were written and not answered fail (they may have taken effect); the others go over
  // a new one.
  void request(const ClientRequest& request, OnAnswer done);

  // Each stream and link has a connection of its own.
  StreamId open_stream(const ClientRequest& request, StreamCallbacks callbacks);
  StreamId open_link(HttpUrl url, const std::string& protocol, LinkCallbacks callbacks,
                     HttpHeaders headers = {});
  // Frames of wire/link_frame.h, also before on_open. To an id that is gone: dropped.
  void send(StreamId link, std::string bytes);
  // Ends a stream or link at once, without a callback.
  void close(StreamId id);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// For command-line tools: one request on a connection of its own, waiting for the answer.
Result<HttpAnswer> http_get(std::string_view url, Duration timeout = 10s);
Result<HttpAnswer> http_post(std::string_view url, const std::string& content_type,
                             std::string body, Duration timeout = 10s);

}  // namespace souk::runtime
