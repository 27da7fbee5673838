#include "runtime/http_types.h"

#include <algorithm>
#include <charconv>

namespace souk::runtime {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// ";q=0", "; q=0.000": the client does not want it.
bool is_refused(std::string_view parameters) {
  const auto q = parameters.find("q=");
  if (q == std::string_view::npos) return false;
  const std::string_view weight = trim(parameters.substr(q + 2));
  return !weight.empty() && weight.find_first_not_of("0.") == std::string_view::npos;
}

Result<uint16_t> parse_port(std::string_view text, std::string_view url) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error == std::errc() && end == text.data() + text.size() && port != 0) return port;
  return fail("'{}' is not a port (in '{}'): write a number from 1 to 65535", text, url);
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

bool has_token(std::string_view header_value, std::string_view token) {
  while (!header_value.empty()) {
    const auto comma = std::min(header_value.find(','), header_value.size());
    const std::string_view item = header_value.substr(0, comma);
    const auto semicolon = std::min(item.find(';'), item.size());
    if (equal_ignoring_case(trim(item.substr(0, semicolon)), token)) {
      return !is_refused(item.substr(semicolon));
    }
    header_value.remove_prefix(std::min(comma + 1, header_value.size()));
  }
  return false;
}

void HttpHeaders::add(std::string_view name, std::string_view value) {
  fields_.push_back({.at = static_cast<uint32_t>(text_.size()),
                     .name_size = static_cast<uint32_t>(name.size()),
                     .value_size = static_cast<uint32_t>(value.size())});
  text_.append(name).append(value);
}

const HttpHeaders::Field* HttpHeaders::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (equal_ignoring_case(std::string_view(text_).substr(field.at, field.name_size), name)) {
      return &field;
    }
  }
  return nullptr;
}

std::string_view HttpHeaders::get(std::string_view name) const {
  const Field* field = find(name);
  if (field == nullptr) return {};
  return std::string_view(text_).substr(field->at + field->name_size, field->value_size);
}

bool HttpHeaders::has(std::string_view name) const { return find(name) != nullptr; }

std::pair<std::string_view, std::string_view> HttpHeaders::at(std::size_t index) const {
  const Field& field = fields_[index];
  const std::string_view text(text_);
  return {text.substr(field.at, field.name_size),
          text.substr(field.at + field.name_size, field.value_size)};
}

std::string_view HttpRequest::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view HttpRequest::query() const {
  const auto mark = target.find('?');
  if (mark == std::string::npos) return {};
  return std::string_view(target).substr(mark + 1);
}

HttpReply HttpReply::text(int status, std::string message) {
  HttpReply reply;
  reply.status = status;
  reply.content_type = "text/plain; charset=utf-8";
  reply.body = std::make_shared<const std::string>(std::move(message));
  return reply;
}

HttpReply HttpReply::json(std::string body) {
  HttpReply reply;
  reply.content_type = "application/json";
  reply.body = std::make_shared<const std::string>(std::move(body));
  return reply;
}

HttpReply HttpReply::empty(int status) {
  HttpReply reply;
  reply.status = status;
  return reply;
}

std::string HttpUrl::authority() const {
  if (host.find(':') != std::string::npos) return fmt::format("[{}]:{}", host, port);
  return fmt::format("{}:{}", host, port);
}

Result<HttpUrl> parse_url(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    return fail("'{}': https is not supported yet, use http", text);
  }
  if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (rest.starts_with("//")) {
    rest.remove_prefix(2);
  } else if (rest.find("://") != std::string_view::npos) {
    return fail("'{}' is not an http URL", text);
  }
  HttpUrl url;
  const auto slash = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, slash);
  std::string_view target = rest.substr(slash);
  target = target.substr(0, target.find('#'));
  url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
  const bool printable = std::ranges::all_of(
      text, [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; });
  if (!printable) return fail("a URL must not hold spaces or control characters");

  std::string_view port;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return fail("'{}': the '[' is never closed", text);
    url.host = authority.substr(1, close - 1);
    authority.remove_prefix(close + 1);
    if (!authority.empty() && authority.front() != ':') return fail("'{}' is not a URL", text);
    if (!authority.empty()) port = authority.substr(1);
  } else {
    const auto colon = authority.find(':');
    url.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon + 1);
  }
  if (url.host.empty()) return fail("'{}' names no host", text);
  if (!port.empty()) {
    Result<uint16_t> number = parse_port(port, text);
    if (!number) return std::unexpected(number.error());
    url.port = *number;
  }
  return url;
}

}  // namespace souk::runtime
