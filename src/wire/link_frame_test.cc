#include "wire/link_frame.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace souk::wire {
namespace {

TEST(LinkFrame, TheLengthIsBigEndian) {
  std::string out = "x";
  append_link_bytes(out, "abc");
  append_link_bytes(out, "");
  append_link_bytes(out, std::string(0x10203, 'y'));
  EXPECT_EQ(out.substr(0, 12), std::string("x\0\0\0\3abc\0\0\0\0", 12));
  EXPECT_EQ(out.substr(12, 4), std::string("\0\1\2\3", 4));
}

TEST(LinkFrame, OnlyWholeOnesAreCut) {
  std::string out;
  append_link_bytes(out, "abc");
  append_link_bytes(out, "");
  for (std::size_t size = 0; size <= out.size(); ++size) {
    std::vector<std::string_view> frames;
    const LinkFrameCut cut = cut_link_frames(std::string_view(out).substr(0, size), 3, frames);
    EXPECT_FALSE(cut.too_long);
    EXPECT_EQ(cut.consumed, size == 11 ? 11u : size >= 7 ? 7u : 0u);
    EXPECT_EQ(frames.size(), size == 11 ? 2u : size >= 7 ? 1u : 0u);
  }
}

TEST(LinkFrame, ALengthBeyondTheBoundIsKnownFromTheLengthAlone) {
  std::vector<std::string_view> frames;
  EXPECT_TRUE(cut_link_frames("\xff\xff\xff\xff", kMaxLinkFrame, frames).too_long);
  EXPECT_FALSE(cut_link_frames(std::string_view("\0\0\0\x0a", 4), 10, frames).too_long);
  EXPECT_TRUE(cut_link_frames(std::string_view("\0\0\0\x0a", 4), 9, frames).too_long);
  EXPECT_TRUE(frames.empty());
  // What came before it is good.
  std::string out;
  append_link_bytes(out, "ab");
  append_link_bytes(out, "abc");
  const LinkFrameCut cut = cut_link_frames(out, 2, frames);
  EXPECT_TRUE(cut.too_long);
  EXPECT_EQ(cut.consumed, 6u);
  EXPECT_EQ(frames, std::vector<std::string_view>{"ab"});
}

RC_GTEST_PROP(LinkFrame, CutAnywhereGivesTheSameFrames, ()) {
  const auto bodies =
      *rc::gen::container<std::vector<std::string>>(rc::gen::arbitrary<std::string>());
  std::string stream;
  for (const std::string& body : bodies) append_link_bytes(stream, body);
  std::vector<std::string> found;
  std::string kept;
  for (std::size_t at = 0; at < stream.size();) {
    const auto size = *rc::gen::inRange<std::size_t>(1, 12);
    kept += stream.substr(at, size);
    at += size;
    std::vector<std::string_view> frames;
    const LinkFrameCut cut = cut_link_frames(kept, kMaxLinkFrame, frames);
    RC_ASSERT(!cut.too_long);
    found.insert(found.end(), frames.begin(), frames.end());
    kept.erase(0, cut.consumed);
  }
  RC_ASSERT(found == bodies);
  RC_ASSERT(kept.empty());
}

TEST(LinkFrame, NoMoreThanAreWanted) {
  std::string bytes;
  for (const std::string_view each : {"one", "two", "three"}) append_link_bytes(bytes, each);
  std::vector<std::string_view> frames;
  const LinkFrameCut cut = cut_link_frames(bytes, 3, frames, 2);
  EXPECT_EQ(frames, (std::vector<std::string_view>{"one", "two"}));
  EXPECT_EQ(cut.consumed, 2 * (kLinkHeaderBytes + 3));
  EXPECT_FALSE(cut.too_long);  // the third was not looked at
}

}  // namespace
}  // namespace souk::wire
