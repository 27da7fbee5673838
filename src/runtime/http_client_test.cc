#include "runtime/http_client.h"

#include <gtest/gtest.h>

#include <thread>

#include "runtime/test_support.h"

namespace souk::runtime {
namespace {

using testing::append_chunk;
using testing::TestServer;

// Runs a loop on the test's thread until told, or until patience ends.
struct LoopTest : ::testing::Test {
  void run() {
    const TimerId timer = loop.call_after(10s, [this] {
      ADD_FAILURE() << "nothing happened";
      loop.stop();
    });
    loop.run();
    loop.cancel(timer);
  }
  ClientRequest get(const std::string& url) {
    return {.method = "GET", .url = parse_url(url).value()};
  }
  ClientRequest post(const std::string& url, std::string body) {
    ClientRequest request;
    request.url = parse_url(url).value();
    request.body = std::make_shared<const std::string>(std::move(body));
    return request;
  }

  Loop loop;
};
using HttpClientTest = LoopTest;

// A server that plays back bytes whatever it is asked; for what ours would never say.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> answers) {
    const TcpListener listener =
        tcp_listen(*make_tcp_address("127.0.0.1", 0), PortSharing::kAlone).value();
    port_ = listener.port;
    thread_ = std::thread([fd = listener.fd, answers = std::move(answers)] {
      for (const std::string& answer : answers) {
        pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
        poll(&ready, 1, testing::kPatience);
        const int peer = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
        char bytes[4096];
        (void)!recv(peer, bytes, sizeof bytes, 0);
        (void)!send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
        ::close(peer);
      }
      ::close(fd);
    });
  }
  ~ScriptedServer() { thread_.join(); }
  std::string url() const { return fmt::format("http://127.0.0.1:{}/", port_); }

 private:
  uint16_t port_ = 0;
  std::thread thread_;
};

TEST_F(HttpClientTest, ManyRequestsGoInOrderOverOneConnection) {
  TestServer server;
  HttpClient client(loop);
  std::vector<std::string> answers;
  constexpr int kRequests = 500;
  for (int i = 0; i < kRequests; ++i) {
    client.request(post(server.url("/p"), std::to_string(i)), [&](Result<HttpAnswer> answer) {
      answers.push_back(answer.value().body);
      if (answers.size() == kRequests) loop.stop();
    });
  }
  run();
  ASSERT_EQ(answers.size(), 500u);
  for (int i = 0; i < kRequests; ++i) {
    EXPECT_EQ(answers[static_cast<std::size_t>(i)], fmt::format("POST /p {}", i));
  }
  EXPECT_EQ(server.server->stats().accepted, 1u);
}

TEST_F(HttpClientTest, GivesStatusAndHeadersOfRefusals) {
  TestServer server;
  server.handler.take = [&](HttpRequest& request) {
    HttpReply reply = HttpReply::empty(307);
    reply.headers.add("Location", "//127.0.0.1:1/x");
    server.server->respond(request.id, std::move(reply));
    return true;
  };
  const Result<HttpAnswer> answer = http_post(server.url("/"), "text/plain", "x");
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status, 307);
  EXPECT_EQ(answer->headers.get("location"), "//127.0.0.1:1/x");
}

TEST_F(HttpClientTest, BlockingHelpers) {
  TestServer server;
  EXPECT_EQ(http_get(server.url("/a"))->body, "GET /a ");
  EXPECT_EQ(http_post(server.url("/b"), "text/plain", "body")->body, "POST /b body");
  EXPECT_FALSE(http_get("ftp://x/").has_value());
  EXPECT_FALSE(http_get("http://:80/").has_value());
  EXPECT_FALSE(http_get("http://host:99999/").has_value());
  const Result<HttpAnswer> refused = http_get("http://127.0.0.1:1/");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("127.0.0.1:1"), std::string::npos);
  EXPECT_NE(refused.error().message.find("refused"), std::string::npos);
}

TEST_F(HttpClientTest, NamesAreResolved) {
  TestServer server;
  const std::string url = fmt::format("http://localhost:{}/n", server.port());
  EXPECT_EQ(http_get(url)->body, "GET /n ");
  const Result<HttpAnswer> unknown = http_get("http://no-such-host.invalid/");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_NE(unknown.error().message.find("no-such-host.invalid"), std::string::npos);
}

