// Bytes that the manager carries but does not interpret (a serialised TaskInfo, say): immutable and
// shared, so that passing one on costs a counter. Takes one pointer, and one piece of memory for
// all who share it. Compares by content. Copies may live in different threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace souk {

class Blob {
 public:
  Blob() = default;
  explicit Blob(std::string_view bytes);
  Blob(const Blob& other) noexcept : cell_(other.cell_) {
    if (cell_ != nullptr) cell_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  Blob(Blob&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
  Blob& operator=(Blob other) noexcept {
    std::swap(cell_, other.cell_);
    return *this;
  }
  ~Blob() {
    if (cell_ != nullptr && is_last()) ::operator delete(cell_);
  }

  bool empty() const { return cell_ == nullptr; }
  std::size_t size() const { return cell_ == nullptr ? 0 : cell_->size; }
  std::string_view view() const {
    return cell_ == nullptr ? std::string_view() : std::string_view(bytes_of(cell_), cell_->size);
  }

  bool operator==(const Blob& other) const {
    return cell_ == other.cell_ || view() == other.view();
  }

 private:
  // The bytes come after it.
  struct Cell {
    std::atomic<uint32_t> holders;
    uint32_t size;
  };
  static char* bytes_of(Cell* cell) { return reinterpret_cast<char*>(cell + 1); }
  bool is_last() const {
    // The only holder needs no bus lock.
    return cell_->holders.load(std::memory_order_acquire) == 1 ||
           cell_->holders.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  Cell* cell_ = nullptr;
};

inline Blob::Blob(std::string_view bytes) {
  if (bytes.empty()) return;
  SOUK_CHECK(bytes.size() <= UINT32_MAX, "no message is as large as that");
  const auto size = static_cast<uint32_t>(bytes.size());
  cell_ = new (::operator new(sizeof(Cell) + size)) Cell{{1}, size};
  std::memcpy(bytes_of(cell_), bytes.data(), bytes.size());
}

}  // namespace souk
