// For the tests of documents: JSON that a person can read in a review, compared with a file.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "wire/json_reader.h"

namespace souk::wire {

inline std::string source_path(std::string_view path) {
  const char* root = std::getenv("SOUK_SOURCE_DIR");
  return std::string(root == nullptr ? "." : root) + "/" + std::string(path);
}

// JSON with a line for each value; nothing else changes.
inline std::string pretty(std::string_view json) {
  std::string text;
  std::string indent = "\n";
  bool quoted = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"' && (i == 0 || json[i - 1] != '\\')) quoted = !quoted;
    const bool empty = i + 1 < json.size() && (json[i + 1] == '}' || json[i + 1] == ']');
    if (quoted) {
      text += c;
      continue;
    }
    if ((c == '{' || c == '[') && !empty) {
      text += c + (indent += "  ");
    } else if ((c == '}' || c == ']') && json[i - 1] != '{' && json[i - 1] != '[') {
      indent.resize(indent.size() - 2);
      text += indent + c;
    } else if (c == ',') {
      text += c + indent;
    } else {
      text += c;
    }
  }
  return text + "\n";
}

inline void check_value(JsonReader& json) {
  switch (json.peek()) {
    case JsonKind::kObject: {
      std::set<std::string> keys;
      std::string key;
      if (!json.enter_object()) return;
      for (bool first = true; json.next_key(first, key);) {
        EXPECT_TRUE(keys.insert(key).second) << "twice: " << key;
        check_value(json);
      }
      return;
    }
    case JsonKind::kArray:
      if (!json.enter_array()) return;
      for (bool first = true; json.next_element(first);) check_value(json);
      return;
    default:
      json.skip_value();
  }
}

// One line of JSON in which no object has a key twice.
inline void expect_sound(std::string_view text) {
  EXPECT_EQ(text.find('\n'), std::string_view::npos);
  JsonReader json(text);
  check_value(json);
  EXPECT_TRUE(json.finish()) << json.error();
}

// src/wire/testdata/<name>; SOUK_REWRITE_GOLDEN=1 writes it anew.
inline void expect_golden(const std::string& name, std::string_view json) {
  expect_sound(json);
  const std::string path = source_path("src/wire/testdata/" + name);
  if (std::getenv("SOUK_REWRITE_GOLDEN") != nullptr) std::ofstream(path) << pretty(json);
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  const std::string expected(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(pretty(json), expected) << "differs from " << path;
}

inline std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(source_path(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  EXPECT_FALSE(lines.empty()) << path;
  return lines;
}

}  // namespace souk::wire
