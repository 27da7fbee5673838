#include "base/digest.h"

#include <fmt/format.h>

namespace souk {

std::string Digest::hex() const { return fmt::format("{:016x}", value()); }

}  // namespace souk
