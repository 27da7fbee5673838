// Streams and links of the HTTP server, by raw bytes.
#include <gtest/gtest.h>

#include <thread>

#include "runtime/http_server.h"
#include "runtime/test_support.h"

namespace souk::runtime {
namespace {

using testing::append_chunk;
using testing::RawClient;
using testing::TestServer;

std::string chunk(std::string_view text) {
  std::string out;
  append_chunk(out, text);
  return out;
}

std::string frame(std::string_view text) {
  std::string out;
  wire::append_link_bytes(out, text);
  return out;
}

// Opens a stream for every request and keeps its id.
struct StreamServer : TestServer {
  explicit StreamServer(HttpServer::Options options = {}) : TestServer(std::move(options)) {
    handler.take = [this](HttpRequest& request) {
      HttpServer::Batch batch;
      batch.open_stream(request.id, "application/json", {{"Mesos-Stream-Id", "s-1"}});
      batch.send(request.id, chunk("first"));
      server->submit(batch);
      handler.waiter.change([&] { streams.push_back(request.id); });
      return true;
    };
  }
  ConnectionId wait_for_stream() {
    EXPECT_TRUE(handler.waiter.wait([&] { return !streams.empty(); }));
    return streams.at(0);
  }
  bool wait_for_close(ConnectionId id) {
    return handler.waiter.wait([&] { return handler.closed == std::vector{id}; });
  }
  void send(ConnectionId id, std::string bytes) {
    HttpServer::Batch batch;
    batch.send(id, std::move(bytes));
    server->submit(batch);
  }
  void close(ConnectionId id) {
    HttpServer::Batch batch;
    batch.close(id);
    server->submit(batch);
  }

