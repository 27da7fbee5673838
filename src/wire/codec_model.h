// The messages of mesos.v1 that calls, events and the link share <-> the structs of model/.
// Internal to wire/: sees protobuf. Pure.
//
// Decoding never fails where the API wants an answer of its own later: a task with bad resources
// becomes a TaskSpec that says so. Encoding lays the fields of a struct over its `raw`, so that
// what Souk does not know passes through.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/boxed.h"
#include "base/time.h"
#include "mesos/v1/mesos.pb.h"
#include "model/agent.h"
#include "model/framework.h"
#include "model/offer.h"
#include "model/resources.h"
#include "model/task.h"

namespace souk::wire {

namespace pb = ::mesos::v1;

template <class T>
using Repeated = ::google::protobuf::RepeatedPtrField<T>;

// What Souk claims to be towards clients of the v1 API: they want three numbers, and a Mesos that
// knows all they use.
inline constexpr std::string_view kMesosVersion = "1.11.0";

// Spans of time from outside are cut to this, far from where sums with the present overflow.
inline constexpr Duration kMaxSpan = 100 * 365 * 24h;
inline Duration cut_span(Duration span) { return std::clamp(span, -kMaxSpan, kMaxSpan); }
Duration decode_span(double seconds);
Duration decode_span(const pb::DurationInfo& span);

Labels decode_labels(const Repeated<pb::Label>& labels);
void encode_labels(const Labels& labels, Repeated<pb::Label>& out);

// --- resources

// How reservations are written: as `role` and `reservation`, for frameworks without
// RESERVATION_REFINEMENT (a stack of several has no such form and is written the other way), or as
// the stack `reservations`.
enum class ReservationFormat : uint8_t { kPlain, kStack };

// Reads both formats.
Result<Resource> decode_resource(const pb::Resource& in);

struct DecodedResources {
  Resources resources;                 // empty if there is an error
  std::string error;                   // what is malformed; empty if sound
  Boxed<std::string> allocation_role;  // the one said first
  bool mixed_allocation_roles = false;
};
DecodedResources decode_resources(const Repeated<pb::Resource>& in);

// An empty allocation role: no allocation_info.
void encode_resources(const Resources& resources, ReservationFormat format,
                      std::string_view allocation_role, Repeated<pb::Resource>& out);

Result<Attribute> decode_attribute(const pb::Attribute& in);
void encode_attribute(const Attribute& attribute, pb::Attribute& out);

// --- who is who

// The four bytes of the address in the order of the network, read as a little-endian number,
// whatever the machine: 10.0.0.1 is 16777226. Zero if it is no IPv4 address.
uint32_t encode_ipv4(std::string_view ip);
std::string decode_ipv4(uint32_t number);

FrameworkInfo decode_framework(const pb::FrameworkInfo& in);
void encode_framework(const FrameworkInfo& framework, pb::FrameworkInfo& out);
// All but the id, which stays as `raw` has it.
void encode_framework_but_id(const FrameworkInfo& framework, pb::FrameworkInfo& out);

AgentInfo decode_agent(const pb::AgentInfo& in);
void encode_agent(const AgentInfo& agent, pb::AgentInfo& out);

MasterInfo decode_master(const pb::MasterInfo& in);
void encode_master(const MasterInfo& master, pb::MasterInfo& out);

FaultDomain decode_domain(const pb::DomainInfo& in);
void encode_domain(const FaultDomain& domain, pb::DomainInfo& out);

// The allocation role and the reservations as the framework understands them.
struct OfferFormat {
  bool with_allocation_info = false;
  ReservationFormat reservations = ReservationFormat::kPlain;
};
Offer decode_offer(const pb::Offer& in);
void encode_offer(const Offer& offer, OfferFormat format, pb::Offer& out);

// Without allocation roles: the tasks that it means may have several.
InverseOffer decode_inverse_offer(const pb::InverseOffer& in);
void encode_inverse_offer(const InverseOffer& offer, ReservationFormat format,
                          pb::InverseOffer& out);

// --- tasks

// An error in the resources of an executor is for its task to carry.
struct DecodedExecutor {
  ExecutorSpec spec;
  DecodedResources resources;  // `resources` themselves are moved into the spec
};
DecodedExecutor decode_executor(const pb::ExecutorInfo& in);
void encode_executor(const ExecutorSpec& executor, pb::ExecutorInfo& out);

// `raw`: what serialize_rest() made, if it is at hand; else empty, and done here.
TaskSpec decode_task(pb::TaskInfo& in, Blob raw = {});
// TaskSpec::raw: `task` without its ids and name, which are taken out of it.
std::string serialize_rest(pb::TaskInfo& task);
// Counts what the executor's resources say, for a task that runs on it.
void add_executor_resources(TaskSpec& task, const ExecutorId& executor,
                            const DecodedResources& resources);
void encode_task(const TaskSpec& task, pb::TaskInfo& out);

TaskStatus decode_status(const pb::TaskStatus& in);
void encode_status(const TaskStatus& status, pb::TaskStatus& out);

// --- numbers of enums, as the link carries them

std::optional<TaskState> task_state(uint32_t number);
std::optional<StatusSource> status_source(uint32_t number);
std::optional<Reason> reason(uint32_t number);

}  // namespace souk::wire
