// Memory that a flood made a container take, and that nobody needs after it.
#pragma once

#include <cstddef>

namespace souk {

// Empties a vector or a string; it keeps room for no more than `kept` elements. (An assignment
// would keep all of it.)
template <class Container>
void clear_keeping(Container& container, std::size_t kept) {
  container.clear();
  if (container.capacity() > kept) Container().swap(container);
}

// After something was erased from a hash table: gives most of its room back once little of it is
// in use.
template <class Table>
void give_back_room(Table& table) {
  constexpr std::size_t kFew = 1024;
  if (table.bucket_count() > kFew && table.size() < table.bucket_count() / 16) table.rehash(0);
}

}  // namespace souk
