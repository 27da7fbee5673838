#include "wire/codec_constraints.h"

#include <utility>

namespace souk::wire {
namespace {

using PbConstraint = ::mesos::v1::scheduler::AttributeConstraint;
using PbSelector = PbConstraint::Selector;
using PbPredicate = PbConstraint::Predicate;
using Selector = AttributeConstraint::Selector;
using Predicate = AttributeConstraint::Predicate;

// Empty: done.
std::string decode_selector(const PbSelector& in, AttributeConstraint& out) {
  switch (in.selector_case()) {
    case PbSelector::kAttributeName:
      out.selector = Selector::kAttribute;
      out.attribute = in.attribute_name();
      return {};
    case PbSelector::kPseudoattributeType:
      break;
    case PbSelector::SELECTOR_NOT_SET:
      return "its 'selector' has neither 'attribute_name' nor a 'pseudoattribute_type' that is "
             "known";
  }
  switch (in.pseudoattribute_type()) {
    case PbSelector::HOSTNAME:
      out.selector = Selector::kHostname;
      return {};
    case PbSelector::REGION:
      out.selector = Selector::kRegion;
      return {};
    case PbSelector::ZONE:
      out.selector = Selector::kZone;
      return {};
    case PbSelector::UNKNOWN:
      break;
  }
  return "its 'selector.pseudoattribute_type' must be HOSTNAME, REGION or ZONE";
}

std::string decode_predicate(const PbPredicate& in, AttributeConstraint& out) {
  switch (in.predicate_case()) {
    case PbPredicate::kExists:
      out.predicate = Predicate::kExists;
      return {};
    case PbPredicate::kNotExists:
      out.predicate = Predicate::kNotExists;
      return {};
    case PbPredicate::kTextEquals:
      out.predicate = Predicate::kTextEquals;
      out.text = in.text_equals().value();
      return {};
    case PbPredicate::kTextNotEquals:
      out.predicate = Predicate::kTextNotEquals;
      out.text = in.text_not_equals().value();
      return {};
    case PbPredicate::kTextMatches:
      out.predicate = Predicate::kTextMatches;
      out.text = in.text_matches().regex();
      return {};
    case PbPredicate::kTextNotMatches:
      out.predicate = Predicate::kTextNotMatches;
      out.text = in.text_not_matches().regex();
      return {};
    case PbPredicate::PREDICATE_NOT_SET:
      break;
  }
  return "its 'predicate' is none that is known";
}

void encode_selector(const AttributeConstraint& in, PbSelector& out) {
  switch (in.selector) {
    case Selector::kAttribute:
      return out.set_attribute_name(in.attribute);
    case Selector::kHostname:
      return out.set_pseudoattribute_type(PbSelector::HOSTNAME);
    case Selector::kRegion:
      return out.set_pseudoattribute_type(PbSelector::REGION);
    case Selector::kZone:
      return out.set_pseudoattribute_type(PbSelector::ZONE);
  }
}

void encode_predicate(const AttributeConstraint& in, PbPredicate& out) {
  switch (in.predicate) {
    case Predicate::kExists:
      out.mutable_exists();
      return;
    case Predicate::kNotExists:
      out.mutable_not_exists();
      return;
    case Predicate::kTextEquals:
      return out.mutable_text_equals()->set_value(in.text);
    case Predicate::kTextNotEquals:
      return out.mutable_text_not_equals()->set_value(in.text);
    case Predicate::kTextMatches:
      return out.mutable_text_matches()->set_regex(in.text);
    case Predicate::kTextNotMatches:
      return out.mutable_text_not_matches()->set_regex(in.text);
  }
}

}  // namespace

Result<std::map<std::string, OfferConstraints>> decode_constraints(
    const ::mesos::v1::scheduler::OfferConstraints& in) {
  // In the order of the roles, whatever protobuf's is: of several errors always the same is told.
  std::map<std::string, OfferConstraints> out;
  for (const auto& [role, of_role] : in.role_constraints()) out[role];
  for (auto& [role, constraints] : out) {
    for (const auto& group : in.role_constraints().at(role).groups()) {
      auto& added = constraints.groups.emplace_back();
      for (const PbConstraint& each : group.attribute_constraints()) {
        AttributeConstraint constraint;
        std::string why = decode_selector(each.selector(), constraint);
        if (why.empty()) why = decode_predicate(each.predicate(), constraint);
        if (!why.empty()) {
          return fail("constraint {} in group {} of role '{}': {}", added.size(),
                      constraints.groups.size() - 1, role, why);
        }
        added.push_back(std::move(constraint));
      }
    }
  }
  return out;
}

void encode_constraints(const std::map<std::string, OfferConstraints>& constraints,
                        ::mesos::v1::scheduler::OfferConstraints& out) {
  auto& by_role = *out.mutable_role_constraints();
  for (const auto& [role, of_role] : constraints) {
    auto& added = by_role[role];
    for (const auto& group : of_role.groups) {
      auto& added_group = *added.add_groups();
      for (const AttributeConstraint& each : group) {
        auto& constraint = *added_group.add_attribute_constraints();
        encode_selector(each, *constraint.mutable_selector());
        encode_predicate(each, *constraint.mutable_predicate());
      }
    }
  }
}

}  // namespace souk::wire
