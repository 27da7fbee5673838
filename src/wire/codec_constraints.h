// Offer constraints between mesos.v1.scheduler.OfferConstraints and plain values. Internal to
// wire/: sees protobuf. Pure functions, safe from any thread.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "mesos/v1/scheduler/scheduler.pb.h"
#include "model/constraints.h"

namespace souk::wire {

// By role, as they came: what the allocator refuses (no groups, say) is not judged here. An error:
// a selector or predicate that is not set, or of a kind that this version does not know.
Result<std::map<std::string, OfferConstraints>> decode_constraints(
    const ::mesos::v1::scheduler::OfferConstraints& in);
void encode_constraints(const std::map<std::string, OfferConstraints>& constraints,
                        ::mesos::v1::scheduler::OfferConstraints& out);

}  // namespace souk::wire
