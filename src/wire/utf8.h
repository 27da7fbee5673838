// UTF-8, one code point at a time. Pure functions over bytes; safe on any input.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace souk::wire {

struct Utf8Step {
  char32_t code_point;
  std::size_t length;  // Bytes consumed; 0 if they are not UTF-8 (overlong, surrogate, cut off).
};

// REQUIRES: `at` < bytes.size().
Utf8Step decode_utf8(std::string_view bytes, std::size_t at);

// REQUIRES: `code_point` is a Unicode scalar value.
void append_utf8(std::string& out, char32_t code_point);

}  // namespace souk::wire
