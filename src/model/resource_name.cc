#include "model/resource_name.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace souk {

ResourceName::ResourceName(std::string_view text, Made) {
  const auto at = std::ranges::find(kKnown, text);
  if (at != kKnown.end()) {
    known_ = static_cast<uint8_t>(at - kKnown.begin() + 1);
  } else if (!text.empty()) {
    other_ = std::string(text);
  }
}

const std::string& ResourceName::text() const {
  static const std::vector<std::string> texts(kKnown.begin(), kKnown.end());
  return known_ == 0 ? *other_ : texts[known_ - 1U];
}

}  // namespace souk
