// Bytes of HTTP/1.1 that we write: heads of answers and requests, chunks, link frames, gzip. Pure
// functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "runtime/http_types.h"

namespace souk::runtime {

inline constexpr std::size_t kMinGzip = 1024;  // smaller is not worth it
inline constexpr std::size_t kMaxInlineGzip = std::size_t{1}
                                              << 20;  // larger would hold an I/O thread up

std::string_view reason_phrase(int status);

// "Tue, 15 Nov 1994 08:12:31 GMT"
std::string http_date(WallTime when);

// One HTTP chunk. Mesos clients want exactly one RecordIO record in each.
void append_chunk(std::string& out, std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// One frame of a link: a 4-byte big-endian length and the bytes.
void append_link_frame(std::string& out, std::string_view bytes);

// Adds the whole frames at the start of the bytes to `frames`, as views.
struct LinkFrameCut {
  std::size_t consumed = 0;
  bool too_long = false;  // the next one is longer than allowed: not to be followed further
};
LinkFrameCut cut_link_frames(std::string_view bytes, std::size_t max_frame,
                             std::vector<std::string_view>& frames);

std::string gzip(std::string_view bytes);
Result<std::string> gunzip(std::string_view bytes, std::size_t most);

void append_header(std::string& out, std::string_view name, std::string_view value);
void append_headers(std::string& out, const HttpHeaders& headers);

// "/files/a%20b" -> "/files/a b"; nothing if an escape is cut short or not hexadecimal.
Result<std::string> percent_decode(std::string_view text);
std::string percent_encode(std::string_view text);

}  // namespace souk::runtime
