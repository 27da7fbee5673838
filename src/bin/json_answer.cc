#include "bin/json_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/src.hpp>
#include <cstdio>

#include "runtime/http_client.h"

namespace souk::bin {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

double number_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return 0;
  if (value->is_int64()) return static_cast<double>(value->as_int64());
  if (value->is_uint64()) return static_cast<double>(value->as_uint64());
  return value->is_double() ? value->as_double() : 0;
}

bool flag_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->as_bool();
}

const json::object& object_of(const json::object& object, std::string_view key) {
  static const json::object kNone;
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_object() ? value->as_object() : kNone;
}

const json::array& array_of(const json::object& object, std::string_view key) {
  static const json::array kNone;
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->as_array() : kNone;
}

Result<std::string> ask_master(const std::string& master, const std::string& path) {
  auto answer = runtime::http_get(fmt::format("http://{}{}", master, path));
  if (!answer) {
    return fail("no master at {}: {}. Is one running? `souk local` starts a cluster", master,
                answer.error().message);
  }
  if (answer->status != 200) {
    return fail("{} answered {}: {}", master, answer->status, answer->body);
  }
  return std::move(answer->body);
}

Result<json::object> parse_answer(const std::string& master, const std::string& body) {
  json::error_code error;
  json::value value = json::parse(body, error);
  if (error || !value.is_object()) return fail("{} does not answer like a master", master);
  return std::move(value.as_object());
}

std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    text += fmt::format("  {}\n", line);
  }
  return text;
}

void print_table(const std::vector<std::vector<std::string>>& rows) {
  std::fputs(table_text(rows).c_str(), stdout);
}

}  // namespace souk::bin
