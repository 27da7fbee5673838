// A part of a message or a view that many of them share. Copies may live in different threads.
#pragma once

#include <utility>

#include "base/shared_value.h"

namespace souk::protocol {

// Reads as a `const T&`.
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

 private:
  SharedValue<T> value_;
};

}  // namespace souk::protocol
