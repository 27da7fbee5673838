// What a resource is called. There are many resources, and nearly all have one of five names: those
// take no memory and are compared as numbers. A plain value; reads as a text.
#pragma once

#include <array>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/piece.h"

namespace souk {

class ResourceName {
 public:
  ResourceName() = default;
  template <std::convertible_to<std::string_view> Text>
    requires(!std::same_as<Text, ResourceName>)
  ResourceName(const Text& text) : ResourceName(std::string_view(text), Made()) {}

  // Its number among the usual ones, from 1; 0: it is none of them.
  static constexpr std::size_t kUsual = 5;
  uint8_t usual() const { return known_; }

  const std::string& text() const;
  std::string_view view() const { return known_ == 0 ? *other_ : kKnown[known_ - 1]; }
  operator const std::string&() const { return text(); }
  operator std::string_view() const { return view(); }

  bool operator==(const ResourceName& other) const {
    return known_ == other.known_ && (known_ != 0 || other_ == other.other_);
  }
  bool operator==(std::string_view other) const { return view() == other; }
  bool operator==(const std::string& other) const { return view() == other; }
  // As their texts.
  std::strong_ordering operator<=>(const ResourceName& other) const {
    if (known_ != 0 && other.known_ != 0) return known_ <=> other.known_;
    return view() <=> other.view();
  }

 private:
  struct Made {};
  ResourceName(std::string_view text, Made);

  // In order.
  static constexpr std::array<std::string_view, kUsual> kKnown = {"cpus", "disk", "gpus", "mem",
                                                                  "ports"};

  Piece<std::string> other_;  // if it is none of the known
  uint8_t known_ = 0;         // its number among them, from 1
};

}  // namespace souk
