// A part of a value that many values share (a message's, a view's, a resource's). Copies may live
// in different threads.
#pragma once

#include <utility>

#include "base/shared_value.h"

namespace souk {

// Reads as a `const T&`. A default one holds a default T, and no memory.
template <class T>
class Piece {
 public:
  Piece() = default;
  Piece(T value) : value_(std::move(value)) {}

  const T& operator*() const { return value_.get(); }
  const T* operator->() const { return &value_.get(); }
  operator const T&() const { return value_.get(); }
  // For changing it; others keep what they have.
  T& own() { return value_.own(); }

  // The very same: then they are equal without a look.
  bool is_shared_with(const Piece& other) const { return value_.is_shared_with(other.value_); }
  bool operator==(const T& other) const { return **this == other; }
  bool operator==(const Piece& other) const { return is_shared_with(other) || **this == *other; }

 private:
  SharedValue<T> value_;
};

}  // namespace souk
