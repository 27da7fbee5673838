// Small helpers for text. Pure; letters and white space are those of ASCII, other bytes pass
// through. What is returned as a string_view points into the arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace souk {

// The parts between the separators, empty ones too: always one part more than there are separators.
std::vector<std::string_view> split(std::string_view text, char separator);

// Without white space at both ends.
std::string_view trim(std::string_view text);

std::string to_lower(std::string_view text);

// True for 0x00-0x1f and 0x7f.
bool is_control(char c);

// For messages that quote what somebody wrote: 'text', cut after about `limit` bytes (never inside
// a UTF-8 character), control characters replaced, so that hostile input spoils neither log nor
// terminal.
std::string quote(std::string_view text, std::size_t limit = 80);

// The candidate that somebody who wrote `word` may have meant: few slips of the keyboard away, or
// else one that contains the word. Case is ignored, and - is the same as _. Nothing if none is
// near; of equally near ones the first.
std::optional<std::string_view> nearest_match(std::string_view word,
                                              std::span<const std::string_view> candidates);

// "512 B", "1.5 KiB", "16.0 GiB": binary units, one decimal.
std::string human_bytes(uint64_t bytes);

}  // namespace souk
