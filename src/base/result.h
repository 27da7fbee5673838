// The result of a call that can fail in an expected way: a value, or an Error whose text says what
// was wrong and what to do. Bugs are not errors: see base/check.h.
#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <utility>

namespace souk {

struct Error {
  std::string message;
  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;

// fail("cannot open {}: {}", path, why) converts to any Result<T>.
template <class... Args>
std::unexpected<Error> fail(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{fmt::format(format, std::forward<Args>(args)...)});
}

}  // namespace souk