TEST_F(HttpClientTest, ASilentServerTimesOut) {
  TestServer server;
  server.handler.take = [](HttpRequest&) { return true; };
  const Result<HttpAnswer> answer = http_get(server.url("/"), 50ms);
  ASSERT_FALSE(answer.has_value());
  EXPECT_NE(answer.error().message.find("in time"), std::string::npos);
}

TEST_F(HttpClientTest, AnswersOfOtherKinds) {
  const std::pair<std::string, std::string> cases[] = {
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
       "abc"},
      {"HTTP/1.1 204 No Content\r\n\r\n", ""},
  };
  for (const auto& [bytes, body] : cases) {
    ScriptedServer server({bytes});
    const Result<HttpAnswer> answer = http_get(server.url());
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    EXPECT_EQ(answer->body, body);
  }
}

TEST_F(HttpClientTest, BrokenAnswersAreErrors) {
  for (const char* bytes :
       {"", "rubbish\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\n", "HTTP/1.1 200 O"}) {
    ScriptedServer server({bytes});
    EXPECT_FALSE(http_get(server.url()).has_value()) << bytes;
  }
}

TEST_F(HttpClientTest, GoesOnWithANewConnectionAfterALostOne) {
  ScriptedServer server({"", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"});
  HttpClient client(loop, {.max_pipelined = 1});
  std::vector<std::string> said;
  for (int i = 0; i < 2; ++i) {
    client.request(get(server.url()), [&](Result<HttpAnswer> answer) {
      said.push_back(answer ? answer->body : "lost");
      if (said.size() == 2) loop.stop();
    });
  }
  run();
  EXPECT_EQ(said, (std::vector<std::string>{"lost", "ok"}));
}

TEST_F(HttpClientTest, StreamsBytesAsTheyCome) {
  TestServer server;
  ConnectionId stream;
  server.handler.take = [&](HttpRequest& request) {
    HttpServer::Batch batch;
    batch.open_stream(request.id, "application/json");
    std::string bytes;
    append_chunk(bytes, "one ");
    batch.send(request.id, std::move(bytes));
    server.server->submit(batch);
    stream = request.id;
    return true;
  };
  HttpClient client(loop);
  std::string got;
  std::string end = "none";
  client.open_stream(post(server.url("/api"), "{}"),
                     {.on_headers =
                          [&](const HttpAnswer& head) {
                            got += fmt::format("{} {}:", head.status,
                                               head.headers.get("Content-Type"));
                          },
                      .on_bytes =
                          [&](std::string_view bytes) {
                            got += bytes;
                            if (!got.ends_with("one ")) return;
                            HttpServer::Batch batch;
                            std::string more;
                            append_chunk(more, "two");
                            batch.send(stream, std::move(more));
                            batch.close(stream);
                            server.server->submit(batch);
                          },
                      .on_end =
                          [&](Result<void> how) {
                            end = how ? "proper" : how.error().message;
                            loop.stop();
                          }});
  run();
  EXPECT_EQ(got, "200 application/json:one two");
  EXPECT_EQ(end, "proper");
}

TEST_F(HttpClientTest, AStreamThatBreaksOffIsAnError) {
  ScriptedServer server({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"});
  HttpClient client(loop);
  std::string got;
  bool failed = false;
  client.open_stream(get(server.url()), {.on_headers = {},
                                         .on_bytes = [&](std::string_view b) { got += b; },
                                         .on_end =
                                             [&](Result<void> how) {
                                               failed = !how;
                                               loop.stop();
                                             }});
  run();
  EXPECT_EQ(got, "abc");
  EXPECT_TRUE(failed);
}

TEST_F(HttpClientTest, LinksCarryFramesBothWays) {
  TestServer server;
  HttpClient client(loop);
  std::vector<std::string> got;
  HttpClient::StreamId link = 0;
  bool opened = false;
  link = client.open_link(parse_url(server.url("/link")).value(), "souk-link",
                          {.on_open = [&] { opened = true; },
                           .on_frames =
                               [&](std::span<const std::string_view> frames) {
                                 for (const std::string_view f : frames) got.emplace_back(f);
                                 if (got.size() == 2) loop.stop();
                               },
                           .on_closed =
                               [&](const std::string& why, const HttpAnswer*) {
                                 ADD_FAILURE() << why;
                                 loop.stop();
                               }});
  std::string early;
  wire::append_link_bytes(early, "sent before it is open");
  client.send(link, early);
  std::thread answering([&] {
    ASSERT_TRUE(server.handler.waiter.wait([&] { return server.handler.frames.size() == 1; }));
    HttpServer::Batch batch;
    std::string bytes;
    wire::append_link_bytes(bytes, "a");
    wire::append_link_bytes(bytes, std::string(200'000, 'b'));
    batch.send(server.handler.frames[0].first, std::move(bytes));
    server.server->submit(batch);
  });
  run();
  answering.join();
  EXPECT_TRUE(opened);
  EXPECT_EQ(server.handler.frames[0].second, "sent before it is open");
  EXPECT_EQ(got, (std::vector<std::string>{"a", std::string(200'000, 'b')}));
}

TEST_F(HttpClientTest, ARefusedLinkTellsTheAnswer) {
  ScriptedServer server(
      {"HTTP/1.1 307 Temporary Redirect\r\nLocation: //a:1/link\r\nContent-Length: 4\r\n\r\nmove"});
  HttpClient client(loop);
  std::string told;
  client.open_link(parse_url(server.url()).value(), "souk-link",
                   {.on_open = [] { ADD_FAILURE(); },
                    .on_frames = {},
                    .on_closed =
                        [&](const std::string& why, const HttpAnswer* refusal) {
                          ASSERT_NE(refusal, nullptr);
                          told = fmt::format("{}|{}|{}", why, refusal->headers.get("Location"),
                                             refusal->body);
                          loop.stop();
                        }});
  run();
  EXPECT_EQ(told, "the server answered 307|//a:1/link|move");
}

TEST_F(HttpClientTest, ALostLinkIsTold) {
  auto server = std::make_unique<TestServer>();
  HttpClient client(loop);
  bool closed = false;
  client.open_link(parse_url(server->url("/")).value(), "souk-link",
                   {.on_open = [&] { server.reset(); },
                    .on_frames = {},
                    .on_closed =
                        [&](const std::string&, const HttpAnswer* refusal) {
                          EXPECT_EQ(refusal, nullptr);
                          closed = true;
                          loop.stop();
                        }});
  run();
  EXPECT_TRUE(closed);
}

TEST_F(HttpClientTest, MayBeDestroyedInACallback) {
  TestServer server;
  auto client = std::make_unique<HttpClient>(loop);
  for (int i = 0; i < 3; ++i) {
    client->request(get(server.url("/")), [&](Result<HttpAnswer>) {
      client.reset();  // the other two never come
      loop.call_after(20ms, [&] { loop.stop(); });
    });
  }
  run();
  EXPECT_EQ(client, nullptr);

  client = std::make_unique<HttpClient>(loop);
  client->open_stream(get(server.url("/")), {.on_headers =
                                                 [&](const HttpAnswer&) {
                                                   client.reset();
                                                   loop.call_after(20ms, [&] { loop.stop(); });
                                                 },
                                             .on_bytes = [](std::string_view) { ADD_FAILURE(); },
                                             .on_end = [](Result<void>) { ADD_FAILURE(); }});
  run();
  EXPECT_EQ(client, nullptr);
}

TEST_F(HttpClientTest, AClosedStreamSaysNothing) {
  TestServer server;
  HttpClient client(loop);
  HttpClient::StreamId id = 0;
  id = client.open_stream(get(server.url("/")),
                          {.on_headers = [&](const HttpAnswer&) { client.close(id); },
                           .on_bytes = [](std::string_view) { ADD_FAILURE(); },
                           .on_end = [](Result<void>) { ADD_FAILURE(); }});
  loop.call_after(100ms, [&] { loop.stop(); });
  run();
}

TEST(HttpUrl, Parses) {
  const HttpUrl url = parse_url("http://host:5050/a/b?c#d").value();
  EXPECT_EQ(url.host, "host");
  EXPECT_EQ(url.port, 5050);
  EXPECT_EQ(url.target, "/a/b?c");
  EXPECT_EQ(parse_url("//h:1")->target, "/");
  EXPECT_EQ(parse_url("h?x")->target, "/?x");
  EXPECT_EQ(parse_url("[::1]:8/x")->host, "::1");
  EXPECT_EQ(parse_url("http://[::1]:8/x")->authority(), "[::1]:8");
  EXPECT_FALSE(parse_url("https://x").has_value());
  EXPECT_FALSE(parse_url("http://x:0/").has_value());
  EXPECT_FALSE(parse_url("http://x/a b").has_value());
  EXPECT_FALSE(parse_url("http://x/\r\nEvil: yes").has_value());
  EXPECT_FALSE(parse_url("http://[::1/").has_value());
  EXPECT_FALSE(parse_url("").has_value());
}

}  // namespace
}  // namespace souk::runtime
