// The two encodings of the v1 APIs.
#pragma once

#include <cstdint>
#include <string_view>

namespace souk::wire {

enum class ContentType : uint8_t { kJson, kProtobuf };

// As it stands in Content-Type and Accept: no parameters, ever.
constexpr std::string_view mime_type(ContentType type) {
  return type == ContentType::kJson ? "application/json" : "application/x-protobuf";
}

}  // namespace souk::wire
