#include "wire/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>

#include "wire/utf8.h"

namespace souk::wire {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

// Enough for the longest integer and the longest shortest double.
constexpr std::size_t kNumberChars = 32;

void append_unit(std::string& out, char32_t unit) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out.append("\\u");
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kHex[(unit >> shift) & 15]);
}

void append_escaped(std::string& out, char32_t code_point) {
  if (code_point < 0x10000) return append_unit(out, code_point);
  append_unit(out, 0xD800 + ((code_point - 0x10000) >> 10));
  append_unit(out, 0xDC00 + ((code_point - 0x10000) & 0x3FF));
}

bool is_plain(char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

// The letter after the backslash, '\0' if `c` has no short escape.
char short_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return '\0';
  }
}

template <class T>
void append_integer(std::string& out, T value) {
  std::array<char, kNumberChars> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  out.append(text.data(), end);
}

template <class T>
void append_floating(std::string& out, T value) {
  if (!std::isfinite(value)) {
    out.append("null");
    return;
  }
  std::array<char, kNumberChars> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  const std::string_view number(text.data(), static_cast<std::size_t>(end - text.data()));
  out.append(number);
  if (number.find_first_of(".e") == std::string_view::npos) out.append(".0");
}

}  // namespace

void append_json_string(std::string& out, std::string_view value) {
  out.push_back('"');
  std::size_t at = 0;
  while (at < value.size()) {
    const std::size_t start = at;
    while (at < value.size() && is_plain(value[at])) ++at;
    out.append(value, start, at - start);
    if (at == value.size()) break;
    if (const char letter = short_escape(value[at]); letter != '\0') {
      out.push_back('\\');
      out.push_back(letter);
      ++at;
      continue;
    }
    const Utf8Step step = decode_utf8(value, at);
    append_escaped(out, step.length == 0 ? kReplacement : step.code_point);
    at += step.length == 0 ? 1 : step.length;
  }
  out.push_back('"');
}

void append_json_number(std::string& out, std::int64_t value) { append_integer(out, value); }
void append_json_number(std::string& out, std::uint64_t value) { append_integer(out, value); }
void append_json_number(std::string& out, double value) { append_floating(out, value); }
void append_json_number(std::string& out, float value) { append_floating(out, value); }

}  // namespace souk::wire
