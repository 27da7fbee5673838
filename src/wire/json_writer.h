// A streaming writer of JSON in the dialect of Mesos, straight into a string: nothing outside
// printable ASCII (so no newline, ever), '/' not escaped, doubles always with a '.' or an exponent,
// NaN and infinities as null. Pure; not thread-safe.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace souk::wire {

// As a JSON string, in quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view value);
void append_json_number(std::string& out, std::int64_t value);
void append_json_number(std::string& out, std::uint64_t value);
// The shortest text that reads back as the same number, "5.0" for 5.
void append_json_number(std::string& out, double value);
void append_json_number(std::string& out, float value);

// The caller keeps the order: a key before each value in an object, none in an array; every begin
// has its end. Commas are the writer's.
class JsonWriter {
 public:
  // REQUIRES: `out` outlives the writer; what it holds already is left alone.
  explicit JsonWriter(std::string& out) : out_(out) {}

  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }

  void key(std::string_view name) {
    comma();
    append_json_string(out_, name);
    out_.push_back(':');
    comma_due_ = false;
  }

  void value(std::string_view text) { append_json_string(before_value(), text); }
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(const char* text) { value(std::string_view(text)); }
  void value(bool flag) { before_value().append(flag ? "true" : "false"); }
  template <std::floating_point T>
  void value(T number) {
    append_json_number(before_value(), number);
  }
  template <std::integral T>
  void value(T number) {
    if constexpr (std::signed_integral<T>) {
      append_json_number(before_value(), static_cast<std::int64_t>(number));
    } else {
      append_json_number(before_value(), static_cast<std::uint64_t>(number));
    }
  }
  void null() { before_value().append("null"); }
  // Text that is already one JSON value in this dialect.
  void raw(std::string_view json) { before_value().append(json); }
  // For appending one JSON value in this dialect directly.
  std::string& before_value() {
    comma();
    comma_due_ = true;
    return out_;
  }

  template <class T>
  void field(std::string_view name, const T& content) {
    key(name);
    value(content);
  }

 private:
  void comma() {
    if (comma_due_) out_.push_back(',');
  }
  void open(char bracket) {
    before_value().push_back(bracket);
    comma_due_ = false;
  }
  void close(char bracket) {
    out_.push_back(bracket);
    comma_due_ = true;
  }

  std::string& out_;
  bool comma_due_ = false;
};

}  // namespace souk::wire
