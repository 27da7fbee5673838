// What the commands read of a master's JSON: absent fields, and those of another type, count as
// empty, so that an answer of another version never breaks a command.
#pragma once

#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace souk::bin {

std::string text_of(const boost::json::object& object, std::string_view key);
double number_of(const boost::json::object& object, std::string_view key);
bool flag_of(const boost::json::object& object, std::string_view key);
const boost::json::object& object_of(const boost::json::object& object, std::string_view key);
const boost::json::array& array_of(const boost::json::object& object, std::string_view key);

// GET of a path of the master at "host:port": the body of a 200, else what is wrong.
Result<std::string> ask_master(const std::string& master, const std::string& path);
// REQUIRES a body that `master` answered: that is named if it is not a JSON object.
Result<boost::json::object> parse_answer(const std::string& master, const std::string& body);

// Indented, with columns as wide as their widest cell.
std::string table_text(const std::vector<std::vector<std::string>>& rows);
// The same on standard output.
void print_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace souk::bin
