// The executor API between bytes and plain structs. Pure functions, safe from any thread; the bytes
// of a call may be anything, their size is for the caller to bound.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/executor_api.h"
#include "protocol/scheduler_api.h"
#include "wire/content_type.h"

namespace souk::wire {

// The agent's side. An error is the answer to send: 400 with a text, 501 for the type UNKNOWN. A
// SUBSCRIBE without its sub-message counts as an empty one: executors in use send that. Whether an
// update may be taken (uuid, source, state) is for the agent to say.
std::expected<protocol::ExecutorCall, protocol::HttpAnswer> decode_executor_call(
    std::string_view body, ContentType type);

// Appends the bytes of one event: a record's content, without its framing.
void append_executor_event(std::string& out, const protocol::ExecutorEvent& event,
                           ContentType type);

// The executor's side.
std::string encode_executor_call(const protocol::ExecutorCall& call, ContentType type);

// Nothing: an event of a type that this version does not know; skip it.
Result<std::optional<protocol::ExecutorEvent>> decode_executor_event(std::string_view record,
                                                                     ContentType type);

}  // namespace souk::wire
