// Metrics as they are put together. Internal to wire/. Pure.
#pragma once

#include <concepts>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "model/resources.h"
#include "wire/documents.h"

namespace souk::wire {

class MetricList {
 public:
  template <class Number>
    requires std::integral<Number> || std::floating_point<Number>
  void add(std::string name, Number value) {
    metrics_.emplace_back(std::move(name), static_cast<double>(value));
  }
  // What does not exist here.
  void add_zeros(std::string_view prefix, std::span<const std::string_view> names);
  void add_zeros(std::string_view prefix, std::initializer_list<std::string_view> names) {
    add_zeros(prefix, std::span(names.begin(), names.size()));
  }
  // <prefix>cpus_total, cpus_used, cpus_percent, and so on for the four, revocable ones too.
  void add_resources(std::string_view prefix, const Resources& total, const Resources& used);
  // system/...
  void add_system(const SystemFacts& system);

  // Sorted by name.
  Metrics take() &&;

 private:
  Metrics metrics_;
};

}  // namespace souk::wire
