#include "runtime/http_server.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "runtime/test_support.h"

namespace souk::runtime {
namespace {

using namespace std::string_view_literals;

using testing::append_chunk;
using testing::RawClient;
using testing::TestServer;

std::string status_of(std::string_view head) { return std::string(head.substr(9, 3)); }

TEST(HttpServer, AnswersOnAKeptAliveConnection) {
  TestServer server;
  RawClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.send("GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto [head, body] = client.read_answer();
    EXPECT_EQ(status_of(head), "200");
    EXPECT_NE(head.find("Content-Type: text/plain; charset=utf-8\r\n"), std::string::npos);
    EXPECT_NE(head.find("Date: "), std::string::npos);
    EXPECT_EQ(body, "GET /a?b=c ");
  }
  EXPECT_EQ(server.server->stats().accepted, 1u);
  EXPECT_EQ(server.server->stats().requests, 3u);
}

TEST(HttpServer, HandsOverHeadersAndPeer) {
  TestServer server;
  std::string seen;
  server.handler.take = [&](HttpRequest& request) {
    seen = fmt::format("{}|{}|{}|{}|{}", request.headers.get("content-TYPE"),
                       request.headers.get("Mesos-Stream-Id"), request.path(), request.query(),
                       request.peer.starts_with("127.0.0.1:"));
    return false;
  };
  RawClient client(server.port());
  client.send(
      "POST /api?x=1 HTTP/1.1\r\nContent-Type: application/json\r\nMESOS-STREAM-ID: s\r\n"
      "Content-Length: 2\r\n\r\nhi");
  EXPECT_EQ(client.read_answer().second, "POST /api?x=1 hi");
  EXPECT_EQ(seen, "application/json|s|/api|x=1|true");
}

TEST(HttpServer, EmptyAnswersCarryNoContentType) {
  TestServer server;
  server.handler.take = [&](HttpRequest& request) {
    server.server->respond(request.id, HttpReply::empty(202));
    return true;
  };
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 202 Accepted\r\n"));
  EXPECT_EQ(head.find("Content-Type"), std::string::npos);
  EXPECT_NE(head.find("Content-Length: 0\r\n"), std::string::npos);
}

TEST(HttpServer, HeadGetsTheLengthOnly) {
  TestServer server;
  RawClient client(server.port());
  client.send("HEAD /x HTTP/1.1\r\n\r\nGET /y HTTP/1.1\r\n\r\n");
  EXPECT_NE(client.read_until("\r\n\r\n").find("Content-Length: 8\r\n"), std::string::npos);
  EXPECT_EQ(client.read_answer().second, "GET /y ");
}

TEST(HttpServer, ChunkedBodiesByteByByte) {
  TestServer server;
  const std::string request =
      "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\nWiki\r\n6;x=y\r\npedia \r\n0\r\nTrailer: t\r\n\r\n";
  RawClient whole(server.port());
  whole.send(request);
  EXPECT_EQ(whole.read_answer().second, "POST /c Wikipedia ");
  RawClient slow(server.port());
  for (const char c : request) slow.send({&c, 1});
  EXPECT_EQ(slow.read_answer().second, "POST /c Wikipedia ");
}

TEST(HttpServer, AnEmptyChunkedBodyInPieces) {
  TestServer server;
  RawClient client(server.port());
  client.send("POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
  std::this_thread::sleep_for(20ms);
  client.send("\r");
  std::this_thread::sleep_for(20ms);
  client.send("\n");
  EXPECT_EQ(client.read_answer().second, "POST /c ");
}

TEST(HttpServer, PipelinedAnswersComeInOrder) {
  TestServer server;
  std::vector<ConnectionId> held;
  server.handler.take = [&](HttpRequest& request) {
    held.push_back(request.id);
    if (held.size() < 3) return true;
    // In the wrong order and from one batch.
    HttpServer::Batch batch;
    for (int i : {2, 0, 1}) {
      batch.respond(held[static_cast<std::size_t>(i)], HttpReply::text(200, fmt::format("#{}", i)));
    }
    server.server->submit(batch);
    return true;
  };
  RawClient client(server.port());
  client.send("GET /0 HTTP/1.1\r\n\r\nGET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.read_answer().second, fmt::format("#{}", i));
}

TEST(HttpServer, MoreRequestsAtOnceThanMayBePending) {
  TestServer server;
  RawClient client(server.port());
  constexpr int kRequests = 2000;
  std::thread writer([&] {
    for (int i = 0; i < kRequests; ++i) client.send(fmt::format("GET /{} HTTP/1.1\r\n\r\n", i));
  });
  for (int i = 0; i < kRequests; ++i) {
    ASSERT_EQ(client.read_answer().second, fmt::format("GET /{} ", i));
  }
  writer.join();
}

struct BadRequest {
  std::string_view bytes;
  std::string_view status;
};

TEST(HttpServer, RefusesWhatIsNotHttp) {
  TestServer server({.max_body = 1000});
  const std::string long_header = "GET / HTTP/1.1\r\nX: " + std::string(70'000, 'x');
  const std::string long_target = "GET /" + std::string(70'000, 'x');
  const std::string long_chunk_extension =
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(200'000, 'x');
  std::string many_headers = "GET / HTTP/1.1\r\n";
  while (many_headers.size() < 70'000) many_headers += "A: b\r\n";
  const BadRequest cases[] = {
      {"nonsense\r\n\r\n", "400"},
      {"GET / HTTP/9.9\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nno colon\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\na: b\0c\r\n\r\n"sv, "400"},
      {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", "413"},
      {"POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n", "413"},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", "413"},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "413"},
      {long_header, "431"},
      {long_target, "431"},
      {many_headers, "431"},
      {long_chunk_extension, "400"},
  };
  for (const BadRequest& bad : cases) {
    RawClient client(server.port());
    client.send(bad.bytes);
    const std::string answer = client.read_to_end();
    EXPECT_EQ(answer.substr(0, 12), fmt::format("HTTP/1.1 {}", bad.status))
        << bad.bytes.substr(0, 80);
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  }
  EXPECT_EQ(server.server->stats().requests, 0u);
  EXPECT_EQ(server.server->stats().bad_requests, std::size(cases));
}

TEST(HttpServer, ABadRequestBehindAGoodOneIsAnsweredInOrder) {
  TestServer server;
  ConnectionId first;
  server.handler.take = [&](HttpRequest& request) {
    server.handler.waiter.change([&] { first = request.id; });
    return true;
  };
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\n\r\nrubbish\r\n\r\nGET /more HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(server.handler.waiter.wait([&] { return first.value != 0; }));
  server.server->respond(first, HttpReply::text(200, "good"));
  EXPECT_EQ(client.read_answer().second, "good");
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 400 "));
}

TEST(HttpServer, ABodyTooLongIsRefusedWhileItIsStillBeingSent) {
  TestServer server({.max_body = 1 << 20});
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::thread writer([&] {
    std::string chunk;
    append_chunk(chunk, std::string(100'000, 'x'));
    for (int i = 0; i < 40; ++i) client.send(chunk);
  });
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 413 "));
  writer.join();
}

TEST(HttpServer, TellsAClientToGoOn) {
  TestServer server({.max_body = 100});
  RawClient client(server.port());
  client.send("POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_EQ(client.read_answer().second, "POST /x ok");
  client.send("POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n");
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 413 "));
}

TEST(HttpServer, SlowAndHalfOpenClientsAreLetGo) {
  TestServer server({.request_timeout = 100ms, .idle_timeout = 150ms});
  RawClient silent(server.port());
  RawClient half_head(server.port());
  half_head.send("GET / HT");
  RawClient half_body(server.port());
  half_body.send("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n123");
  RawClient idle(server.port());
  idle.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(idle.read_answer().second, "GET / ");
  EXPECT_TRUE(silent.at_end());
  EXPECT_TRUE(half_head.read_to_end().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(half_body.read_to_end().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(idle.at_end());
}

TEST(HttpServer, ADripOfHeaderBytesDoesNotHoldAConnection) {
  TestServer server({.request_timeout = 150ms});
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nX: ");
  for (int i = 0; i < 15; ++i) {
    std::this_thread::sleep_for(20ms);
    client.send("x");
  }
  EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 408 "));
}

TEST(HttpServer, AHalfClosedClientStillGetsItsAnswer) {
  TestServer server;
  ConnectionId waiting;
  server.handler.take = [&](HttpRequest& request) {
    server.handler.waiter.change([&] { waiting = request.id; });
    return true;
  };
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\n\r\n");
  client.half_close();
  ASSERT_TRUE(server.handler.waiter.wait([&] { return waiting.value != 0; }));
  server.server->respond(waiting, HttpReply::text(200, "late"));
  EXPECT_TRUE(client.read_to_end().ends_with("late"));
}

TEST(HttpServer, TellsWhenAClientWithAPendingRequestIsGone) {
  TestServer server;
  ConnectionId waiting;
  server.handler.take = [&](HttpRequest& request) {
    server.handler.waiter.change([&] { waiting = request.id; });
    return true;
  };
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(server.handler.waiter.wait([&] { return waiting.value != 0; }));
  client.reset();
  EXPECT_TRUE(
      server.handler.waiter.wait([&] { return server.handler.closed == std::vector{waiting}; }));
  server.server->respond(waiting, HttpReply::text(200, "too late"));  // dropped
}

TEST(HttpServer, Http10AndConnectionCloseEndTheConnection) {
  TestServer server;
  RawClient old(server.port());
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.read_to_end().ends_with("GET / "));
  RawClient last(server.port());
  last.send("GET /a HTTP/1.1\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(last.read_to_end().ends_with("GET /a "));
  RawClient kept(server.port());
  kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(kept.read_answer().first.find("Connection: keep-alive"), std::string::npos);
}

TEST(HttpServer, CompressesLargeAnswersForThoseWhoTakeIt) {
  TestServer server;
  const std::string text(5000, 'a');
  server.handler.take = [&](HttpRequest& request) {
    server.server->respond(request.id, HttpReply::json(text));
    return true;
  };
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nAccept-Encoding: deflate, gzip;q=0.5\r\n\r\n");
  const auto [head, body] = client.read_answer();
  EXPECT_NE(head.find("Content-Encoding: gzip\r\n"), std::string::npos);
  EXPECT_LT(body.size(), 100u);
  EXPECT_EQ(gunzip(body, 10'000).value(), text);
  for (const char* accept : {"", "Accept-Encoding: gzip;q=0\r\n"}) {
    client.send(fmt::format("GET / HTTP/1.1\r\n{}\r\n", accept));
    EXPECT_EQ(client.read_answer().second, text);
  }
}

TEST(HttpServer, HeadersCannotBeSmuggledIn) {
  TestServer server;
  server.handler.take = [&](HttpRequest& request) {
    HttpReply reply = HttpReply::text(200, "x");
    reply.headers.add("Location", "/a\r\nEvil: yes");
    reply.headers.add("Good", "yes");
    server.server->respond(request.id, std::move(reply));
    return true;
  };
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\n\r\n");
  const std::string head = client.read_answer().first;
  EXPECT_EQ(head.find("Evil"), std::string::npos);
  EXPECT_NE(head.find("Good: yes\r\n"), std::string::npos);
}

TEST(HttpServer, TurnsAwayWhatIsTooMuch) {
  TestServer server({.max_connections = 2});
  RawClient a(server.port());
  RawClient b(server.port());
  a.send("GET / HTTP/1.1\r\n\r\n");
  b.send("GET / HTTP/1.1\r\n\r\n");
  a.read_answer();
  b.read_answer();
  RawClient c(server.port());
  EXPECT_TRUE(c.read_to_end().starts_with("HTTP/1.1 503 "));
  a.close();
  for (int i = 0; i < 100 && server.server->stats().connections > 1; ++i) {
    std::this_thread::sleep_for(10ms);
  }
  RawClient d(server.port());
  d.send("GET /d HTTP/1.1\r\n\r\n");
  EXPECT_EQ(d.read_answer().second, "GET /d ");
}

TEST(HttpServer, ASecondServerOnThePortIsRefused) {
  for (const unsigned threads : {1u, 2u}) {
    TestServer first({.threads = threads});
    testing::EchoHandler other;
    const auto second = HttpServer::start({.port = first.port(), .threads = threads}, other);
    ASSERT_FALSE(second.has_value());
    EXPECT_NE(second.error().message.find("in use"), std::string::npos) << second.error().message;
  }
}

TEST(HttpServer, RefusesAnAddressThatIsNone) {
  testing::EchoHandler handler;
  const auto server = HttpServer::start({.ip = "localhost"}, handler);
  ASSERT_FALSE(server.has_value());
  EXPECT_NE(server.error().message.find("not an IP address"), std::string::npos);
}

TEST(HttpServer, TwoHundredConnectionsOnTwoThreads) {
  TestServer server({.threads = 2});
  std::vector<RawClient> clients;
  clients.reserve(200);
  for (int i = 0; i < 200; ++i) clients.emplace_back(server.port());
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      clients[i].send(fmt::format("GET /{} HTTP/1.1\r\n\r\n", i));
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      ASSERT_EQ(clients[i].read_answer().second, fmt::format("GET /{} ", i));
    }
  }
  EXPECT_EQ(server.server->stats().requests, 600u);
}

// A process that says its last words and dies is heard before its end is.
TEST(HttpServer, AfterInputComesBehindAllThatHadArrived) {
  for (const unsigned threads : {1u, 3u}) {
    TestServer server({.threads = threads});
    std::atomic<int> requests = 0;
    server.handler.take = [&](HttpRequest& request) {
      ++requests;
      server.server->respond(request.id, HttpReply::empty(202));
      return true;
    };
    RawClient old(server.port());
    for (int round = 1; round <= 300; ++round) {
      // Over a connection that the server knows, and over one that it has yet to accept.
      RawClient fresh(server.port());
      old.send("GET /old HTTP/1.1\r\nHost: x\r\n\r\n");
      fresh.send("POST /new HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
      fresh.close();
      std::promise<int> heard;
      server.server->after_input([&] { heard.set_value(requests); });
      ASSERT_EQ(heard.get_future().get(), 2 * round) << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace souk::runtime
