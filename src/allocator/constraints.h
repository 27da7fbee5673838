// The offer constraints of one framework in one role, compiled (§3.5, filters evaluated in the
// master): which agents it wants offers of. Regular expressions are RE2's, so that hostile ones
// cost linear time and bounded memory. Immutable once compiled; any thread.
//
// As in Mesos 1.11: an agent fits if all constraints of at least one group hold. Of several
// attributes of one name the first counts. What is absent fails TextEquals and TextMatches and
// passes TextNotEquals and TextNotMatches; an attribute that is no text (a number, ranges, a set)
// passes all four. Region and zone are absent on an agent without a domain.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "allocator/allocator.h"
#include "base/result.h"
#include "model/constraints.h"

namespace souk::allocator {

// Of one framework in one role. Expressions have a lower bound: each is tried on each agent.
inline constexpr std::size_t kMaxConstraints = 10'000;  // of all groups together
inline constexpr std::size_t kMaxConstraintExpressions = 1'000;
inline constexpr std::size_t kMaxConstraintTextBytes = 16 * 1024;  // a name, value or expression
// RE2 reads all of an expression before it finds that the program is too large.
inline constexpr std::size_t kMaxExpressionBytesPerInstruction = 10;

class CompiledConstraints {
 public:
  // Errors: no groups or an empty one, a bound exceeded, an expression that RE2 refuses or that
  // needs more than `limits`.
  static Result<std::shared_ptr<const CompiledConstraints>> compile(
      const OfferConstraints& constraints, const ConstraintLimits& limits = {});

  ~CompiledConstraints();
  CompiledConstraints(const CompiledConstraints&) = delete;
  CompiledConstraints& operator=(const CompiledConstraints&) = delete;

  const OfferConstraints& source() const;

  bool allows(const AgentFacts& agent) const;

  // For people: the first constraint of each group that fails, in one short phrase; empty if
  // allowed.
  std::string why_not(const AgentFacts& agent) const;

 private:
  struct Compiled;
  explicit CompiledConstraints(std::unique_ptr<Compiled> compiled);

  std::unique_ptr<Compiled> compiled_;
};

// Why they cannot be compiled; nothing: they can. For Allocator::check().
std::optional<std::string> check_constraints(const OfferConstraints& constraints,
                                             const ConstraintLimits& limits);

}  // namespace souk::allocator
