#include "protocol/scheduler_api.h"

#include <array>

namespace souk::protocol {
namespace {

// In the order of the variants' alternatives.
constexpr std::array<std::string_view, std::variant_size_v<SchedulerCallBody>> kCallNames = {
    "SUBSCRIBE",
    "TEARDOWN",
    "ACCEPT",
    "DECLINE",
    "ACCEPT_INVERSE_OFFERS",
    "DECLINE_INVERSE_OFFERS",
    "REVIVE",
    "SUPPRESS",
    "KILL",
    "SHUTDOWN",
    "ACKNOWLEDGE",
    "ACKNOWLEDGE_OPERATION_STATUS",
    "RECONCILE",
    "RECONCILE_OPERATIONS",
    "MESSAGE",
    "REQUEST",
    "UPDATE_FRAMEWORK",
};

constexpr std::array<std::string_view, std::variant_size_v<SchedulerEvent>> kEventNames = {
    "SUBSCRIBED",
    "OFFERS",
    "RESCIND",
    "INVERSE_OFFERS",
    "RESCIND_INVERSE_OFFER",
    "UPDATE",
    "UPDATE_OPERATION_STATUS",
    "MESSAGE",
    "FAILURE",
    "ERROR",
    "HEARTBEAT",
};

}  // namespace

std::string_view name_of(const SchedulerCallBody& body) { return kCallNames[body.index()]; }
std::string_view name_of(const SchedulerEvent& event) { return kEventNames[event.index()]; }

}  // namespace souk::protocol
