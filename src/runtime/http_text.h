// Bytes of HTTP/1.1 that we write: heads of answers and requests, gzip. Pure
// functions.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "runtime/http_types.h"

namespace souk::runtime {

inline constexpr std::size_t kMinGzip = 1024;  // smaller is not worth it
inline constexpr std::size_t kMaxInlineGzip = std::size_t{1}
                                              << 20;  // larger would hold an I/O thread up

std::string_view reason_phrase(int status);

// "Tue, 15 Nov 1994 08:12:31 GMT"
std::string http_date(WallTime when);

inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

std::string gzip(std::string_view bytes);
Result<std::string> gunzip(std::string_view bytes, std::size_t most);

void append_header(std::string& out, std::string_view name, std::string_view value);
void append_headers(std::string& out, const HttpHeaders& headers);

}  // namespace souk::runtime
