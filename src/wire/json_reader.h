// A strict pull reader of JSON (RFC 8259) over bytes in memory: no tree, no allocation but the
// strings asked for. Pure; not thread-safe.
//
// Errors are sticky: after the first one every call does nothing and returns its empty value, so
// callers check ok() where they must and otherwise just unwind.
//
// Boost.JSON 1.81 is not used because it reads a good part of all doubles one unit in the last
// place off; here std::from_chars decides.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace souk::wire {

// Objects and arrays inside one another. Below the 100 of protobuf's binary parser, so that what is
// read here can travel on inside other messages.
inline constexpr int kMaxJsonDepth = 64;

enum class JsonKind { kObject, kArray, kString, kNumber, kTrue, kFalse, kNull, kNone };

std::string_view describe(JsonKind kind);  // "an object", "a number", ...

// Whether `text` is a number in JSON's grammar: no leading '+' or zeros, no spaces.
bool is_json_number(std::string_view text);

class JsonReader {
 public:
  // REQUIRES: `text` outlives the reader.
  explicit JsonReader(std::string_view text) : text_(text) {}

  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }  // "byte 17: expected ':'"
  // How far it has read, in bytes: behind the last value or key. For errors of the caller's own.
  std::size_t at() const { return at_; }

  // What the next value is; kNone at the end, on garbage and after an error.
  JsonKind peek();

  // Objects: `if (enter_object()) for (bool first = true; next_key(first, key);) <read a value>`.
  bool enter_object();
  bool next_key(bool& first, std::string& key);

  // Arrays: `if (enter_array()) for (bool first = true; next_element(first);) <read a value>`.
  bool enter_array();
  bool next_element(bool& first);

  bool read_string(std::string& value);
  std::string_view read_number();  // Its text, by JSON's grammar; convert as the target demands.
  bool skip_value();               // Checks what it skips.
  bool finish();                   // Nothing but space may follow the last value.

 private:
  bool fail(std::string_view what);
  bool expect(char c, std::string_view what);
  bool enter(char c, std::string_view what);
  bool leave();
  char next_significant();  // '\0' at the end.
  bool read_escape(std::string& value);
  bool read_unicode_escape(std::string& value);
  bool read_hex4(char32_t& unit);

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::string error_;
  std::string skipped_;  // Scratch of skip_value.
};

}  // namespace souk::wire
