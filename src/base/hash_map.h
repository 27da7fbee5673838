// The project's hash tables. Their order is not deterministic: never let it reach an effect.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

namespace souk {

template <class Key, class Value>
using HashMap = boost::unordered_flat_map<Key, Value>;

template <class Key>
using HashSet = boost::unordered_flat_set<Key>;

}  // namespace souk
