// The three things an HttpClient does over its sockets. All are destroyed by a task of their own,
// after close().
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "runtime/client_socket.h"
#include "runtime/http_client.h"
#include "runtime/http_parser.h"

namespace souk::runtime {

// The bytes of a request, its body not copied.
OutBuffer request_bytes(const ClientRequest& request, std::string_view upgrade_to = {});

// Plain requests to one origin: in order, several in flight, over one connection at a time.
class ClientChannel final : private ClientSocket::Listener, private BodySink {
 public:
  ClientChannel(Loop& loop, const HttpClient::Options& options, HttpUrl origin);

  void request(const ClientRequest& request, HttpClient::OnAnswer done);
  void close();  // drops everything without a callback

 private:
  struct Pending {
    OutBuffer bytes;  // empty once written
    bool head_only = false;
    MonoTime deadline;
    HttpClient::OnAnswer done;
  };

  void on_connected() override { pump(); }
  std::size_t on_bytes(std::string_view bytes) override;
  void on_disconnected(const std::string& why, bool ended) override;
  void on_head(HttpAnswer&& head) override { answer_ = std::move(head); }
  void on_body(std::string_view bytes) override;

  void pump();
  void finish_front();
  void drop_connection();
  void fail_in_flight(const std::string& why);
  void fail_all(std::deque<Pending> pending, const std::string& why);
  void arm_timer();
  void on_timer();

  Loop& loop_;
  const HttpClient::Options& options_;
  HttpUrl origin_;
  std::unique_ptr<ClientSocket> socket_;
  std::deque<Pending> queued_;
  std::deque<Pending> in_flight_;
  ResponseParser parser_;
  HttpAnswer answer_;
  bool body_too_long_ = false;
  bool closed_ = false;
  TimerId timer_ = 0;
  std::optional<MonoTime> timer_at_;
  MonoTime idle_since_{};
};

// What streams and links share: one connection, one request.
class ClientConversation : protected ClientSocket::Listener, protected BodySink {
 public:
  // Told that the conversation is over, before the user is.
  using OnOver = std::move_only_function<void()>;

  ClientConversation(Loop& loop, const HttpClient::Options& options, OnOver over);
  virtual ~ClientConversation() = default;

  void start(const ClientRequest& request, std::string_view upgrade_to);
  // NOLINTNEXTLINE(performance-unnecessary-value-param): who overrides it keeps them.
  virtual void send(std::string /*bytes*/) {}
  void close();  // without a callback

 protected:
  void on_connected() override {}
  void finish();  // close() and tell the owner
  void head_came();

  Loop& loop_;
  const HttpClient::Options& options_;
  OnOver over_;
  ClientSocket socket_;
  ResponseParser parser_;
  TimerId timer_ = 0;
  bool closed_ = false;

 private:
  virtual void fail(const std::string& why) = 0;
};

class ClientStream final : public ClientConversation {
 public:
  ClientStream(Loop& loop, const HttpClient::Options& options,
               HttpClient::StreamCallbacks callbacks, OnOver over)
      : ClientConversation(loop, options, std::move(over)), callbacks_(std::move(callbacks)) {}

 private:
  std::size_t on_bytes(std::string_view bytes) override;
  void on_disconnected(const std::string& why, bool ended) override;
  void on_head(HttpAnswer&& head) override;
  void on_body(std::string_view bytes) override;
  void fail(const std::string& why) override;
  void end(Result<void> how);

  HttpClient::StreamCallbacks callbacks_;
};

class ClientLink final : public ClientConversation {
 public:
  ClientLink(Loop& loop, const HttpClient::Options& options, HttpClient::LinkCallbacks callbacks,
             OnOver over)
      : ClientConversation(loop, options, std::move(over)), callbacks_(std::move(callbacks)) {}

  void send(std::string bytes) override;

 private:
  std::size_t on_bytes(std::string_view bytes) override;
  std::size_t take_frames(std::string_view bytes);
  void on_disconnected(const std::string& why, bool ended) override;
  void on_head(HttpAnswer&& head) override { answer_ = std::move(head); }
  void on_body(std::string_view bytes) override;
  void fail(const std::string& why) override;

  HttpClient::LinkCallbacks callbacks_;
  HttpAnswer answer_;
  bool open_ = false;
  OutBuffer early_;  // sent before the link was open
  std::vector<std::string_view> frames_;
};

}  // namespace souk::runtime
