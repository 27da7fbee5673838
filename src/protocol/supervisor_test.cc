#include "protocol/supervisor.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <limits>

namespace souk::protocol::supervisor {
namespace {

Process full_process() {
  return {.name = "task-1",
          .argv = {"sh", "-c", std::string("a\0b", 3), ""},
          .environment = {"PATH=/bin", "EMPTY="},
          .directory = "/tmp/sandbox",
          .stdout_path = "stdout",
          .stderr_path = "stderr",
          .uid = 1000,
          .gid = std::numeric_limits<int64_t>::min(),
          .groups = {0, -1, std::numeric_limits<int64_t>::max()},
          .refusal = "there is no user",
          .program = "/bin/sh"};
}

std::vector<ToSupervisor> all_to() {
  return {Launch{}, Launch{.processes = {full_process(), Process{}, full_process()}, .group = true},
          Kill{.name = "task-1", .grace_ns = -5}, Shutdown{.grace_ns = 3'000'000'000},
          Taken{.number = std::numeric_limits<uint64_t>::max()}};
}

std::vector<FromSupervisor> all_from() {
  return {Hello{.container = "c", .pid = 77},
          Report{.number = 1, .what = Started{.name = "t", .pid = 1 << 20}},
          Report{.number = 2, .what = LaunchFailed{.name = "t", .why = "no such file"}},
          Report{.number = 3, .what = Killing{.name = "t"}},
          Report{.number = 4, .what = Exited{.name = "t", .status = -1, .kill_asked = true}},
          Report{.number = 5, .what = Exited{.name = "", .status = 0x7f00}}};
}

template <class Message>
std::string body(const Message& message) {
  std::string out;
  EXPECT_TRUE(append_frame(out, message));
  return out.substr(4);
}

TEST(Supervisor, MessagesRoundTrip) {
  for (const ToSupervisor& message : all_to()) {
    EXPECT_EQ(decode_to_supervisor(body(message)), message) << message.index();
  }
  for (const FromSupervisor& message : all_from()) {
    EXPECT_EQ(decode_from_supervisor(body(message)), message) << message.index();
  }
}

TEST(Supervisor, BytesAreAsDocumented) {
  std::string out = "x";
  ASSERT_TRUE(append_frame(out, ToSupervisor(Kill{.name = "ab", .grace_ns = 0x0102})));
  EXPECT_EQ(out, std::string("x\x0f\0\0\0"
                             "\x02"
                             "\x02\0\0\0ab"
                             "\x02\x01\0\0\0\0\0\0",
                             1 + 4 + 15));
}

TEST(Supervisor, AFrameCutAnywhereIsRefused) {
  for (const ToSupervisor& message : all_to()) {
    const std::string whole = body(message);
    for (std::size_t n = 0; n < whole.size(); ++n) {
      EXPECT_FALSE(decode_to_supervisor(whole.substr(0, n))) << message.index() << " at " << n;
    }
  }
  for (const FromSupervisor& message : all_from()) {
    const std::string whole = body(message);
    for (std::size_t n = 0; n < whole.size(); ++n) {
      EXPECT_FALSE(decode_from_supervisor(whole.substr(0, n))) << message.index() << " at " << n;
    }
  }
}

TEST(Supervisor, BytesAfterTheLastFieldAreRefused) {
  for (const ToSupervisor& message : all_to()) {
    EXPECT_EQ(decode_to_supervisor(body(message) + '\0').error(), "bytes follow the last field");
  }
}

TEST(Supervisor, TheOtherSidesMessagesAreRefused) {
  for (const ToSupervisor& message : all_to()) EXPECT_FALSE(decode_from_supervisor(body(message)));
  for (const FromSupervisor& message : all_from())
    EXPECT_FALSE(decode_to_supervisor(body(message)));
  for (int type = 0; type < 256; ++type) {
    EXPECT_FALSE(decode_to_supervisor(std::string(1, static_cast<char>(type))));
    EXPECT_FALSE(decode_from_supervisor(std::string(1, static_cast<char>(type))));
  }
}

TEST(Supervisor, AbsurdCountsAndLengthsCostNothing) {
  // Processes, argv of the first process, its name.
  EXPECT_EQ(decode_to_supervisor("\x01\xff\xff\xff\xff").error(),
            "a list is longer than its frame");
  std::string launch = body(ToSupervisor(Launch{.processes = {Process{}}}));
  for (const std::size_t at : {1u, 5u, 9u, 13u, 17u, 21u, 25u, 45u}) {
    std::string broken = launch;
    broken.replace(at, 4, "\xff\xff\xff\xff");
    EXPECT_FALSE(decode_to_supervisor(broken)) << at;
    broken.replace(at, 4, std::string("\0\0\0\x80", 4));
    EXPECT_FALSE(decode_to_supervisor(broken)) << at;
  }
}

TEST(Supervisor, ValuesOutOfRangeAreRefused) {
  std::string launch = body(ToSupervisor(Launch{}));
  launch[5] = 2;
  EXPECT_EQ(decode_to_supervisor(launch).error(), "a truth value is neither 0 nor 1");
  std::string exited = body(FromSupervisor(Report{.number = 1, .what = Exited{}}));
  exited[18] = 1;  // bit 32 of the status
  EXPECT_EQ(decode_from_supervisor(exited).error(), "a wait status has more than 32 bits");
}

TEST(Supervisor, AMessageLongerThanAFrameIsNotWritten) {
  std::string out = "before";
  EXPECT_FALSE(append_frame(
      out, ToSupervisor(Launch{.processes = {Process{.name = std::string(kMaxFrame, 'x')}}})));
  EXPECT_EQ(out, "before");
}

std::vector<std::string> frames(FrameReader& reader) {
  std::vector<std::string> all;
  while (const auto frame = reader.next()) all.emplace_back(*frame);
  return all;
}

TEST(FrameReader, ReadsTheSameCutAtEveryByte) {
  std::string stream;
  std::vector<std::string> bodies;
  for (const ToSupervisor& message : all_to()) {
    ASSERT_TRUE(append_frame(stream, message));
    bodies.push_back(body(message));
  }
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    FrameReader reader;
    reader.feed(std::string_view(stream).substr(0, cut));
    std::vector<std::string> got = frames(reader);
    reader.feed(std::string_view(stream).substr(cut));
    for (std::string& frame : frames(reader)) got.push_back(std::move(frame));
    EXPECT_EQ(got, bodies) << cut;
  }
}

TEST(FrameReader, AnEmptyFrameIsAFrame) {
  FrameReader reader;
  reader.feed(std::string(4, '\0'));
  EXPECT_EQ(frames(reader), std::vector<std::string>{""});
  EXPECT_FALSE(decode_to_supervisor(""));
}

TEST(FrameReader, StopsAtATooLongFrame) {
  FrameReader reader;
  reader.feed(std::string("\0\0\0\x02", 4));  // exactly kMaxFrame
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.too_long());

