#include "runtime/http_text.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <ctime>

#include "base/check.h"

namespace souk::runtime {
namespace {

// 16 more window bits than the usual 15: zlib writes and reads gzip's own head and trailer.
constexpr int kGzipWindow = 15 + 16;

}  // namespace

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Request Entity Too Large";
    case 415:
      return "Unsupported Media Type";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

std::string http_date(WallTime when) {
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds =
      std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count();
  std::tm t{};
  gmtime_r(&seconds, &t);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[static_cast<std::size_t>(t.tm_wday)], t.tm_mday,
                     kMonths[static_cast<std::size_t>(t.tm_mon)], t.tm_year + 1900, t.tm_hour,
                     t.tm_min, t.tm_sec);
}

std::string gzip(std::string_view bytes) {
  z_stream z{};
  // The fastest level: most of the gain of JSON comes with it.
  int status = deflateInit2(&z, 1, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY);
  SOUK_CHECK(status == Z_OK, "zlib refuses its parameters");
  std::string out(deflateBound(&z, bytes.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  // zlib counts in 32 bits: hand both sides over in pieces.
  std::size_t in_left = bytes.size();
  std::size_t out_left = out.size();
  constexpr std::size_t kPiece = std::size_t{1} << 30;
  do {
    if (z.avail_in == 0) {
      z.avail_in = static_cast<uInt>(std::min(in_left, kPiece));
      in_left -= z.avail_in;
    }
    if (z.avail_out == 0) {
      z.avail_out = static_cast<uInt>(std::min(out_left, kPiece));
      out_left -= z.avail_out;
    }
    status = deflate(&z, in_left == 0 ? Z_FINISH : Z_NO_FLUSH);
  } while (status == Z_OK);
  SOUK_CHECK(status == Z_STREAM_END, "zlib's bound for its output did not hold");
  out.resize(out.size() - out_left - z.avail_out);
  deflateEnd(&z);
  return out;
}

Result<std::string> gunzip(std::string_view bytes, std::size_t most) {
  if (bytes.size() > most) return fail("the compressed bytes are more than {}", most);
  z_stream z{};
  if (inflateInit2(&z, kGzipWindow) != Z_OK) return fail("zlib cannot start");
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  std::array<char, 16384> piece;
  int status = Z_OK;
  while (status == Z_OK && out.size() <= most) {
    z.next_out = reinterpret_cast<Bytef*>(piece.data());
    z.avail_out = piece.size();
    status = inflate(&z, Z_NO_FLUSH);
    out.append(piece.data(), piece.size() - z.avail_out);
  }
  inflateEnd(&z);
  if (out.size() > most) return fail("the bytes grow beyond {} when unpacked", most);
  if (status != Z_STREAM_END) return fail("the bytes are not whole gzip");
  return out;
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  // A line end inside would let whoever chose the value write headers of their own.
  const auto plain = [](std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
  };
  if (!plain(name) || !plain(value)) return;
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_headers(std::string& out, const HttpHeaders& headers) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const auto [name, value] = headers.at(i);
    append_header(out, name, value);
  }
}

}  // namespace souk::runtime
