// Protobuf messages as JSON in the dialect of the Mesos HTTP APIs, by reflection. It differs from
// protobuf's own JSON mapping: names as in the .proto, 64-bit integers as numbers, explicit
// defaults printed. Pure functions; the generated descriptors they read are immutable.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace google::protobuf {
class Message;
}

namespace souk::wire {

// Output: fields in the order of the .proto; unset ones are left out, unless they have an explicit
// default and are not deprecated (clients rely on `checkpoint:false` and the like). Maps are
// objects, sorted by key; bytes are base64; an enum number without a name stays a number.
void append_json(std::string& out, const google::protobuf::Message& message);
std::string to_json(const google::protobuf::Message& message);

// Input, replacing what `message` held. Lenient where clients are sloppy: unknown fields and
// unknown enum names are ignored (the name not if the field is required), null leaves a field
// unset, a single value will do for a repeated field, numbers and booleans may come as strings. Of
// a key given twice the last value counts. The size of `text` is for the caller to bound, the
// nesting is bounded by kMaxJsonDepth. An error names the place:
// "accept.operations[0].launch: expected an object, not a number".
// On error `message` is left valid but unspecified.
Result<void> from_json(std::string_view text, google::protobuf::Message& message);

}  // namespace souk::wire
