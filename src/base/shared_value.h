// A value that its copies share until one of them is changed: copying costs a counter. Copies may
// live in different threads; one copy is used by one thread at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace souk {

template <class T>
class SharedValue {
 public:
  // Holds a default T, and no memory.
  SharedValue() = default;
  explicit SharedValue(T value) : cell_(new Cell{{1}, std::move(value)}) {}
  SharedValue(const SharedValue& other) noexcept : cell_(other.cell_) {
    if (cell_ != nullptr) cell_->holders.fetch_add(1, std::memory_order_relaxed);
  }
  SharedValue(SharedValue&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
  SharedValue& operator=(SharedValue other) noexcept {
    std::swap(cell_, other.cell_);
    return *this;
  }
  ~SharedValue() {
    if (cell_ != nullptr && is_last()) delete cell_;  // NOLINT(clang-analyzer-cplusplus.NewDelete)
  }

  const T& get() const { return cell_ == nullptr ? kDefault : cell_->value; }
  // For changing it; what other copies see stays as it is. The reference is good until this copy
  // is next copied or assigned to.
  T& own() {
    // Acquire: what another thread read from its copy, it read before it gave that up.
    const bool alone = cell_ != nullptr && cell_->holders.load(std::memory_order_acquire) == 1;
    if (!alone) *this = SharedValue(get());
    return cell_->value;
  }
  // The very same: then they are equal without a look. Two defaults are.
  bool is_shared_with(const SharedValue& other) const { return cell_ == other.cell_; }

 private:
  struct Cell {
    std::atomic<uint32_t> holders;
    T value;
  };
  bool is_last() const {
    // The only holder needs no bus lock.
    return cell_->holders.load(std::memory_order_acquire) == 1 ||
           cell_->holders.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }

  inline static const T kDefault{};
  Cell* cell_ = nullptr;
};

}  // namespace souk
