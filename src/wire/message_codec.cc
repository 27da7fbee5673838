#include "wire/message_codec.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

#include <limits>
#include <vector>

#include "wire/json.h"

namespace souk::wire {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr std::size_t kMaxMissingFieldsNamed = 8;

// "accept.offer_ids[3].value": the first places at which a required field is missing. Protobuf's
// own list has no end, and a hostile message millions of them.
class MissingFields {
 public:
  void find(const Message& message, const std::string& prefix) {
    const auto* descriptor = message.GetDescriptor();
    const Reflection& reflection = *message.GetReflection();
    for (int i = 0; i < descriptor->field_count() && !full(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      if (field->is_required() && !reflection.HasField(message, field)) {
        names_.push_back(prefix + field->name());
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        descend(message, reflection, field, prefix + field->name());
      }
    }
  }

  std::string text() const {
    return fmt::format("{}{}", fmt::join(names_, ", "), full() ? ", ..." : "");
  }

 private:
  bool full() const { return names_.size() >= kMaxMissingFieldsNamed; }

  void descend(const Message& message, const Reflection& reflection, const FieldDescriptor* field,
               const std::string& path) {
    if (!field->is_repeated()) {
      if (reflection.HasField(message, field))
        find(reflection.GetMessage(message, field), path + ".");
      return;
    }
    const int size = reflection.FieldSize(message, field);
    for (int i = 0; i < size && !full(); ++i) {
      const Message& element = reflection.GetRepeatedMessage(message, field, i);
      if (!element.IsInitialized()) find(element, fmt::format("{}[{}].", path, i));
    }
  }

  std::vector<std::string> names_;
};

}  // namespace

Result<void> check_required(const Message& message) {
  if (message.IsInitialized()) return {};
  MissingFields missing;
  missing.find(message, "");
  return fail("missing required field: {}", missing.text());
}

Result<void> parse_rest(std::string_view bytes, Message& message) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return fail("{} bytes are too many for a protobuf message", bytes.size());
  }
  // The functions that do not say "partial" write what is missing to standard error.
  if (!message.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail("the bytes are no protobuf message of this type");
  }
  return {};
}

Result<void> parse_binary(std::string_view bytes, Message& message) {
  if (auto parsed = parse_rest(bytes, message); !parsed) return parsed;
  return check_required(message);
}

Result<void> parse_message(std::string_view bytes, ContentType type, Message& message) {
  return type == ContentType::kJson ? from_json(bytes, message) : parse_binary(bytes, message);
}

std::string serialize(const Message& message) {
  std::string bytes;
  bytes.reserve(message.ByteSizeLong());
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeWithCachedSizes(&coded);
  }
  return bytes;
}

void append_message(std::string& out, const Message& message, ContentType type) {
  if (type == ContentType::kJson) {
    append_json(out, message);
  } else {
    message.AppendPartialToString(&out);
  }
}

}  // namespace souk::wire
