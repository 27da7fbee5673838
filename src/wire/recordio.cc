#include "wire/recordio.h"

#include <fmt/format.h>

#include <iterator>

#include "base/room.h"

namespace souk::wire {

namespace {

std::string chunk_head(std::size_t record_size) {
  const std::string length = fmt::format("{}\n", record_size);
  return fmt::format("{:x}\r\n{}", length.size() + record_size, length);
}

}  // namespace

void append_record(std::string& out, std::string_view record) {
  fmt::format_to(std::back_inserter(out), "{}\n", record.size());
  out.append(record);
}

void append_chunk(std::string& out, std::string_view record) {
  out.append(chunk_head(record.size()));
  out.append(record);
  out.append("\r\n");
}

void make_chunk(std::string& record) {
  record.insert(0, chunk_head(record.size()));
  record.append("\r\n");
}

Result<void> RecordParser::reject(std::string message) {
  state_ = State::kFailed;
  partial_ = std::string();
  return std::unexpected(Error{std::move(message)});
}

Result<std::optional<std::string_view>> RecordParser::take(std::string_view& bytes) {
  if (state_ == State::kFailed) return fail("RecordIO: the stream failed before");
  if (state_ == State::kLength) {
    if (auto taken = take_length(bytes); !taken) return std::unexpected(taken.error());
    if (state_ == State::kLength) return std::nullopt;
  }
  const std::size_t missing = length_ - partial_.size();
  if (bytes.size() < missing) {
    partial_.append(bytes);
    bytes = {};
    return std::nullopt;
  }
  std::string_view record = bytes.substr(0, missing);
  bytes.remove_prefix(missing);
  if (!partial_.empty()) {
    partial_.append(record);
    record = partial_;
  }
  state_ = State::kLength;
  digits_ = 0;
  return record;
}

Result<void> RecordParser::take_length(std::string_view& bytes) {
  while (!bytes.empty()) {
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (c != '\n') {
      if (auto taken = take_digit(c); !taken) return taken;
      continue;
    }
    if (digits_ == 0) return reject("RecordIO: empty record length");
    state_ = State::kBody;
    clear_keeping(partial_, kKeptRecordBytes);
    return {};
  }
  return {};
}

Result<void> RecordParser::take_digit(char c) {
  if (c < '0' || c > '9') {
    return reject(fmt::format("RecordIO: byte 0x{:02x} in a record length",
                              static_cast<unsigned>(static_cast<unsigned char>(c))));
  }
  if (digits_ == 0) length_ = 0;
  if (++digits_ > kMaxRecordLengthDigits) return reject("RecordIO: record length has no end");
  const auto digit = static_cast<std::size_t>(c - '0');
  if (digit > max_record_bytes_ || length_ > (max_record_bytes_ - digit) / 10) {
    return reject(fmt::format("RecordIO: record longer than {} bytes", max_record_bytes_));
  }
  length_ = length_ * 10 + digit;
  return {};
}

}  // namespace souk::wire
