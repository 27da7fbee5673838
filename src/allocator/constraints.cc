#include "allocator/constraints.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace souk::allocator {
namespace {

using Selector = AttributeConstraint::Selector;
using Predicate = AttributeConstraint::Predicate;
using Expression = std::shared_ptr<const re2::RE2>;

constexpr std::size_t kMaxGroupsToldOf = 3;

// What a selector finds on an agent.
struct Absent {};
struct NoText {};  // an attribute that is a number, ranges or a set
using Found = std::variant<Absent, NoText, std::string_view>;

struct Constraint {
  const AttributeConstraint* source;
  Expression expression;  // of the predicates that match
};
using Group = std::vector<Constraint>;

bool needs_expression(const AttributeConstraint& constraint) {
  return constraint.predicate == Predicate::kTextMatches ||
         constraint.predicate == Predicate::kTextNotMatches;
}

// For messages: hostile text must not fill a log or an answer.
std::string quote(std::string_view text) {
  constexpr std::size_t kLongest = 100;
  if (text.size() <= kLongest) return fmt::format("'{}'", text);
  std::size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // UTF-8
  return fmt::format("'{}...'", text.substr(0, end));
}

std::string describe(const AttributeConstraint& constraint) {
  std::string what;
  switch (constraint.selector) {
    case Selector::kAttribute:
      what = fmt::format("attribute {}", quote(constraint.attribute));
      break;
    case Selector::kHostname:
      what = "hostname";
      break;
    case Selector::kRegion:
      what = "region";
      break;
    case Selector::kZone:
      what = "zone";
      break;
  }
  switch (constraint.predicate) {
    case Predicate::kExists:
      return what + " must exist";
    case Predicate::kNotExists:
      return what + " must not exist";
    case Predicate::kTextEquals:
      return fmt::format("{} must be {}", what, quote(constraint.text));
    case Predicate::kTextNotEquals:
      return fmt::format("{} must not be {}", what, quote(constraint.text));
    case Predicate::kTextMatches:
      return fmt::format("{} must match {}", what, quote(constraint.text));
    case Predicate::kTextNotMatches:
      return fmt::format("{} must not match {}", what, quote(constraint.text));
  }
  return what;
}

Found find(const AttributeConstraint& constraint, const AgentFacts& agent) {
  switch (constraint.selector) {
    case Selector::kHostname:
      return agent.hostname;
    // An agent without a domain has neither; one with a domain has both.
    case Selector::kRegion:
      if (agent.domain == FaultDomain{}) return Absent{};
      return agent.domain.region;
    case Selector::kZone:
      if (agent.domain == FaultDomain{}) return Absent{};
      return agent.domain.zone;
    case Selector::kAttribute:
      break;
  }
  // A name may repeat: the first counts.
  const auto at =
      std::find_if(agent.attributes.begin(), agent.attributes.end(),
                   [&](const Attribute& each) { return each.name == constraint.attribute; });
  if (at == agent.attributes.end()) return Absent{};
  const auto* text = std::get_if<std::string>(&at->value);
  return text == nullptr ? Found(NoText{}) : Found(std::string_view(*text));
}

bool matches(const Constraint& constraint, std::string_view text) {
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *constraint.expression);
}

bool holds(const Constraint& constraint, const AgentFacts& agent) {
  const Found found = find(*constraint.source, agent);
  const bool absent = std::holds_alternative<Absent>(found);
  const auto* text = std::get_if<std::string_view>(&found);
  switch (constraint.source->predicate) {
    case Predicate::kExists:
      return !absent;
    case Predicate::kNotExists:
      return absent;
    case Predicate::kTextEquals:
      return !absent && (text == nullptr || *text == constraint.source->text);
    case Predicate::kTextNotEquals:
      return text == nullptr || *text != constraint.source->text;
    case Predicate::kTextMatches:
      return !absent && (text == nullptr || matches(constraint, *text));
    case Predicate::kTextNotMatches:
      return text == nullptr || !matches(constraint, *text);
  }
  return false;
}

// The first constraint of the group that does not hold; null: all do.
const Constraint* first_failing(const Group& group, const AgentFacts& agent) {
  const auto at = std::find_if(group.begin(), group.end(),
                               [&](const Constraint& each) { return !holds(each, agent); });
  return at == group.end() ? nullptr : &*at;
}

// "Only nodes of list L" (§3.5) is a group for each node: looked up, not gone through.
bool is_hostname(const std::vector<AttributeConstraint>& group) {
  return group.size() == 1 && group.front().selector == Selector::kHostname &&
         group.front().predicate == Predicate::kTextEquals;
}

