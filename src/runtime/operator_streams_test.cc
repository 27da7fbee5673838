// The bounds; what listeners hear is tested with a real master (tests/conformance).
#include "runtime/operator_streams.h"

#include <gtest/gtest.h>

#include <utility>

namespace souk::runtime {
namespace {

using wire::ContentType;

SharedBytes view_of(std::size_t size) { return std::make_shared<const std::string>(size, 'x'); }

const protocol::OperatorEvent kRemoved =
    protocol::operator_event::AgentRemoved{AgentId(std::string(100, 'a'))};

class OperatorStreamsTest : public ::testing::Test {
 protected:
  void open(uint64_t id, ContentType type = ContentType::kJson) {
    streams.open(ConnectionId(id), type);
    streams.pin(ConnectionId(id));
  }
  void begin(uint64_t id, const SharedBytes& view) {
    streams.begin(ConnectionId(id), view, out, lost);
  }
  void say() {
    streams.say(kRemoved);
    streams.flush(out, lost);
  }
  std::vector<uint64_t> taken() {
    std::vector<uint64_t> ids;
    for (const ConnectionId id : std::exchange(lost, {})) ids.push_back(id.value);
    return ids;
  }

  OperatorStreams streams{1000};
  HttpServer::Batch out;  // holds what it was given
  std::vector<ConnectionId> lost;
};

TEST_F(OperatorStreamsTest, NothingIsHandedOutToNobody) {
  say();
  EXPECT_TRUE(out.empty());
  streams.open(ConnectionId(1), ContentType::kJson);  // its view comes later
  say();
  EXPECT_TRUE(out.empty());
}

TEST_F(OperatorStreamsTest, WhatWaitsForAViewIsBounded) {
  open(1);
  open(2, ContentType::kProtobuf);
  for (int i = 0; i < 5; ++i) say();
  EXPECT_EQ(taken(), std::vector<uint64_t>{});
  begin(2, view_of(10));
  for (int i = 0; i < 50; ++i) say();
  EXPECT_EQ(taken(), std::vector<uint64_t>{1});
  begin(1, view_of(10));  // too late
  say();
  EXPECT_EQ(taken(), std::vector<uint64_t>{});
}

TEST_F(OperatorStreamsTest, TheOldestUnreadViewGoes) {
  const auto most = OperatorStreams::kMaxUnreadViews;
  for (uint64_t id = 1; id <= most; ++id) {
    open(id);
    open(100 + id);
    const SharedBytes view = view_of(OperatorStreams::kLargeView);
    begin(id, view);
    begin(100 + id, view);
  }
  EXPECT_EQ(taken(), std::vector<uint64_t>{});
  open(50);
  begin(50, view_of(10));  // a small one is no matter
  EXPECT_EQ(taken(), std::vector<uint64_t>{});
  open(51);
  begin(51, view_of(OperatorStreams::kLargeView));
  EXPECT_EQ(taken(), (std::vector<uint64_t>{101, 1}));
  out = {};  // all of them are read
  for (uint64_t id = 60; id < 60 + most; ++id) {
    open(id);
    begin(id, view_of(OperatorStreams::kLargeView));
  }
  EXPECT_EQ(taken(), std::vector<uint64_t>{});
}

}  // namespace
}  // namespace souk::runtime
