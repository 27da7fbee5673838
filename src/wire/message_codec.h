// Protobuf messages from and to bytes in either encoding. Internal to wire/: sees protobuf. Pure.
#pragma once

#include <google/protobuf/arena.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/content_type.h"

namespace google::protobuf {
class Message;
}

namespace souk::wire {

// An arena for the one message being coded, of which the first block is on the stack: small
// messages cost no allocation but their longer strings.
class ScratchArena {
 public:
  ScratchArena() : arena_(block_.data(), block_.size()) {}

  template <class Message>
  Message& create() {
    return *google::protobuf::Arena::CreateMessage<Message>(&arena_);
  }

 private:
  alignas(8) std::array<char, 4096> block_;
  google::protobuf::Arena arena_;
};

// Replaces what `message` held. Fails on bytes that are no such message and on missing required
// fields, of which the error lists the first few; never logs.
Result<void> parse_binary(std::string_view bytes, google::protobuf::Message& message);
// The same for what is left of a message whose other fields are kept elsewhere (a `raw`): required
// fields may be missing.
Result<void> parse_rest(std::string_view bytes, google::protobuf::Message& message);
// Fails on missing required fields.
Result<void> check_required(const google::protobuf::Message& message);
Result<void> parse_message(std::string_view bytes, ContentType type,
                           google::protobuf::Message& message);

// Equal messages give equal bytes: maps are sorted. Required fields may be missing.
std::string serialize(const google::protobuf::Message& message);

// REQUIRES: all required fields are set.
void append_message(std::string& out, const google::protobuf::Message& message, ContentType type);

}  // namespace souk::wire
