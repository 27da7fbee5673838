#include "wire/recordio.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <vector>

namespace souk::wire {
namespace {

using Records = std::vector<std::string>;

// All that a parser makes of the pieces; the error is the last element, prefixed by '!'.
Records parse(RecordParser& parser, const std::vector<std::string_view>& pieces) {
  Records records;
  for (const std::string_view piece : pieces) {
    const auto fed = parser.feed(piece, [&](std::string_view r) { records.emplace_back(r); });
    if (!fed) {
      records.push_back("!" + fed.error().message);
      break;
    }
  }
  return records;
}

Records parse(std::string_view bytes, std::size_t max = kMaxRecordBytes) {
  RecordParser parser(max);
  return parse(parser, {bytes});
}

std::string framed(const Records& records) {
  std::string stream;
  for (const std::string& record : records) append_record(stream, record);
  return stream;
}

TEST(RecordIo, Writes) { EXPECT_EQ(framed({"hello", "", "a\nb"}), "5\nhello0\n3\na\nb"); }

TEST(RecordIo, WritesOneRecordAsOneChunk) {
  std::string out;
  append_chunk(out, "0123456789abc");
  append_chunk(out, "");
  EXPECT_EQ(out, "10\r\n13\n0123456789abc\r\n2\r\n0\n\r\n");
}

TEST(RecordIo, ReadsRecords) {
  EXPECT_EQ(parse("5\nhello0\n3\na\nb"), (Records{"hello", "", "a\nb"}));
  EXPECT_EQ(parse("5\nhell"), Records{});
  EXPECT_EQ(parse("05\nhello"), Records{"hello"});
}

TEST(RecordIo, ReadsTheSameCutAtEveryByte) {
  const Records records = {"hello", "", "12\n", std::string(1000, 'x')};
  const std::string stream = framed(records);
  for (std::size_t a = 0; a <= stream.size(); ++a) {
    const std::string_view bytes = stream;
    RecordParser parser;
    EXPECT_EQ(parse(parser, {bytes.substr(0, a), bytes.substr(a)}), records) << a;
    EXPECT_TRUE(parser.at_boundary());
  }
}

TEST(RecordIo, KnowsTheBoundary) {
  const std::string stream = framed({"hello"});
  for (std::size_t size = 0; size <= stream.size(); ++size) {
    RecordParser parser;
    parse(parser, {std::string_view(stream).substr(0, size)});
    EXPECT_EQ(parser.at_boundary(), size == 0 || size == stream.size()) << size;
  }
}

TEST(RecordIo, RefusesBadLengths) {
  for (const char* bytes : {"\nx", "-1\nx", "+1\nx", " 1\nx", "1 \nx", "1\r\nx", "0x1\nx", "1e3\nx",
                            "{\"a\":1}\n", "99999999999999999999999\n", "18446744073709551616\n",
                            "18446744073709551617\n", "000000000000000000001\n"}) {
    const Records got = parse(bytes);
    ASSERT_EQ(got.size(), 1U) << bytes;
    EXPECT_EQ(got[0].rfind("!RecordIO: ", 0), 0U) << got[0];
  }
}

TEST(RecordIo, RefusesANulByteInALength) {
  EXPECT_EQ(parse(std::string_view("1\0\nx", 4)),
            Records{"!RecordIO: byte 0x00 in a record length"});
}

TEST(RecordIo, HoldsItsBound) {
  EXPECT_EQ(parse("10\n0123456789", 10), Records{"0123456789"});
  EXPECT_EQ(parse("11", 10), Records{"!RecordIO: record longer than 10 bytes"});
  EXPECT_EQ(parse("7", 5), Records{"!RecordIO: record longer than 5 bytes"});
}

TEST(RecordIo, StaysFailed) {
  RecordParser parser;
  EXPECT_EQ(parse(parser, {"2\nokx"}), (Records{"ok", "!RecordIO: byte 0x78 in a record length"}));
  EXPECT_EQ(parse(parser, {"2\nok"}), Records{"!RecordIO: the stream failed before"});
  EXPECT_FALSE(parser.at_boundary());
}

RC_GTEST_PROP(RecordIo, AnyRecordsInAnyPiecesComeBack, ()) {
  const auto records = *rc::gen::arbitrary<Records>();
  const auto sizes =
      *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 40));
  const std::string stream = framed(records);
  std::string_view rest = stream;
  std::vector<std::string_view> pieces;
  for (const std::size_t size : sizes) {
    pieces.push_back(rest.substr(0, size));
    rest.remove_prefix(pieces.back().size());
  }
  pieces.push_back(rest);
  RecordParser parser;
  RC_ASSERT(parse(parser, pieces) == records);
  RC_ASSERT(parser.at_boundary());
}

// Bytes without sense: what is found must not depend on where they were cut.
RC_GTEST_PROP(RecordIo, NoiseIsReadTheSameInPieces, ()) {
  const auto noise =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123\n\nx-")));
  const auto cut = *rc::gen::inRange<std::size_t>(0, noise.size() + 1);
  RecordParser whole(100);
  RecordParser cut_up(100);
  const std::string_view bytes = noise;
  RC_ASSERT(parse(whole, {bytes}) == parse(cut_up, {bytes.substr(0, cut), bytes.substr(cut)}));
}

}  // namespace
}  // namespace souk::wire
