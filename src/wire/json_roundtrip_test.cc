// Random messages of every call, event and response, through JSON and back.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

#include <bit>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "mesos/v1/agent/agent.pb.h"
#include "mesos/v1/executor/executor.pb.h"
#include "mesos/v1/maintenance/maintenance.pb.h"
#include "mesos/v1/master/master.pb.h"
#include "mesos/v1/mesos.pb.h"
#include "mesos/v1/quota/quota.pb.h"
#include "mesos/v1/scheduler/scheduler.pb.h"
#include "wire/json.h"
#include "wire/utf8.h"

namespace souk::wire {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kMaxDepth = 6;        // Beyond it only required fields are set.
constexpr int kFieldsExpected = 4;  // Optional fields set in a message, roughly.

// Fills messages at random, the same for the same seed.
class Filler {
 public:
  explicit Filler(std::uint64_t seed) : random_(seed) {}

  void fill(Message& message, int depth) {
    const auto* type = message.GetDescriptor();
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      const bool set = below(static_cast<std::uint64_t>(type->field_count())) < kFieldsExpected;
      if (!field->is_required() && (depth >= kMaxDepth || !set)) continue;
      const std::uint64_t count = field->is_repeated() ? below(3) : 1;
      for (std::uint64_t n = 0; n < count; ++n) put(message, field, depth);
    }
  }

 private:
  std::uint64_t next() { return random_(); }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

  double real() {
    if (below(2) == 0) return static_cast<double>(below(10'000)) / 100;
    const double value = std::bit_cast<double>(next());
    return std::isfinite(value) ? value : 0.0;
  }

  // Small, or anything.
  std::uint64_t integer() { return below(2) == 0 ? below(100) : next(); }

  std::string text() {
    std::string value;
    for (std::uint64_t n = below(6); n > 0; --n) {
      const auto code_point = static_cast<char32_t>(below(below(2) == 0 ? 0x80 : 0x110000));
      if (code_point < 0xD800 || code_point > 0xDFFF) append_utf8(value, code_point);
    }
    return value;
  }

  std::string bytes() {
    std::string value;
    for (std::uint64_t n = below(20); n > 0; --n) value.push_back(static_cast<char>(next()));
    return value;
  }

  void put(Message& message, const FieldDescriptor* field, int depth) {
    const Reflection& r = *message.GetReflection();
    if (field->is_repeated()) return add(message, r, field, depth);
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return r.SetInt32(&message, field, static_cast<std::int32_t>(integer()));
      case FieldDescriptor::CPPTYPE_INT64:
        return r.SetInt64(&message, field, static_cast<std::int64_t>(integer()));
      case FieldDescriptor::CPPTYPE_UINT32:
        return r.SetUInt32(&message, field, static_cast<std::uint32_t>(integer()));
      case FieldDescriptor::CPPTYPE_UINT64:
        return r.SetUInt64(&message, field, integer());
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return r.SetDouble(&message, field, real());
      case FieldDescriptor::CPPTYPE_BOOL:
        return r.SetBool(&message, field, below(2) == 0);
      case FieldDescriptor::CPPTYPE_ENUM:
        return r.SetEnum(&message, field, name_of(field));
      case FieldDescriptor::CPPTYPE_STRING:
        return r.SetString(&message, field, content_of(field));
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return fill(*r.MutableMessage(&message, field), depth + 1);
      default:
        FAIL() << "a type that the protocol does not use: " << field->full_name();
    }
  }

  void add(Message& message, const Reflection& r, const FieldDescriptor* field, int depth) {
    if (field->is_map()) return add_entry(*r.AddMessage(&message, field), depth);
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_UINT32:
        return r.AddUInt32(&message, field, static_cast<std::uint32_t>(integer()));
      case FieldDescriptor::CPPTYPE_ENUM:
        return r.AddEnum(&message, field, name_of(field));
      case FieldDescriptor::CPPTYPE_STRING:
        return r.AddString(&message, field, content_of(field));
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return fill(*r.AddMessage(&message, field), depth + 1);
      default:
        FAIL() << "a repeated type that the protocol does not use: " << field->full_name();
    }
  }

