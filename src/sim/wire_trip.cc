#include "sim/wire_trip.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "wire/codec_link.h"
#include "wire/codec_scheduler.h"

namespace souk::sim {
namespace {

constexpr auto kType = wire::ContentType::kProtobuf;

void trip(protocol::AgentMessage& message) {
  std::string bytes;
  SOUK_CHECK(wire::append_link_frame(bytes, message).has_value(), "it fits a frame");
  auto read = wire::decode_agent_message(std::string_view(bytes).substr(wire::kLinkHeaderBytes));
  SOUK_CHECK(read.has_value() && read->has_value(), "what was written can be read");
  message = std::move(**read);
}

void trip(protocol::MasterFrame& frame) {
  std::string bytes;
  SOUK_CHECK(wire::append_link_frame(bytes, frame).has_value(), "it fits a frame");
  auto read = wire::decode_master_frame(std::string_view(bytes).substr(wire::kLinkHeaderBytes));
  SOUK_CHECK(read.has_value() && read->has_value(), "what was written can be read");
  frame = std::move(**read);
}

void trip(Request& request) {
  auto read = wire::decode_scheduler_call(wire::encode_scheduler_call(request.call, kType), kType);
  SOUK_CHECK(read.has_value(), "what was written can be read");
  request.call = std::move(*read);
}

void trip(protocol::SchedulerEvent& event) {
  std::string bytes;
  wire::append_scheduler_event(bytes, event, kType);
  auto read = wire::decode_scheduler_event(bytes, kType);
  SOUK_CHECK(read.has_value() && read->has_value(), "what was written can be read");
  event = std::move(**read);
}

}  // namespace

void pass_through_wire(Message& message) {
  std::visit(
      [](auto& one) {
        if constexpr (requires { trip(one); }) trip(one);
      },
      message);
}

}  // namespace souk::sim
