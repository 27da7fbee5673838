// A queue for machines of which there are very many: 32 bytes, and no memory while it is empty,
// where a std::deque takes 600 bytes. Elements may also be looked at and taken out in the middle.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace souk {

template <class T>
class Fifo {
 public:
  using iterator = typename std::vector<T>::iterator;
  using const_iterator = typename std::vector<T>::const_iterator;

  bool empty() const { return size() == 0; }
  std::size_t size() const { return items_.size() - taken_; }
  T& front() { return items_[taken_]; }
  const T& front() const { return items_[taken_]; }
  T& operator[](std::size_t index) { return items_[taken_ + index]; }
  const T& operator[](std::size_t index) const { return items_[taken_ + index]; }

  // Good until something is put in or taken out.
  iterator begin() { return items_.begin() + static_cast<std::ptrdiff_t>(taken_); }
  iterator end() { return items_.end(); }
  const_iterator begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(taken_); }
  const_iterator end() const { return items_.end(); }

  void push_back(T item) { items_.push_back(std::move(item)); }
  template <class... Args>
  T& emplace_back(Args&&... args) {
    return items_.emplace_back(std::forward<Args>(args)...);
  }

  // REQUIRES that it is not empty. What was taken is destroyed a little later: when as many have
  // been taken as are left.
  void pop_front() {
    if (++taken_ == items_.size()) return clear();
    if (2 * taken_ < items_.size()) return;
    items_.erase(items_.begin(), begin());
    taken_ = 0;
  }

  void clear() {
    items_ = std::vector<T>();
    taken_ = 0;
  }

  template <class Predicate>
  friend std::size_t erase_if(Fifo& fifo, Predicate unwanted) {
    const auto rest = std::remove_if(fifo.begin(), fifo.end(), unwanted);
    const auto count = static_cast<std::size_t>(fifo.end() - rest);
    fifo.items_.erase(rest, fifo.end());
    if (fifo.empty()) fifo.clear();
    return count;
  }

 private:
  std::vector<T> items_;
  std::size_t taken_ = 0;  // from its front, and not yet destroyed
};

}  // namespace souk
