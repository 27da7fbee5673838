// A map from dense keys: numbers that are given out one after the other and not given again.
// Finding costs two steps, whatever the size; walking goes in the order of keys. References to
// values stay good until they are erased. Empty pages are given back, so that a long life costs
// little.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"

namespace souk {

// `Key` is a Strong number.
template <class Key, class Value>
class KeyMap {
 public:
  using value_type = std::pair<const Key, Value>;

  template <bool is_const>
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = KeyMap::value_type;
    using difference_type = std::ptrdiff_t;
    using reference = std::conditional_t<is_const, const value_type&, value_type&>;
    using pointer = std::conditional_t<is_const, const value_type*, value_type*>;

    Iterator() = default;
    reference operator*() const { return *map_->slot(index_); }
    pointer operator->() const { return map_->slot(index_).get(); }
    Iterator& operator++() {
      index_ = map_->next_used(index_ + 1);
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    friend class KeyMap;
    using Map = std::conditional_t<is_const, const KeyMap, KeyMap>;
    Iterator(Map* map, std::size_t index) : map_(map), index_(index) {}
    Map* map_ = nullptr;
    std::size_t index_ = 0;
  };
  using iterator = Iterator<false>;
  using const_iterator = Iterator<true>;

  iterator begin() { return {this, next_used(0)}; }
  iterator end() { return {this, end_index()}; }
  const_iterator begin() const { return {this, next_used(0)}; }
  const_iterator end() const { return {this, end_index()}; }

  iterator find(Key key) { return {this, used(key.value) ? key.value : end_index()}; }
  const_iterator find(Key key) const { return {this, used(key.value) ? key.value : end_index()}; }
  bool contains(Key key) const { return used(key.value); }
  // REQUIRES contains(key).
  Value& at(Key key) { return const_cast<Value&>(std::as_const(*this).at(key)); }
  const Value& at(Key key) const {
    SOUK_CHECK(used(key.value), "no such key");
    return slot(key.value)->second;
  }
  // Made by default if it is not there.
  Value& operator[](Key key) {
    const std::size_t page = key.value / kPage;
    if (page >= pages_.size()) pages_.resize(page + 1);
    if (pages_[page] == nullptr) pages_[page] = std::make_unique<Page>();
    auto& place = slot(key.value);
    if (place == nullptr) {
      place.reset(
          new value_type(std::piecewise_construct, std::forward_as_tuple(key), std::tuple()));
      ++pages_[page]->used;
      ++size_;
    }
    return place->second;
  }
  void erase(Key key) {
    if (!used(key.value)) return;
    slot(key.value).reset();
    --size_;
    auto& page = pages_[key.value / kPage];
    if (--page->used == 0) page.reset();
  }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  static constexpr std::size_t kPage = 256;
  struct Page {
    std::array<std::unique_ptr<value_type>, kPage> slots;
    std::size_t used = 0;
  };

  std::size_t end_index() const { return pages_.size() * kPage; }
  std::unique_ptr<value_type>& slot(std::size_t index) {
    return pages_[index / kPage]->slots[index % kPage];
  }
  const std::unique_ptr<value_type>& slot(std::size_t index) const {
    return pages_[index / kPage]->slots[index % kPage];
  }
  bool used(std::size_t index) const {
    return index < end_index() && pages_[index / kPage] != nullptr && slot(index) != nullptr;
  }
  std::size_t next_used(std::size_t index) const {
    while (index < end_index()) {
      if (pages_[index / kPage] == nullptr) {
        index = (index / kPage + 1) * kPage;
      } else if (slot(index) == nullptr) {
        ++index;
      } else {
        return index;
      }
    }
    return end_index();
  }

  std::vector<std::unique_ptr<Page>> pages_;
  std::size_t size_ = 0;
};

}  // namespace souk
