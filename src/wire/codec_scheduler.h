// The scheduler API between bytes and plain structs. Pure functions, safe from any thread; the
// bytes of a call may be anything, their size is for the caller to bound.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/scheduler_api.h"
#include "wire/content_type.h"

namespace souk::wire {

// The master's side. An error is the answer to send: 400 with a text for what is malformed, 501 for
// the type UNKNOWN. Ids are taken as they come; what is wrong inside of a task, its resources say,
// becomes part of its TaskSpec, since the call as a whole is sound.
std::expected<protocol::SchedulerCall, protocol::HttpAnswer> decode_scheduler_call(
    std::string_view body, ContentType type);

// Appends the bytes of one event: a record's content, without its framing.
void append_scheduler_event(std::string& out, const protocol::SchedulerEvent& event,
                            ContentType type);

// The scheduler's side, for the SDK.
std::string encode_scheduler_call(const protocol::SchedulerCall& call, ContentType type);

// Nothing: an event of a type that this version does not know or care for; skip it.
Result<std::optional<protocol::SchedulerEvent>> decode_scheduler_event(std::string_view record,
                                                                       ContentType type);

}  // namespace souk::wire
