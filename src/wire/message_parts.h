// Writes one large message part by part, in either encoding: no more than one part is ever held as
// a message. What comes out equals append_message() of the whole. Internal to wire/: sees protobuf.
// Pure; not thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "wire/content_type.h"
#include "wire/json_writer.h"

namespace google::protobuf {
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace souk::wire {

// The field of a message by its number: field_of<PbTask>(PbTask::kNameFieldNumber).
template <class Message>
const google::protobuf::FieldDescriptor* field_of(int number) {
  return Message::descriptor()->FindFieldByNumber(number);
}

// The caller keeps the order: fields as they stand in the .proto, and all of a repeated one in a
// row; each begin() has its end().
class MessageParts {
 public:
  using Field = const google::protobuf::FieldDescriptor*;

  // Begins the message. REQUIRES: `out` outlives it; what it holds already is left alone.
  MessageParts(std::string& out, ContentType type);

  // What follows, until end(), are the fields of the message in this field.
  void begin(Field field);
  void end();
  // One more of a repeated field. REQUIRES: all required fields of it are set.
  void add(Field field, const google::protobuf::Message& part);
  void set_enum(Field field, int number);
  void set_double(Field field, double number);
  // Ends the message.
  void finish();

 private:
  void append_tag(Field field, unsigned wire_type);
  void end_list();

  std::string& out_;
  const bool is_json_;
  JsonWriter json_;
  Field list_ = nullptr;              // JSON: the array that is open
  std::vector<std::size_t> lengths_;  // binary: where that of each open message is to stand
};

}  // namespace souk::wire
