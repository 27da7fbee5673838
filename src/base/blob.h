// Bytes that the manager carries but does not interpret (a serialised TaskInfo, say): immutable and
// shared, so that passing one on costs a counter. Compares by content.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace souk {

class Blob {
 public:
  Blob() = default;
  explicit Blob(std::string bytes)
      : bytes_(bytes.empty() ? nullptr : std::make_shared<const std::string>(std::move(bytes))) {}

  bool empty() const { return bytes_ == nullptr; }
  std::size_t size() const { return bytes_ ? bytes_->size() : 0; }
  std::string_view view() const { return bytes_ ? std::string_view(*bytes_) : std::string_view(); }

  bool operator==(const Blob& other) const {
    return bytes_ == other.bytes_ || view() == other.view();
  }

 private:
  std::shared_ptr<const std::string> bytes_;
};

}  // namespace souk
