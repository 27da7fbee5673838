#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <vector>

#include "wire/base64.h"
#include "wire/json.h"
#include "wire/json_writer.h"

namespace souk::wire {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kMapKey = 1;
constexpr int kMapValue = 2;

class Printer {
 public:
  explicit Printer(std::string& out) : out_(out) {}

  void print(const Message& message) {
    const auto* descriptor = message.GetDescriptor();
    const Reflection& reflection = *message.GetReflection();
    out_.begin_object();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      if (field->is_repeated()) {
        print_repeated(message, reflection, field);
      } else if (reflection.HasField(message, field) || has_printed_default(field)) {
        out_.key(field->name());
        print_singular(message, reflection, field);
      }
    }
    out_.end_object();
  }

 private:
  static bool has_printed_default(const FieldDescriptor* field) {
    return field->has_default_value() && !field->options().deprecated();
  }

  void print_repeated(const Message& message, const Reflection& reflection,
                      const FieldDescriptor* field) {
    const int size = reflection.FieldSize(message, field);
    if (size == 0) return;
    out_.key(field->name());
    if (field->is_map()) return print_map(message, reflection, field, size);
    out_.begin_array();
    for (int i = 0; i < size; ++i) print_element(message, reflection, field, i);
    out_.end_array();
  }

  // Entries live in a hash table, so they are sorted: equal messages give equal text.
  void print_map(const Message& message, const Reflection& reflection, const FieldDescriptor* field,
                 int size) {
    std::vector<std::pair<std::string, const Message*>> entries;
    entries.reserve(static_cast<std::size_t>(size));
    for (int i = 0; i < size; ++i) {
      const Message& entry = reflection.GetRepeatedMessage(message, field, i);
      entries.emplace_back(map_key(entry), &entry);
    }
    std::ranges::sort(entries);
    out_.begin_object();
    for (const auto& [key, entry] : entries) {
      out_.key(key);
      print_singular(*entry, *entry->GetReflection(),
                     entry->GetDescriptor()->FindFieldByNumber(kMapValue));
    }
    out_.end_object();
  }

  static std::string map_key(const Message& entry) {
    const FieldDescriptor* field = entry.GetDescriptor()->FindFieldByNumber(kMapKey);
    const Reflection& reflection = *entry.GetReflection();
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      return reflection.GetString(entry, field);
    }
    std::string key;
    Printer(key).print_singular(entry, reflection, field);
    return key;
  }

  void print_singular(const Message& message, const Reflection& reflection,
                      const FieldDescriptor* field) {
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return out_.value(reflection.GetInt32(message, field));
      case FieldDescriptor::CPPTYPE_INT64:
        return out_.value(reflection.GetInt64(message, field));
      case FieldDescriptor::CPPTYPE_UINT32:
        return out_.value(reflection.GetUInt32(message, field));
      case FieldDescriptor::CPPTYPE_UINT64:
        return out_.value(reflection.GetUInt64(message, field));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return out_.value(reflection.GetDouble(message, field));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return out_.value(reflection.GetFloat(message, field));
      case FieldDescriptor::CPPTYPE_BOOL:
        return out_.value(reflection.GetBool(message, field));
      case FieldDescriptor::CPPTYPE_ENUM:
        return print_enum(field, reflection.GetEnumValue(message, field));
      case FieldDescriptor::CPPTYPE_STRING:
        return print_string(field, reflection.GetStringReference(message, field, &scratch_));
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return print(reflection.GetMessage(message, field));
    }
  }

  void print_element(const Message& message, const Reflection& reflection,
                     const FieldDescriptor* field, int i) {
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return out_.value(reflection.GetRepeatedInt32(message, field, i));
      case FieldDescriptor::CPPTYPE_INT64:
        return out_.value(reflection.GetRepeatedInt64(message, field, i));
      case FieldDescriptor::CPPTYPE_UINT32:
        return out_.value(reflection.GetRepeatedUInt32(message, field, i));
      case FieldDescriptor::CPPTYPE_UINT64:
        return out_.value(reflection.GetRepeatedUInt64(message, field, i));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return out_.value(reflection.GetRepeatedDouble(message, field, i));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return out_.value(reflection.GetRepeatedFloat(message, field, i));
      case FieldDescriptor::CPPTYPE_BOOL:
        return out_.value(reflection.GetRepeatedBool(message, field, i));
      case FieldDescriptor::CPPTYPE_ENUM:
        return print_enum(field, reflection.GetRepeatedEnumValue(message, field, i));
      case FieldDescriptor::CPPTYPE_STRING:
        return print_string(field,
                            reflection.GetRepeatedStringReference(message, field, i, &scratch_));
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return print(reflection.GetRepeatedMessage(message, field, i));
    }
  }

  void print_enum(const FieldDescriptor* field, int number) {
    const EnumValueDescriptor* value = field->enum_type()->FindValueByNumber(number);
    if (value == nullptr) return out_.value(number);
    out_.value(value->name());
  }

  void print_string(const FieldDescriptor* field, const std::string& value) {
    if (field->type() != FieldDescriptor::TYPE_BYTES) return out_.value(value);
    std::string& out = out_.before_value();
    out.push_back('"');
    append_base64(out, value);
    out.push_back('"');
  }

  JsonWriter out_;
  std::string scratch_;
};

}  // namespace

void append_json(std::string& out, const Message& message) { Printer(out).print(message); }

std::string to_json(const Message& message) {
  std::string out;
  append_json(out, message);
  return out;
}

}  // namespace souk::wire
