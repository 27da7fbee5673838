// What a scheduler and the master say to each other: the v1 scheduler API as plain structs
// (mesos-v1 "Scheduler API"). Calls go to the master, events come from it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/piece.h"
#include "base/time.h"
#include "base/uuid.h"
#include "model/agent.h"
#include "model/constraints.h"
#include "model/framework.h"
#include "model/ids.h"
#include "model/offer.h"
#include "model/task.h"

namespace souk::protocol {

// --- operations of an ACCEPT, in their order

struct Launch {
  std::vector<TaskSpec> tasks;
};

struct LaunchGroup {
  ExecutorSpec executor;
  std::vector<TaskSpec> tasks;
};

// RESERVE, CREATE and their kin: refused by name until they are built (decision 9).
struct UnsupportedOperation {
  std::string type;  // "RESERVE"
};

struct OfferOperation {
  OperationId id;  // empty: the framework wants no status updates of it
  std::variant<Launch, LaunchGroup, UnsupportedOperation> body;
};

// --- calls

namespace call {

struct Subscribe {
  Piece<FrameworkInfo> framework;
  std::vector<std::string> suppressed_roles;
  std::map<std::string, OfferConstraints> offer_constraints = {};  // by role
  std::string offer_constraints_error = {};  // why they could not be read; empty if they could
};
struct Teardown {};
struct Accept {
  std::vector<OfferId> offers;
  std::vector<OfferOperation> operations;
  Filters filters;
};
struct Decline {
  std::vector<OfferId> offers;
  Filters filters;
};
struct AcceptInverseOffers {
  std::vector<OfferId> offers;
};
struct DeclineInverseOffers {
  std::vector<OfferId> offers;
};
struct Revive {
  std::vector<std::string> roles;  // empty: all of the framework's
};
struct Suppress {
  std::vector<std::string> roles;  // empty: all of the framework's
};
struct Kill {
  TaskId task;
  AgentId agent;  // empty: not said
  std::optional<Duration> grace;
};
struct Shutdown {
  ExecutorId executor;
  AgentId agent;
};
struct Acknowledge {
  AgentId agent;
  TaskId task;
  Uuid uuid;
};
struct AcknowledgeOperationStatus {
  OperationId operation;
};
struct Reconcile {
  struct Task {
    TaskId id;
    AgentId agent;  // empty: not said
  };
  std::vector<Task> tasks;  // empty: implicit, every task known
};
struct ReconcileOperations {
  struct Operation {
    OperationId id;
    AgentId agent;
  };
  std::vector<Operation> operations;
};
struct Message {
  AgentId agent;
  ExecutorId executor;
  Blob data;
};
struct Request {};
struct UpdateFramework {
  Piece<FrameworkInfo> framework;
  std::vector<std::string> suppressed_roles;
  std::map<std::string, OfferConstraints> offer_constraints = {};  // by role
  std::string offer_constraints_error = {};  // why they could not be read; empty if they could
};

}  // namespace call

using SchedulerCallBody =
    std::variant<call::Subscribe, call::Teardown, call::Accept, call::Decline,
                 call::AcceptInverseOffers, call::DeclineInverseOffers, call::Revive,
                 call::Suppress, call::Kill, call::Shutdown, call::Acknowledge,
                 call::AcknowledgeOperationStatus, call::Reconcile, call::ReconcileOperations,
                 call::Message, call::Request, call::UpdateFramework>;

struct SchedulerCall {
  FrameworkId framework;  // empty in a first SUBSCRIBE
  SchedulerCallBody body;
};

// "ACCEPT": for logs and metrics.
std::string_view name_of(const SchedulerCallBody& body);

// --- events

namespace event {

struct Subscribed {
  FrameworkId framework;
  Duration heartbeat_interval;
  MasterInfo master;
};
struct Offers {
  std::vector<Offer> offers;
  // MULTI_ROLE frameworks get allocation_info, the others do not.
  bool with_allocation_info = false;
  // The framework understands stacked reservations (RESERVATION_REFINEMENT).
  bool with_reservation_refinement = false;
};
struct Rescind {
  OfferId offer;
};
struct InverseOffers {
  std::vector<InverseOffer> offers;
  bool with_reservation_refinement = false;  // as in Offers
};
struct RescindInverseOffer {
  OfferId offer;
};
struct Update {
  Piece<TaskStatus> status;
};
// Of an operation that was refused, or that a scheduler asked about; without a uuid, so never
// acknowledged.
struct UpdateOperationStatus {
  OperationId operation;
  std::string message;
  AgentId agent;
  bool unknown =
      false;  // OPERATION_UNKNOWN: the answer to RECONCILE_OPERATIONS; else OPERATION_ERROR
};
struct Message {
  AgentId agent;
  ExecutorId executor;
  Blob data;
};
struct Failure {
  AgentId agent;
  ExecutorId executor;  // empty: the whole agent is lost
  std::optional<int32_t> status;
};
struct Error {
  std::string message;
};
struct Heartbeat {};

}  // namespace event

using SchedulerEvent =
    std::variant<event::Subscribed, event::Offers, event::Rescind, event::InverseOffers,
                 event::RescindInverseOffer, event::Update, event::UpdateOperationStatus,
                 event::Message, event::Failure, event::Error, event::Heartbeat>;

std::string_view name_of(const SchedulerEvent& event);

// An answer to a call, before or instead of a stream. The body is text for a person; empty: none.
struct HttpAnswer {
  int status = 202;
  std::string body;
};

}  // namespace souk::protocol
