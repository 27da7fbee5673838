// RecordIO, the framing of Mesos event streams: the length of a record in decimal, "\n", the
// record. Pure; a parser belongs to one stream and is not thread-safe. Errors are texts for the
// peer; after one the parser stays failed, since the stream can't be resynchronised.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace souk::wire {

// Bounds what a peer can make us buffer.
inline constexpr std::size_t kMaxRecordBytes = std::size_t{64} << 20;

// A parser gives memory beyond this back after the record that needed it.
inline constexpr std::size_t kKeptRecordBytes = std::size_t{1} << 20;

// "0" to the largest 64-bit length; more digits can only be leading zeros or nonsense.
inline constexpr std::size_t kMaxRecordLengthDigits = 20;

void append_record(std::string& out, std::string_view record);

// One record as one chunk of HTTP/1.1 chunked transfer coding, as Mesos clients expect.
void append_chunk(std::string& out, std::string_view record);
// The same in place, for large ones: `record` becomes its chunk.
void make_chunk(std::string& record);

class RecordParser {
 public:
  explicit RecordParser(std::size_t max_record_bytes = kMaxRecordBytes)
      : max_record_bytes_(max_record_bytes) {}

  // Takes the next bytes of the stream, cut anywhere, and calls on_record(std::string_view) for
  // each record that they complete. The view is valid during the call only.
  template <class OnRecord>
  Result<void> feed(std::string_view bytes, OnRecord&& on_record) {
    while (true) {
      auto record = take(bytes);
      if (!record) return std::unexpected(record.error());
      if (!*record) return {};
      on_record(**record);
    }
  }

  // Whether the bytes so far end with a complete record: what a clean end of stream looks like.
  bool at_boundary() const { return state_ == State::kLength && digits_ == 0; }

 private:
  enum class State { kLength, kBody, kFailed };

  // Consumes from the front of `bytes` until a record is complete or nothing is left.
  Result<std::optional<std::string_view>> take(std::string_view& bytes);
  Result<void> take_length(std::string_view& bytes);
  Result<void> take_digit(char c);
  Result<void> reject(std::string message);

  std::size_t max_record_bytes_;
  State state_ = State::kLength;
  std::size_t digits_ = 0;
  std::size_t length_ = 0;  // At most max_record_bytes_ while digits are read.
  std::string partial_;     // The front of a record that came in several pieces.
};

}  // namespace souk::wire