  // Both key and value, and a key never used before: entries are unique.
  void add_entry(Message& entry, int depth) {
    const auto* type = entry.GetDescriptor();
    entry.GetReflection()->SetString(&entry, type->FindFieldByNumber(1),
                                     text() + std::to_string(++keys_));
    put(entry, type->FindFieldByNumber(2), depth);
  }

  const google::protobuf::EnumValueDescriptor* name_of(const FieldDescriptor* field) {
    const auto* type = field->enum_type();
    return type->value(static_cast<int>(below(static_cast<std::uint64_t>(type->value_count()))));
  }

  std::string content_of(const FieldDescriptor* field) {
    return field->type() == FieldDescriptor::TYPE_BYTES ? bytes() : text();
  }

  std::mt19937_64 random_;
  int keys_ = 0;
};

// Sets what JSON prints although it is unset, so that the message can be compared with its return.
void set_printed_defaults(Message& message) {
  const auto* type = message.GetDescriptor();
  const Reflection& r = *message.GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field->is_repeated()) {
      if (!is_message) continue;
      for (int n = 0; n < r.FieldSize(message, field); ++n) {
        set_printed_defaults(*r.MutableRepeatedMessage(&message, field, n));
      }
    } else if (is_message) {
      if (r.HasField(message, field)) set_printed_defaults(*r.MutableMessage(&message, field));
    } else if (!r.HasField(message, field) && field->has_default_value() &&
               !field->options().deprecated()) {
      switch (field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_DOUBLE:
          r.SetDouble(&message, field, field->default_value_double());
          break;
        case FieldDescriptor::CPPTYPE_BOOL:
          r.SetBool(&message, field, field->default_value_bool());
          break;
        case FieldDescriptor::CPPTYPE_INT32:
          r.SetInt32(&message, field, field->default_value_int32());
          break;
        case FieldDescriptor::CPPTYPE_UINT32:
          r.SetUInt32(&message, field, field->default_value_uint32());
          break;
        case FieldDescriptor::CPPTYPE_STRING:
          r.SetString(&message, field, field->default_value_string());
          break;
        case FieldDescriptor::CPPTYPE_ENUM:
          r.SetEnum(&message, field, field->default_value_enum());
          break;
        default:
          FAIL() << "a default of a type that the protocol does not use: " << field->full_name();
      }
    }
  }
}

const std::vector<const Message*>& prototypes() {
  namespace v1 = mesos::v1;
  static const std::vector<const Message*> all = {
      &v1::scheduler::Call::default_instance(),
      &v1::scheduler::Event::default_instance(),
      &v1::scheduler::Response::default_instance(),
      &v1::scheduler::APIResult::default_instance(),
      &v1::executor::Call::default_instance(),
      &v1::executor::Event::default_instance(),
      &v1::master::Call::default_instance(),
      &v1::master::Response::default_instance(),
      &v1::master::Event::default_instance(),
      &v1::agent::Call::default_instance(),
      &v1::agent::Response::default_instance(),
      &v1::agent::ProcessIO::default_instance(),
      &v1::maintenance::Schedule::default_instance(),
      &v1::quota::QuotaStatus::default_instance(),
      &v1::MasterInfo::default_instance(),
      &v1::TaskInfo::default_instance(),
      &v1::ResourceUsage::default_instance(),
      &v1::ContainerInfo::default_instance(),
  };
  return all;
}

RC_GTEST_PROP(JsonRoundTrip, AnyMessageComesBack, ()) {
  const Message* prototype = *rc::gen::elementOf(prototypes());
  const auto seed = *rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>());
  const std::unique_ptr<Message> sent(prototype->New());
  Filler(seed).fill(*sent, 0);
  const std::string text = to_json(*sent);
  for (const char c : text) RC_ASSERT(c >= 0x20 && c < 0x7F);

  const std::unique_ptr<Message> received(prototype->New());
  const auto parsed = from_json(text, *received);
  if (!parsed) RC_FAIL(parsed.error().message + "\n" + text);
  RC_ASSERT(to_json(*received) == text);

  set_printed_defaults(*sent);
  std::string difference;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  if (!differencer.Compare(*sent, *received)) RC_FAIL(difference);
}

}  // namespace
}  // namespace souk::wire
