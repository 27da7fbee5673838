#include "runtime/http_parser.h"

#include <gtest/gtest.h>

#include <array>
#include <span>
#include <vector>

#include "base/rng.h"

namespace souk::runtime {
namespace {

constexpr std::size_t kHeader = 400;
constexpr std::size_t kBody = 300;

// What a parser makes of bytes that come in pieces: what it holds back is fed again, as its users
// do.
struct Outcome {
  ParseState state = ParseState::kNeedMore;
  int bad_status = 0;
  std::string text;
  std::size_t consumed = 0;
  std::size_t most_held = 0;
  bool operator==(const Outcome& other) const {
    return state == other.state && bad_status == other.bad_status && text == other.text &&
           (state == ParseState::kBad || consumed == other.consumed);
  }
};

Outcome parse(std::string_view bytes, std::span<const std::size_t> cuts) {
  RequestParser parser(kHeader, kBody);
  Outcome outcome;
  std::string held;
  std::size_t at = 0;
  for (std::size_t i = 0; i <= cuts.size() && outcome.state == ParseState::kNeedMore; ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : bytes.size();
    held += bytes.substr(at, end - at);
    at = end;
    const RequestParser::Step step = parser.feed(held);
    outcome.state = step.state;
    outcome.consumed += step.consumed;
    held.erase(0, step.consumed);
    if (outcome.state == ParseState::kNeedMore) {
      outcome.most_held = std::max(outcome.most_held, held.size());
    }
  }
  if (outcome.state == ParseState::kBad) outcome.bad_status = parser.bad_status();
  if (outcome.state == ParseState::kDone) {
    const HttpRequest request = parser.take();
    outcome.text = fmt::format("{} {} {}", request.method, request.target, request.body);
    for (std::size_t i = 0; i < request.headers.size(); ++i) {
      const auto [name, value] = request.headers.at(i);
      outcome.text += fmt::format("|{}={}", name, value);
    }
  }
  return outcome;
}

constexpr std::array<std::string_view, 8> kRequests = {
    "GET / HTTP/1.1\r\n\r\n",
    "\r\nGET /state?a=b HTTP/1.1\r\nHost: x:5050\r\nAccept: */*\r\n\r\nnext",
    "POST /api HTTP/1.1\r\nContent-Length: 11\r\n\r\nhello worldGET /",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n"
    "Trailer: x\r\n\r\nGET",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 301\r\n\r\n",
    "GET / HTTP/1.0\r\nFolded: a\r\n b\r\nConnection: keep-alive\r\n\r\n",
};

TEST(RequestParser, CutsMakeNoDifference) {
  for (const std::string_view bytes : kRequests) {
    const Outcome whole = parse(bytes, {});
    EXPECT_NE(whole.state, ParseState::kNeedMore) << bytes;
    for (std::size_t a = 0; a <= bytes.size(); ++a) {
      for (std::size_t b = a; b <= bytes.size(); b += 3) {
        EXPECT_EQ(parse(bytes, std::array{a, b}), whole) << bytes << " at " << a << ", " << b;
      }
    }
  }
  EXPECT_EQ(parse(kRequests[2], {}).text, "POST /api hello world|Content-Length=11");
  EXPECT_EQ(parse(kRequests[4], {}).text, "POST / hello world|Transfer-Encoding=chunked");
  EXPECT_EQ(parse(kRequests[4], {}).consumed, kRequests[4].size() - 3);
  EXPECT_EQ(parse(kRequests[6], {}).bad_status, 413);
}

TEST(RequestParser, HoldsLittleOfWhatNeverEnds) {
  for (const std::string& start :
       {std::string("GET /"), std::string("GET / HTTP/1.1\r\nX: "),
        std::string("GET / HTTP/1.1\r\n"),
        std::string("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;"),
        std::string("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: ")}) {
    std::string bytes = start;
    std::vector<std::size_t> cuts;
    while (bytes.size() < 5000) {
      bytes += start.ends_with("1.1\r\n") ? "a: b\r\n" : "xxxxxx";
      cuts.push_back(bytes.size() - 2);
    }
    const Outcome outcome = parse(bytes, cuts);
    EXPECT_EQ(outcome.state, ParseState::kBad) << start;
    EXPECT_LE(outcome.most_held, kHeader) << start;
    EXPECT_LT(outcome.consumed, 2 * kHeader) << start;
  }
}

TEST(RequestParser, SurvivesDamagedRequests) {
  Rng rng(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(kRequests[rng.below(kRequests.size())]);
    for (uint64_t n = rng.below(4); n > 0; --n) {
      const std::size_t at = rng.below(bytes.size());
      switch (rng.below(3)) {
        case 0:
          bytes[at] = static_cast<char>(rng.below(256));
          break;
        case 1:
          bytes.insert(at, bytes.substr(rng.below(bytes.size()), rng.below(20)));
          break;
        default:
          bytes.erase(at, rng.below(8) + (bytes.size() < 20 ? 0 : 1));
      }
      if (bytes.empty()) bytes = "x";
    }
    const Outcome whole = parse(bytes, {});
    const Outcome cut = parse(bytes, std::array{rng.below(bytes.size())});
    EXPECT_LE(cut.most_held, kHeader);
    if (whole.state == ParseState::kDone) {
      EXPECT_EQ(cut, whole) << bytes;
    }
  }
}

class Collector : public BodySink {
 public:
  void on_head(HttpAnswer&& head) override { text += fmt::format("{}:", head.status); }
  void on_body(std::string_view bytes) override { text += bytes; }
  std::string text;
};

TEST(ResponseParser, CutsMakeNoDifference) {
  const std::string_view bytes =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\nrest";
  for (std::size_t at = 0; at <= bytes.size(); ++at) {
    Collector sink;
    ResponseParser parser(sink);
    RequestParser::Step step = parser.feed(bytes.substr(0, at));
    std::size_t consumed = step.consumed;
    if (step.state == ParseState::kNeedMore) {
      step = parser.feed(bytes.substr(consumed));
      consumed += step.consumed;
    }
    EXPECT_EQ(step.state, ParseState::kDone) << at;
    EXPECT_EQ(consumed, bytes.size() - 4) << at;
    EXPECT_EQ(sink.text, "200:hello!") << at;
  }
}

TEST(ResponseParser, AHeadRequestHasNoBody) {
  Collector sink;
  ResponseParser parser(sink);
  parser.reset(true);
  const std::string_view bytes = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
  EXPECT_EQ(parser.feed(bytes).state, ParseState::kDone);
  EXPECT_TRUE(parser.keep_alive());
}

}  // namespace
}  // namespace souk::runtime
