#include "wire/json_reader.h"

#include <fmt/format.h>

#include "wire/utf8.h"

namespace souk::wire {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t count_digits(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - at;
}

// Length of the number at the front of `text`; 0 if there is none.
std::size_t number_length(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = count_digits(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) return 0;
  at += whole;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = count_digits(text, at + 1);
    if (fraction == 0) return 0;
    at += 1 + fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t exponent = count_digits(text, at);
    if (exponent == 0) return 0;
    at += exponent;
  }
  return at;
}

std::string_view literal(JsonKind kind) {
  switch (kind) {
    case JsonKind::kTrue:
      return "true";
    case JsonKind::kFalse:
      return "false";
    default:
      return "null";
  }
}

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

}  // namespace

std::string_view describe(JsonKind kind) {
  switch (kind) {
    case JsonKind::kObject:
      return "an object";
    case JsonKind::kArray:
      return "an array";
    case JsonKind::kString:
      return "a string";
    case JsonKind::kNumber:
      return "a number";
    case JsonKind::kTrue:
    case JsonKind::kFalse:
      return "a boolean";
    case JsonKind::kNull:
      return "null";
    case JsonKind::kNone:
      break;
  }
  return "no value";
}

bool is_json_number(std::string_view text) {
  return !text.empty() && number_length(text) == text.size();
}

bool JsonReader::fail(std::string_view what) {
  if (ok()) error_ = fmt::format("byte {}: {}", at_, what);
  return false;
}

char JsonReader::next_significant() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return c;
    ++at_;
  }
  return '\0';
}

JsonKind JsonReader::peek() {
  if (!ok()) return JsonKind::kNone;
  const char c = next_significant();
  switch (c) {
    case '{':
      return JsonKind::kObject;
    case '[':
      return JsonKind::kArray;
    case '"':
      return JsonKind::kString;
    case 't':
      return JsonKind::kTrue;
    case 'f':
      return JsonKind::kFalse;
    case 'n':
      return JsonKind::kNull;
    default:
      return c == '-' || is_digit(c) ? JsonKind::kNumber : JsonKind::kNone;
  }
}

bool JsonReader::expect(char c, std::string_view what) {
  if (!ok()) return false;
  if (next_significant() != c) return fail(what);
  ++at_;
  return true;
}

bool JsonReader::enter(char c, std::string_view what) {
  if (!expect(c, what)) return false;
  if (depth_ == kMaxJsonDepth) return fail(fmt::format("nested deeper than {}", kMaxJsonDepth));
  ++depth_;
  return true;
}

bool JsonReader::leave() {
  ++at_;
  --depth_;
  return false;
}

bool JsonReader::enter_object() { return enter('{', "expected an object"); }

bool JsonReader::next_key(bool& first, std::string& key) {
  if (!ok()) return false;
  const char c = next_significant();
  if (c == '}') return leave();
  if (!first && !expect(',', "expected ',' or '}'")) return false;
  first = false;
  if (next_significant() != '"') return fail("expected a key");
  return read_string(key) && expect(':', "expected ':'");
}

bool JsonReader::enter_array() { return enter('[', "expected an array"); }

bool JsonReader::next_element(bool& first) {
  if (!ok()) return false;
  if (next_significant() == ']') return leave();
  if (!first && !expect(',', "expected ',' or ']'")) return false;
  first = false;
  if (peek() == JsonKind::kNone) return fail("expected a value");
  return true;
}

bool JsonReader::read_string(std::string& value) {
  value.clear();
  if (!expect('"', "expected a string")) return false;
  while (at_ < text_.size()) {
    const std::size_t start = at_;
    while (at_ < text_.size() && is_plain(text_[at_])) ++at_;
    value.append(text_, start, at_ - start);
    if (at_ == text_.size()) break;
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      return true;
    }
    if (c == '\\') {
      if (!read_escape(value)) return false;
      continue;
    }
    if (static_cast<unsigned char>(c) < 0x20) return fail("control character in a string");
    const Utf8Step step = decode_utf8(text_, at_);
    if (step.length == 0) return fail("invalid UTF-8 in a string");
    value.append(text_, at_, step.length);
    at_ += step.length;
  }
  return fail("string without an end");
}

bool JsonReader::read_escape(std::string& value) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  ++at_;  // The backslash.
  if (at_ == text_.size()) return fail("string without an end");
  if (text_[at_] == 'u') return read_unicode_escape(value);
  const std::size_t which = kNames.find(text_[at_]);
  if (which == std::string_view::npos) return fail("unknown escape in a string");
  value.push_back(kMeanings[which]);
  ++at_;
  return true;
}

bool JsonReader::read_unicode_escape(std::string& value) {
  char32_t unit = 0;
  if (!read_hex4(unit)) return false;
  if (unit >= 0xD800 && unit < 0xDC00) {
    char32_t low = 0;
    if (text_.substr(at_, 2) != "\\u") return fail("half of a surrogate pair in a string");
    ++at_;
    if (!read_hex4(low)) return false;
    if (low < 0xDC00 || low > 0xDFFF) return fail("half of a surrogate pair in a string");
    unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
  } else if (unit >= 0xDC00 && unit <= 0xDFFF) {
    return fail("half of a surrogate pair in a string");
  }
  append_utf8(value, unit);
  return true;
}

// REQUIRES: at the 'u' of an escape.
bool JsonReader::read_hex4(char32_t& unit) {
  ++at_;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    const char lower = static_cast<char>(c | 0x20);
    if (is_digit(c)) {
      unit = unit << 4 | static_cast<char32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      unit = unit << 4 | static_cast<char32_t>(lower - 'a' + 10);
    } else {
      return fail("expected four hexadecimal digits");
    }
  }
  return true;
}

std::string_view JsonReader::read_number() {
  if (!ok()) return {};
  next_significant();
  const std::string_view number = text_.substr(at_, number_length(text_.substr(at_)));
  if (number.empty()) fail("expected a number");
  at_ += number.size();
  return number;
}

bool JsonReader::skip_value() {
  bool first = true;
  const JsonKind kind = peek();
  switch (kind) {
    case JsonKind::kObject:
      if (!enter_object()) return false;
      while (next_key(first, skipped_)) {
        if (!skip_value()) return false;
      }
      return ok();
    case JsonKind::kArray:
      if (!enter_array()) return false;
      while (next_element(first)) {
        if (!skip_value()) return false;
      }
      return ok();
    case JsonKind::kString:
      return read_string(skipped_);
    case JsonKind::kNumber:
      return !read_number().empty();
    case JsonKind::kTrue:
    case JsonKind::kFalse:
    case JsonKind::kNull:
      if (!text_.substr(at_).starts_with(literal(kind))) return fail("expected a value");
      at_ += literal(kind).size();
      return true;
    case JsonKind::kNone:
      break;
  }
  return fail("expected a value");
}

bool JsonReader::finish() {
  if (!ok()) return false;
  next_significant();
  return at_ == text_.size() || fail("text after the value");
}

}  // namespace souk::wire
