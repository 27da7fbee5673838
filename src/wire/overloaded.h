// For std::visit with one lambda for each alternative.
#pragma once

namespace souk::wire {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

}  // namespace souk::wire
