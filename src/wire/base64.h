// Base64 (RFC 4648). Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace souk::wire {

// Standard alphabet, padded.
void append_base64(std::string& out, std::string_view bytes);

// Takes the standard and the URL-safe alphabet, with or without padding. Nothing if `text` is
// neither.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace souk::wire
