// The operator API between bytes and plain structs. Calls that change something become structs for
// the master's machine; calls that ask are answered here from a snapshot. Pure functions, safe from
// any thread; the bytes of a call may be anything, their size is for the caller to bound.
//
// A further call is a row in one of the tables of codec_operator.cc.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/master_view.h"
#include "protocol/operator_api.h"
#include "protocol/scheduler_api.h"
#include "wire/content_type.h"
#include "wire/documents.h"

namespace souk::wire {

// A call that asks; the number of its Call.Type.
struct OperatorQuestion {
  int type = 0;
  bool operator==(const OperatorQuestion&) const = default;
};

// A call that opens a stream of events (codec_operator_events.h).
struct OperatorSubscribe {};

using DecodedOperatorCall =
    std::variant<OperatorQuestion, OperatorSubscribe, protocol::OperatorCall>;

// An error is the answer to send: 400 with a text for what is malformed, 501 for what is not built,
// by its name. Roles and how quotas relate are for the master to check.
std::expected<DecodedOperatorCall, protocol::HttpAnswer> decode_operator_call(std::string_view body,
                                                                              ContentType type);

struct OperatorContext {
  const protocol::MasterView& view;
  const DocumentContext& document;
  const SystemFacts& system;
};
// Whether the answer is large, and the same for all who ask of one view.
bool is_shared(OperatorQuestion question);
// REQUIRES a question that decode_operator_call() gave.
std::string answer_operator_question(OperatorQuestion question, const OperatorContext& context,
                                     ContentType type);

// --- the endpoints from before the API: /weights and /quota, JSON only

std::string render_weights(const protocol::MasterView& view);
std::string render_quota(const protocol::MasterView& view);

using DecodedChange = std::expected<protocol::OperatorCall, protocol::HttpAnswer>;
// The body of PUT /weights: [{"role":"eng","weight":2.0}].
DecodedChange decode_weights(std::string_view body);
// The body of POST /quota: {"role":"eng","guarantee":[...],"force":false}.
DecodedChange decode_quota_request(std::string_view body);

}  // namespace souk::wire
