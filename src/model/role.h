// Roles: for whom resources are shared out and reserved. A role is a path, "eng/web/ads"; what is
// reserved for a role may also be used by the roles below it. "*" is the default role, of those who
// name none.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace souk {

inline constexpr std::string_view kDefaultRole = "*";

// Roles come from outside and are repeated in every offer; longer ones are refused.
inline constexpr std::size_t kMaxRoleBytes = 1024;

// A role is "*", or a path: components between single slashes, none of them ".", ".." or "*", none
// starting with '-', without white space or control characters. The error says which of these is
// broken.
Result<void> validate_role(std::string_view role);

// Whether `ancestor` stands above `role` in the tree: "a" and "a/b" above "a/b/c", a role never
// above itself. REQUIRES valid roles; "*" is above none and below none.
bool is_ancestor(std::string_view ancestor, std::string_view role);

}  // namespace souk
