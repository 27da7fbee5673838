// Which agents a framework wants offers of: mesos.v1.OfferConstraints (§3.5, filters evaluated in
// the master). Plain values as they came; allocator/constraints.h compiles and evaluates them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace souk {

// One condition on one fact about an agent.
struct AttributeConstraint {
  enum class Selector : uint8_t { kAttribute, kHostname, kRegion, kZone };
  enum class Predicate : uint8_t {
    kExists,
    kNotExists,
    kTextEquals,
    kTextNotEquals,
    kTextMatches,  // RE2, the whole text
    kTextNotMatches,
  };
  Selector selector = Selector::kAttribute;
  std::string attribute;  // kAttribute: its name
  Predicate predicate = Predicate::kExists;
  std::string text;  // the value or regular expression; unused by the first two
  bool operator==(const AttributeConstraint&) const = default;
};

// An agent fits if all constraints of at least one group hold. No groups and empty ones are errors.
struct OfferConstraints {
  std::vector<std::vector<AttributeConstraint>> groups;
  bool operator==(const OfferConstraints&) const = default;
};

}  // namespace souk