  std::vector<ConnectionId> streams;
};

TEST(HttpStream, SendsChunksUntilClosed) {
  StreamServer server;
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_NE(head.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(head.find("Mesos-Stream-Id: s-1\r\n"), std::string::npos);
  EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(head.find("Content-Length"), std::string::npos);
  EXPECT_EQ(client.read_until("first\r\n"), "5\r\nfirst\r\n");
  const ConnectionId id = server.wait_for_stream();
  server.send(id, chunk("second"));
  EXPECT_EQ(client.read_until("second\r\n"), "6\r\nsecond\r\n");
  server.send(id, chunk("last words"));
  server.close(id);
  EXPECT_EQ(client.read_to_end(), "a\r\nlast words\r\n0\r\n\r\n");
  EXPECT_TRUE(server.handler.closed.empty());
}

TEST(HttpStream, TellsWhenTheReaderGoes) {
  StreamServer server;
  for (const bool hard : {false, true}) {
    server.streams.clear();
    RawClient client(server.port());
    client.send("GET / HTTP/1.1\r\n\r\n");
    const ConnectionId id = server.wait_for_stream();
    client.read_until("first\r\n");
    if (hard) {
      client.reset();
    } else {
      client.close();
    }
    EXPECT_TRUE(server.wait_for_close(id));
    server.send(id, chunk("nobody hears this"));
    server.handler.waiter.change([&] { server.handler.closed.clear(); });
  }
}

TEST(HttpStream, AReaderThatDoesNotReadIsCutOff) {
  StreamServer server({.max_send_buffer = 1 << 20});
  RawClient client(server.port(), 4096);
  client.send("GET / HTTP/1.1\r\n\r\n");
  const ConnectionId id = server.wait_for_stream();
  const auto big = std::make_shared<const std::string>(chunk(std::string(64'000, 'x')));
  // More than the bound and all that the kernel may hold for the two of us.
  for (int i = 0; i < 500; ++i) {
    HttpServer::Batch batch;
    batch.send(id, big);
    server.server->submit(batch);
  }
  EXPECT_TRUE(server.wait_for_close(id));
  EXPECT_EQ(server.server->stats().cut_off, 1u);
}

TEST(HttpStream, OneEventMayBeLongerThanTheBound) {
  StreamServer server({.max_send_buffer = 1 << 20});
  RawClient client(server.port(), 4096);
  client.send("GET / HTTP/1.1\r\n\r\n");
  const ConnectionId id = server.wait_for_stream();
  client.read_until("first\r\n");
  const std::string big = chunk(std::string(32 << 20, 'x'));
  server.send(id, big);
  const std::string begun = client.read_until("x");  // more than the bound is left
  server.send(id, chunk("next"));
  server.close(id);
  EXPECT_EQ(begun + client.read_to_end(), big + chunk("next") + "0\r\n\r\n");
}

TEST(HttpStream, ASlowReaderBelowTheBoundGetsEverything) {
  StreamServer server({.max_send_buffer = 64 << 20});
  RawClient client(server.port(), 4096);
  client.send("GET / HTTP/1.1\r\n\r\n");
  const ConnectionId id = server.wait_for_stream();
  client.read_until("first\r\n");
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    std::string bytes = chunk(std::string(static_cast<std::size_t>(i) * 100 + 1, 'a' + i % 26));
    expected += bytes;
    server.send(id, std::move(bytes));
  }
  server.close(id);
  EXPECT_EQ(client.read_to_end(), expected + "0\r\n\r\n");
}

TEST(HttpStream, WhatAClientSendsIntoItsStreamIsThrownAway) {
  StreamServer server;
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\n\r\n");
  const ConnectionId id = server.wait_for_stream();
  client.read_until("first\r\n");
  for (int i = 0; i < 100; ++i) client.send(std::string(10'000, 'z'));
  server.send(id, chunk("still here"));
  EXPECT_EQ(client.read_until("here\r\n"), "a\r\nstill here\r\n");
}

TEST(HttpStream, NeedsHttp11) {
  StreamServer server;
  RawClient client(server.port());
  client.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 505 "));
  EXPECT_TRUE(server.wait_for_close(server.wait_for_stream()));
}

constexpr std::string_view kUpgrade =
    "GET /link HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: souk-link\r\n\r\n";

TEST(HttpLink, CarriesFramesBothWays) {
  TestServer server;
  RawClient client(server.port());
  // A frame right behind the request must not get lost.
  client.send(std::string(kUpgrade) + frame("early"));
  EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  auto& received = server.handler.frames;
  ASSERT_TRUE(server.handler.waiter.wait([&] { return received.size() == 1; }));
  const ConnectionId link = received[0].first;
  EXPECT_EQ(received[0].second, "early");
  const std::string big(300'000, 'b');
  const std::string bytes = frame("") + frame("two") + frame(big);
  for (std::size_t i = 0; i < 9; ++i) client.send(bytes.substr(i, 1));
  client.send(bytes.substr(9));
  ASSERT_TRUE(server.handler.waiter.wait([&] { return received.size() == 4; }));
  EXPECT_EQ(received[1].second, "");
  EXPECT_EQ(received[2].second, "two");
  EXPECT_EQ(received[3].second, big);
  HttpServer::Batch batch;
  batch.send(link, frame("answer"));
  batch.close(link);
  server.server->submit(batch);
  EXPECT_EQ(client.read_to_end(), frame("answer"));
  EXPECT_TRUE(server.handler.closed.empty());
}

TEST(HttpLink, StreamsAndLinksOutliveTheDeadlineOfTheirRequests) {
  constexpr Duration kTimeout = 250ms;
  StreamServer streams({.request_timeout = kTimeout, .idle_timeout = kTimeout});
  TestServer links({.request_timeout = kTimeout, .idle_timeout = kTimeout});
  RawClient reader(streams.port());
  RawClient linked(links.port());
  reader.send("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
  linked.send(std::string(kUpgrade) + frame("early"));
  reader.read_until("first\r\n");
  linked.read_until("\r\n\r\n");
  std::this_thread::sleep_for(2 * kTimeout);
  streams.send(streams.wait_for_stream(), chunk("late"));
  EXPECT_EQ(reader.read_until("late\r\n"), "4\r\nlate\r\n");
  linked.send(frame("late"));
  EXPECT_TRUE(links.handler.waiter.wait([&] { return links.handler.frames.size() == 2; }));
}

TEST(HttpLink, WaitsUntilWhatItSaidIsDealtWith) {
  TestServer server({.max_link_frames = 3});
  RawClient client(server.port());
  client.send(std::string(kUpgrade));
  client.read_until("\r\n\r\n");
  std::string bytes;
  for (const char name : {'a', 'b', 'c', 'd', 'e', 'f', 'g'}) bytes += frame(std::string(1, name));
  client.send(bytes);
  client.close();  // all the same: what it said is heard
  auto& handler = server.handler;
  for (const std::size_t rounds : {1, 2}) {
    ASSERT_TRUE(handler.waiter.wait([&] { return handler.full.size() == rounds; }));
    EXPECT_EQ(handler.frames.size(), 3 * rounds);
    EXPECT_TRUE(handler.closed.empty());
    HttpServer::Batch batch;
    batch.go_on(handler.full.back());
    server.server->submit(batch);
  }
  ASSERT_TRUE(handler.waiter.wait([&] { return handler.closed.size() == 1; }));
  ASSERT_EQ(handler.frames.size(), 7u);
  EXPECT_EQ(handler.frames[6].second, "g");
}

TEST(HttpLink, TellsWhenTheOtherEndGoes) {
  TestServer server;
  RawClient client(server.port());
  client.send(std::string(kUpgrade) + frame("x"));
  ASSERT_TRUE(server.handler.waiter.wait([&] { return server.handler.frames.size() == 1; }));
  client.close();
  EXPECT_TRUE(server.handler.waiter.wait(
      [&] { return server.handler.closed == std::vector{server.handler.frames[0].first}; }));
}

TEST(HttpLink, ClosesOnAFrameThatIsTooLong) {
  TestServer server({.max_frame = 1000});
  RawClient client(server.port());
  client.send(std::string(kUpgrade) + frame("fine") + std::string("\xff\xff\xff\xff", 4));
  client.read_until("\r\n\r\n");
  EXPECT_TRUE(client.at_end());
  ASSERT_TRUE(server.handler.waiter.wait([&] { return server.handler.closed.size() == 1; }));
  EXPECT_EQ(server.handler.frames.size(), 1u);
}

TEST(HttpLink, OtherProtocolsAreRequests) {
  TestServer server;
  RawClient client(server.port());
  client.send("GET /h2 HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  EXPECT_EQ(client.read_answer().second, "GET /h2 ");
}

TEST(HttpLink, ARefusedUpgradeLeavesAnHttpConnection) {
  struct Refusing : testing::EchoHandler {
    void on_upgrade(HttpRequest&& request) override {
      server->respond(request.id, HttpReply::text(503, "not now"));
    }
  } handler;
  const auto server = std::move(HttpServer::start({}, handler).value());
  handler.server = server.get();
  RawClient client(server->port());
  client.send(std::string(kUpgrade) + "GET /after HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client.read_answer().second, "not now");
  EXPECT_EQ(client.read_answer().second, "GET /after ");
}

TEST(HttpStream, StopWritesWhatWasSubmitted) {
  StreamServer server;
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\n\r\n");
  const ConnectionId id = server.wait_for_stream();
  client.read_until("first\r\n");
  server.send(id, chunk("bye"));
  server.server->stop();
  EXPECT_EQ(client.read_to_end(), "3\r\nbye\r\n");
}

}  // namespace
}  // namespace souk::runtime
