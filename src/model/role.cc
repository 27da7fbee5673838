#include "model/role.h"

#include <algorithm>

#include "base/text.h"

namespace souk {
namespace {

bool is_forbidden(char c) { return is_control(c) || c == ' '; }

Result<void> validate_component(std::string_view component, std::string_view role) {
  if (component.empty()) {
    return fail("role {} has an empty part: write single slashes between names, as in eng/web",
                quote(role));
  }
  if (component == "." || component == "..") {
    return fail("role {} must not contain {} as a part", quote(role), quote(component));
  }
  if (component == kDefaultRole) {
    return fail("role {} must not contain '*' as a part: '*' alone is the default role",
                quote(role));
  }
  if (component.front() == '-') {
    return fail("role {} has a part that starts with '-': {}", quote(role), quote(component));
  }
  return {};
}

}  // namespace

Result<void> validate_role(std::string_view role) {
  if (role == kDefaultRole) return {};
  if (role.empty()) return fail("a role must not be empty: '*' is the default role");
  if (role.size() > kMaxRoleBytes) {
    return fail("role {} has {} bytes, at most {} are allowed", quote(role), role.size(),
                kMaxRoleBytes);
  }
  if (role.front() == '/') return fail("role {} must not start with '/'", quote(role));
  if (role.back() == '/') return fail("role {} must not end with '/'", quote(role));
  if (std::any_of(role.begin(), role.end(), is_forbidden)) {
    return fail("role {} must not contain white space or control characters", quote(role));
  }
  for (const std::string_view component : split(role, '/')) {
    if (auto valid = validate_component(component, role); !valid) return valid;
  }
  return {};
}

bool is_ancestor(std::string_view ancestor, std::string_view role) {
  return role.size() > ancestor.size() && role.starts_with(ancestor) &&
         role[ancestor.size()] == '/';
}

}  // namespace souk
