#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/time.h"
#include "wire/base64.h"
#include "wire/json.h"
#include "wire/json_reader.h"

namespace souk::wire {
namespace {

using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kMapKey = 1;
constexpr int kMapValue = 2;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::string_view kDurationType = "google.protobuf.Duration";

template <class T>
std::optional<T> parse_whole(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "7.000" is the integer 7, exactly, however long it is.
std::string_view without_zero_fraction(std::string_view number) {
  const std::size_t point = number.find('.');
  if (point == std::string_view::npos) return number;
  const bool zeros = number.find_first_not_of('0', point + 1) == std::string_view::npos;
  return zeros ? number.substr(0, point) : number;
}

// An integer written as one, or as a number that happens to be whole: 5, 5.0, 5e3.
template <class T>
std::optional<T> parse_integer(std::string_view number) {
  if (const auto value = parse_whole<T>(without_zero_fraction(number))) return value;
  const auto value = parse_whole<double>(number);
  // 2^digits, the first value beyond T, is exact in a double; the maximum of T may not be.
  const double limit = std::ldexp(1.0, std::numeric_limits<T>::digits);
  const double lowest = std::numeric_limits<T>::is_signed ? -limit : 0.0;
  if (!value || *value < lowest || *value >= limit) return std::nullopt;
  if (*value != std::trunc(*value)) return std::nullopt;
  // Digits alone that got here overflowed T, and only rounding hides it ("-0" did not).
  if (number.find_first_of(".eE") == std::string_view::npos && *value != 0) return std::nullopt;
  return static_cast<T>(*value);
}

// Reads one text into one message. The path of the value being read is kept for error texts.
class Parser {
 public:
  explicit Parser(std::string_view text) : in_(text) {}

  Result<void> run(Message& message) {
    if (parse_message(message) && in_.finish()) return {};
    if (error_.empty()) error_ = locate(in_.error());
    return std::unexpected(Error{std::move(error_)});
  }

 private:
  struct Step {
    std::string_view field;  // Name; empty for an entry of a map.
    int index = -1;          // In an array; -1 outside of one.
    std::string key;         // Of an entry. A copy: the text of an error is made after unwinding.
  };

  // Where a value goes: a field of a message, singular or one more element.
  struct Target {
    Message& message;
    const Reflection& reflection;
    const FieldDescriptor* field;
  };

  std::string locate(std::string_view what) const {
    std::string text;
    for (const Step& step : path_) {
      if (step.field.empty()) {
        fmt::format_to(std::back_inserter(text), "[{}]", quote(step.key));
        continue;
      }
      if (!text.empty()) text.push_back('.');
      text.append(step.field);
      if (step.index >= 0) text.append(fmt::format("[{}]", step.index));
    }
    if (!text.empty()) text.append(": ");
    return text.append(what);
  }

  template <class... Args>
  bool fail(fmt::format_string<Args...> format, Args&&... args) {
    if (error_.empty()) error_ = locate(fmt::format(format, std::forward<Args>(args)...));
    return false;
  }

  bool fail_kind(std::string_view expected) {
    const JsonKind kind = in_.peek();
    // Let the reader say what is wrong with text that is not JSON.
    if (kind == JsonKind::kNone) return in_.skip_value();
    return fail("expected {}, not {}", expected, describe(kind));
  }

  bool parse_message(Message& message) {
    if (in_.peek() != JsonKind::kObject) return fail_kind("an object");
    const auto* descriptor = message.GetDescriptor();
    const Reflection& reflection = *message.GetReflection();
    std::string key;
    in_.enter_object();
    for (bool first = true; in_.next_key(first, key);) {
      const FieldDescriptor* field = descriptor->FindFieldByName(key);
      if (field == nullptr) {
        if (!in_.skip_value()) return false;
        continue;
      }
      path_.push_back({.field = field->name()});
      reflection.ClearField(&message, field);
      if (!parse_field({message, reflection, field})) return false;
      path_.pop_back();
    }
    return in_.ok() && check_required(message, reflection);
  }

  // Here and not at the end: the first bad message of many ends the work, and its path is known.
  bool check_required(const Message& message, const Reflection& reflection) {
    const auto* descriptor = message.GetDescriptor();
    std::string missing;
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      if (!field->is_required() || reflection.HasField(message, field)) continue;
      missing.append(missing.empty() ? "" : ", ").append(field->name());
    }
    return missing.empty() || fail("missing required field: {}", missing);
  }

  bool parse_field(const Target& to) {
    const JsonKind kind = in_.peek();
    if (kind == JsonKind::kNull) return in_.skip_value();
    if (to.field->is_map()) return parse_map(to);
    if (kind == JsonKind::kArray && to.field->is_repeated()) return parse_array(to);
    return parse_value(to);
  }

  bool parse_array(const Target& to) {
    in_.enter_array();
    for (bool first = true; in_.next_element(first);) {
      ++path_.back().index;
      const bool good = in_.peek() == JsonKind::kNull ? in_.skip_value() : parse_value(to);
      if (!good) return false;
    }
    return in_.ok();
  }

  bool parse_map(const Target& to) {
    if (in_.peek() != JsonKind::kObject) return fail_kind("an object");
    std::unordered_map<std::string, Message*> entries;  // Looked up only, never walked.
    std::string key;
    in_.enter_object();
    for (bool first = true; in_.next_key(first, key);) {
      if (in_.peek() == JsonKind::kNull) {
        if (!in_.skip_value()) return false;
        continue;
      }
      Message*& entry = entries[key];
      if (entry == nullptr) entry = to.reflection.AddMessage(&to.message, to.field);
      path_.push_back({.key = key});
      if (!parse_map_entry(*entry, key)) return false;
      path_.pop_back();
    }
    return in_.ok();
  }

  bool parse_map_entry(Message& entry, const std::string& key) {
    entry.Clear();  // Of a key given twice the last value counts.
    const Reflection& reflection = *entry.GetReflection();
    const FieldDescriptor* key_field = entry.GetDescriptor()->FindFieldByNumber(kMapKey);
    if (key_field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      reflection.SetString(&entry, key_field, key);
    } else if (!store_text({entry, reflection, key_field}, key)) {
      return false;
    }
    return parse_value({entry, reflection, entry.GetDescriptor()->FindFieldByNumber(kMapValue)});
  }

  bool parse_value(const Target& to) {
    switch (to.field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return parse_submessage(to);
      case FieldDescriptor::CPPTYPE_STRING:
        return parse_string(to);
      case FieldDescriptor::CPPTYPE_ENUM:
        return parse_enum(to);
      case FieldDescriptor::CPPTYPE_BOOL:
        return parse_bool(to);
      default:
        return parse_number(to);
    }
  }

  bool parse_submessage(const Target& to) {
    Message& child = to.field->is_repeated() ? *to.reflection.AddMessage(&to.message, to.field)
                                             : *to.reflection.MutableMessage(&to.message, to.field);
    if (in_.peek() == JsonKind::kString && child.GetDescriptor()->full_name() == kDurationType) {
      return parse_duration(child);
    }
    return parse_message(child);
  }

  // Operators write "10mins" where a google.protobuf.Duration stands.
  bool parse_duration(Message& duration) {
    if (!in_.read_string(text_)) return false;
    const auto parsed = souk::parse_duration(text_);
    if (!parsed) return fail("expected a duration such as \"10mins\"");
    const std::int64_t nanoseconds = parsed->count();
    const auto* descriptor = duration.GetDescriptor();
    const Reflection& reflection = *duration.GetReflection();
    reflection.SetInt64(&duration, descriptor->FindFieldByName("seconds"),
                        nanoseconds / kNanosecondsPerSecond);
    reflection.SetInt32(&duration, descriptor->FindFieldByName("nanos"),
                        static_cast<std::int32_t>(nanoseconds % kNanosecondsPerSecond));
    return true;
  }

  bool parse_string(const Target& to) {
    if (in_.peek() != JsonKind::kString) return fail_kind("a string");
    if (!in_.read_string(text_)) return false;
    if (to.field->type() != FieldDescriptor::TYPE_BYTES) return store_string(to, text_);
    auto bytes = decode_base64(text_);
    if (!bytes) return fail("expected base64");
    return store_string(to, std::move(*bytes));
  }

  bool parse_enum(const Target& to) {
    const auto* type = to.field->enum_type();
    const EnumValueDescriptor* value = nullptr;
    if (in_.peek() == JsonKind::kNumber) {
      text_ = in_.read_number();
      if (!in_.ok()) return false;
      if (const auto number = parse_integer<int>(text_)) value = type->FindValueByNumber(*number);
    } else if (in_.peek() == JsonKind::kString) {
      if (!in_.read_string(text_)) return false;
      value = type->FindValueByName(text_);
    } else {
      return fail_kind("a name of " + type->name());
    }
    if (value == nullptr) {
      return !to.field->is_required() || fail("unknown {} {}", type->name(), quote(text_));
    }
    if (to.field->is_repeated()) {
      to.reflection.AddEnum(&to.message, to.field, value);
    } else {
      to.reflection.SetEnum(&to.message, to.field, value);
    }
    return true;
  }

  bool parse_bool(const Target& to) {
    const JsonKind kind = in_.peek();
    if (kind == JsonKind::kTrue || kind == JsonKind::kFalse) {
      return in_.skip_value() && store_bool(to, kind == JsonKind::kTrue);
    }
    if (kind != JsonKind::kString) return fail_kind("a boolean");
    return in_.read_string(text_) && store_text(to, text_);
  }

  bool parse_number(const Target& to) {
    const JsonKind kind = in_.peek();
    if (kind == JsonKind::kNumber) {
      const std::string_view number = in_.read_number();
      return in_.ok() && store_number(to, number);
    }
    if (kind != JsonKind::kString) return fail_kind("a number");
    return in_.read_string(text_) && store_text(to, text_);
  }

  // A number or a boolean that came in quotes.
  bool store_text(const Target& to, std::string_view text) {
    if (to.field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      if (text == "true" || text == "false") return store_bool(to, text == "true");
      return fail("expected a boolean, not {}", quote(text));
    }
    if (!is_json_number(text)) return fail("expected a number, not {}", quote(text));
    return store_number(to, text);
  }

  bool store_string(const Target& to, std::string value) {
    if (to.field->is_repeated()) {
      to.reflection.AddString(&to.message, to.field, std::move(value));
    } else {
      to.reflection.SetString(&to.message, to.field, std::move(value));
    }
    return true;
  }

  bool store_bool(const Target& to, bool value) {
    if (to.field->is_repeated()) {
      to.reflection.AddBool(&to.message, to.field, value);
    } else {
      to.reflection.SetBool(&to.message, to.field, value);
    }
    return true;
  }

  // REQUIRES: `number` is a number in JSON's grammar.
  bool store_number(const Target& to, std::string_view number) {
    switch (to.field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return store(to, parse_integer<std::int32_t>(number), number, &Reflection::SetInt32,
                     &Reflection::AddInt32);
      case FieldDescriptor::CPPTYPE_INT64:
        return store(to, parse_integer<std::int64_t>(number), number, &Reflection::SetInt64,
                     &Reflection::AddInt64);
      case FieldDescriptor::CPPTYPE_UINT32:
        return store(to, parse_integer<std::uint32_t>(number), number, &Reflection::SetUInt32,
                     &Reflection::AddUInt32);
      case FieldDescriptor::CPPTYPE_UINT64:
        return store(to, parse_integer<std::uint64_t>(number), number, &Reflection::SetUInt64,
                     &Reflection::AddUInt64);
      case FieldDescriptor::CPPTYPE_FLOAT:
        return store(to, parse_whole<float>(number), number, &Reflection::SetFloat,
                     &Reflection::AddFloat);
      default:
        return store(to, parse_whole<double>(number), number, &Reflection::SetDouble,
                     &Reflection::AddDouble);
    }
  }

  template <class T>
  using Store = void (Reflection::*)(Message*, const FieldDescriptor*, T) const;

  template <class T>
  bool store(const Target& to, std::optional<T> value, std::string_view number, Store<T> set,
             Store<T> add) {
    if (!value) return fail("{} is no {}", quote(number), to.field->type_name());
    (to.reflection.*(to.field->is_repeated() ? add : set))(&to.message, to.field, *value);
    return true;
  }

  JsonReader in_;
  std::vector<Step> path_;
  std::string error_;
  std::string text_;  // Scratch; valid until the next value is read.
};

}  // namespace

Result<void> from_json(std::string_view text, Message& message) {
  message.Clear();
  return Parser(text).run(message);
}

}  // namespace souk::wire
