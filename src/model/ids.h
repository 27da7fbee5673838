// The names of things. Text ids travel on the wire and become folder names; keys are small numbers
// that live inside one process only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/strong.h"

namespace souk {

using FrameworkId = Strong<struct FrameworkIdTag, std::string>;
using AgentId = Strong<struct AgentIdTag, std::string>;
using TaskId = Strong<struct TaskIdTag, std::string>;
using ExecutorId = Strong<struct ExecutorIdTag, std::string>;
using OfferId = Strong<struct OfferIdTag, std::string>;
using OperationId = Strong<struct OperationIdTag, std::string>;
using ContainerId = Strong<struct ContainerIdTag, std::string>;

// Dense keys that a master gives to its agents and frameworks: what the allocator works with. Never
// reused within a master's life.
using AgentKey = Strong<struct AgentKeyTag, uint32_t>;
using FrameworkKey = Strong<struct FrameworkKeyTag, uint32_t>;

// A connection or a pending request, as the runtime numbers them; never reused within a process.
using ConnectionId = Strong<struct ConnectionIdTag, uint64_t>;

// Ids come from outside and become folders: 1-255 bytes, no control characters, no / or \, not "."
// or "..".
Result<void> validate_id(std::string_view id);

}  // namespace souk

template <class Tag>
struct fmt::formatter<souk::Strong<Tag, std::string>> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const souk::Strong<Tag, std::string>& id, Context& context) const {
    return fmt::formatter<std::string_view>::format(id.value, context);
  }
};
