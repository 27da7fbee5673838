// The version of Souk itself, as shown to people and other parts of Souk. Clients of the Mesos APIs
// see kMesosVersion of wire/ instead.
#pragma once

#include <string_view>

namespace souk {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace souk