Result<Expression> compile_expression(const std::string& text, const ConstraintLimits& limits) {
  const std::size_t longest = kMaxExpressionBytesPerInstruction *
                              static_cast<std::size_t>(std::max(1, limits.re2_max_program_size));
  if (text.size() > longest) {
    return fail("the regular expression {} is too long: {} bytes, the limit is {}", quote(text),
                text.size(), longest);
  }
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(limits.re2_max_mem);
  auto expression = std::make_shared<const re2::RE2>(text, options);
  if (!expression->ok()) {
    return fail("the regular expression {} is not one: {}", quote(text), expression->error());
  }
  if (expression->ProgramSize() > limits.re2_max_program_size) {
    return fail("the regular expression {} is too complex: {} instructions, the limit is {}",
                quote(text), expression->ProgramSize(), limits.re2_max_program_size);
  }
  return expression;
}

// What all of them may cost together.
std::optional<Error> check_bounds(const OfferConstraints& constraints) {
  std::size_t count = 0;
  std::size_t expressions = 0;
  for (const auto& group : constraints.groups) {
    if (group.empty()) return Error{"a group has no constraints: leave it out"};
    count += group.size();
    for (const AttributeConstraint& each : group) {
      if (std::max(each.attribute.size(), each.text.size()) > kMaxConstraintTextBytes) {
        return Error{fmt::format("a name, value or regular expression is longer than {} bytes",
                                 kMaxConstraintTextBytes)};
      }
      if (needs_expression(each)) ++expressions;
    }
  }
  if (count > kMaxConstraints) {
    return Error{fmt::format("{} constraints, the limit is {}", count, kMaxConstraints)};
  }
  if (expressions > kMaxConstraintExpressions) {
    return Error{fmt::format("{} regular expressions, the limit is {}", expressions,
                             kMaxConstraintExpressions)};
  }
  return std::nullopt;
}

}  // namespace

struct CompiledConstraints::Compiled {
  OfferConstraints source;                  // what groups point into
  std::vector<std::string_view> hostnames;  // of groups that name one, sorted
  std::vector<Group> groups;                // the others
};

CompiledConstraints::CompiledConstraints(std::unique_ptr<Compiled> compiled)
    : compiled_(std::move(compiled)) {}

CompiledConstraints::~CompiledConstraints() = default;

Result<std::shared_ptr<const CompiledConstraints>> CompiledConstraints::compile(
    const OfferConstraints& constraints, const ConstraintLimits& limits) {
  if (constraints.groups.empty()) {
    return fail("no groups of constraints: leave the role out if it has none");
  }
  if (auto error = check_bounds(constraints)) return std::unexpected(std::move(*error));
  auto compiled = std::make_unique<Compiled>();
  compiled->source = constraints;
  std::map<std::string_view, Expression> expressions;
  for (const auto& source : compiled->source.groups) {
    if (is_hostname(source)) {
      compiled->hostnames.emplace_back(source.front().text);
      continue;
    }
    Group& group = compiled->groups.emplace_back();
    for (const AttributeConstraint& each : source) {
      Expression* expression = nullptr;
      if (needs_expression(each)) {
        expression = &expressions[each.text];
        if (*expression == nullptr) {
          auto made = compile_expression(each.text, limits);
          if (!made) return std::unexpected(std::move(made.error()));
          *expression = std::move(*made);
        }
      }
      group.push_back({&each, expression == nullptr ? nullptr : *expression});
    }
  }
  std::sort(compiled->hostnames.begin(), compiled->hostnames.end());
  return std::shared_ptr<const CompiledConstraints>(new CompiledConstraints(std::move(compiled)));
}

const OfferConstraints& CompiledConstraints::source() const { return compiled_->source; }

bool CompiledConstraints::allows(const AgentFacts& agent) const {
  const auto& hostnames = compiled_->hostnames;
  if (std::binary_search(hostnames.begin(), hostnames.end(), agent.hostname)) return true;
  return std::any_of(compiled_->groups.begin(), compiled_->groups.end(),
                     [&](const Group& group) { return first_failing(group, agent) == nullptr; });
}

std::string CompiledConstraints::why_not(const AgentFacts& agent) const {
  if (allows(agent)) return {};
  std::vector<std::string> reasons;
  std::size_t more = 0;
  const auto tell = [&](const AttributeConstraint& failing) {
    if (reasons.size() == kMaxGroupsToldOf) {
      ++more;
    } else {
      reasons.push_back(describe(failing));
    }
  };
  // In the order given: hostnames and the other groups are merged again.
  auto next = compiled_->groups.begin();
  for (const auto& source : compiled_->source.groups) {
    tell(is_hostname(source) ? source.front() : *first_failing(*next++, agent)->source);
  }
  std::string text = fmt::format("{}", fmt::join(reasons, ", or "));
  if (more > 0) text += fmt::format(", or one of {} more", more);
  return text;
}

std::optional<std::string> check_constraints(const OfferConstraints& constraints,
                                             const ConstraintLimits& limits) {
  auto compiled = CompiledConstraints::compile(constraints, limits);
  if (compiled) return std::nullopt;
  return std::move(compiled.error().message);
}

}  // namespace souk::allocator