  FrameReader strict;
  strict.feed(std::string("\x01\0\0\x02", 4));
  EXPECT_FALSE(strict.next());
  EXPECT_TRUE(strict.too_long());
  strict.feed(std::string(4, '\0'));
  EXPECT_FALSE(strict.next());
}

RC_GTEST_PROP(FrameReader, GivesBackWhatWasFramed, (const std::vector<std::string>& names)) {
  std::string stream;
  for (const std::string& name : names) append_frame(stream, ToSupervisor(Kill{.name = name}));
  FrameReader reader;
  std::vector<std::string> got;
  while (!stream.empty()) {
    const std::size_t piece = *rc::gen::inRange<std::size_t>(1, stream.size() + 1);
    reader.feed(std::string_view(stream).substr(0, piece));
    stream.erase(0, piece);
    while (const auto frame = reader.next()) {
      got.push_back(std::get<Kill>(decode_to_supervisor(*frame).value()).name);
    }
  }
  RC_ASSERT(got == names);
}

RC_GTEST_PROP(Supervisor, AnyBytesDecodeOrAreRefused, (std::string bytes)) {
  if (!bytes.empty() && *rc::gen::arbitrary<bool>()) {
    bytes[0] = static_cast<char>(*rc::gen::element(1, 2, 3, 4, 16, 17));
  }
  // What decodes has one byte form only.
  if (const auto to = decode_to_supervisor(bytes)) RC_ASSERT(body(*to) == bytes);
  if (const auto from = decode_from_supervisor(bytes)) RC_ASSERT(body(*from) == bytes);
}

}  // namespace
}  // namespace souk::protocol::supervisor
