#include "wire/message_parts.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <bit>
#include <cstdint>

#include "wire/json.h"

namespace souk::wire {
namespace {

constexpr unsigned kVarint = 0;
constexpr unsigned kFixed64 = 1;
constexpr unsigned kDelimited = 2;

// Room for the length of a message that is not written yet.
constexpr std::size_t kLengthRoom = 5;

void append_varint(std::string& out, uint64_t number) {
  for (; number >= 0x80; number >>= 7) out.push_back(static_cast<char>(number | 0x80));
  out.push_back(static_cast<char>(number));
}

}  // namespace

MessageParts::MessageParts(std::string& out, ContentType type)
    : out_(out), is_json_(type == ContentType::kJson), json_(out) {
  if (is_json_) json_.begin_object();
}

void MessageParts::begin(Field field) {
  end_list();
  if (is_json_) {
    json_.key(field->name());
    return json_.begin_object();
  }
  append_tag(field, kDelimited);
  lengths_.push_back(out_.size());
  out_.append(kLengthRoom, '\0');
}

void MessageParts::end() {
  end_list();
  if (is_json_) return json_.end_object();
  const std::size_t at = lengths_.back();
  lengths_.pop_back();
  std::string length;
  append_varint(length, out_.size() - at - kLengthRoom);
  out_.replace(at, kLengthRoom, length);
}

void MessageParts::add(Field field, const google::protobuf::Message& part) {
  if (is_json_) {
    if (list_ != field) {
      end_list();
      json_.key(field->name());
      json_.begin_array();
      list_ = field;
    }
    return append_json(json_.before_value(), part);
  }
  append_tag(field, kDelimited);
  const std::size_t size = part.ByteSizeLong();
  append_varint(out_, size);
  const std::size_t at = out_.size();
  out_.resize(at + size);
  part.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(out_.data() + at));
}

void MessageParts::set_enum(Field field, int number) {
  end_list();
  if (is_json_)
    return json_.field(field->name(), field->enum_type()->FindValueByNumber(number)->name());
  append_tag(field, kVarint);
  append_varint(out_, static_cast<uint64_t>(number));
}

void MessageParts::set_double(Field field, double number) {
  end_list();
  if (is_json_) return json_.field(field->name(), number);
  append_tag(field, kFixed64);
  const auto bits = std::bit_cast<uint64_t>(number);
  for (unsigned shift = 0; shift < 64; shift += 8) out_.push_back(static_cast<char>(bits >> shift));
}

void MessageParts::finish() {
  end_list();
  if (is_json_) json_.end_object();
}

void MessageParts::append_tag(Field field, unsigned wire_type) {
  append_varint(out_, static_cast<uint64_t>(field->number()) << 3 | wire_type);
}

void MessageParts::end_list() {
  if (list_ == nullptr) return;
  json_.end_array();
  list_ = nullptr;
}

}  // namespace souk::wire
