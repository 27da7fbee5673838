// Bodies of POST /api/v1/scheduler, and what a scheduler reads from its stream. What decodes must
// survive being encoded again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/codec_scheduler.h"
#include "wire/command.h"

namespace {

using namespace souk;
using wire::ContentType;

void decode_call(std::string_view body, ContentType type) {
  const auto call = wire::decode_scheduler_call(body, type);
  if (!call) {
    if (call.error().status < 400 || call.error().body.empty()) std::abort();
    return;
  }
  const std::string bytes = wire::encode_scheduler_call(*call, ContentType::kProtobuf);
  const auto again = wire::decode_scheduler_call(bytes, ContentType::kProtobuf);
  if (!again || again->body.index() != call->body.index()) std::abort();
  const auto* accept = std::get_if<protocol::call::Accept>(&call->body);
  if (accept == nullptr) return;
  for (const auto& operation : accept->operations) {
    const auto* launch = std::get_if<protocol::Launch>(&operation.body);
    if (launch == nullptr) continue;
    for (const TaskSpec& task : launch->tasks) {
      const auto command = wire::task_command(task.raw);
      if (command && command->value.empty() && command->arguments.empty()) std::abort();
    }
  }
}

void decode_event(std::string_view record, ContentType type) {
  const auto event = wire::decode_scheduler_event(record, type);
  if (!event || !*event) return;
  std::string bytes;
  wire::append_scheduler_event(bytes, **event, ContentType::kProtobuf);
  const auto again = wire::decode_scheduler_event(bytes, ContentType::kProtobuf);
  if (!again || !*again) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const ContentType type : {ContentType::kJson, ContentType::kProtobuf}) {
    decode_call(bytes, type);
    decode_event(bytes, type);
  }
  return 0;
}
