#include "model/quota.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/text.h"

namespace souk {
namespace {

Result<void> validate_names(const Quantities& amounts, std::string_view what) {
  if (amounts.size() > kMaxQuotaNames) {
    return fail("{} names {} resources, at most {} are allowed", what, amounts.size(),
                kMaxQuotaNames);
  }
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    const std::string& name = amounts[i].first;
    if (name.empty() || name.size() > kMaxQuotaNameBytes ||
        std::any_of(name.begin(), name.end(), is_control)) {
      return fail("{} has {}, which is no name of a resource", what, quote(name));
    }
    if (name == kPorts) {
      return fail("{} has 'ports': only scalars such as cpus and mem have a quota", what);
    }
    if (i > 0 && amounts[i - 1].first == name) return fail("{} names {} twice", what, quote(name));
  }
  return {};
}

Result<Scalar> parse_amount(std::string_view text, std::string_view entry) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || at != end) {
    return fail("{}: {} is not an amount, as in cpus:10", quote(entry), quote(text));
  }
  auto amount = quota_amount(number);
  if (!amount) return fail("{}: {}", quote(entry), amount.error().message);
  return amount;
}

}  // namespace

Result<Scalar> quota_amount(double amount) {
  if (!std::isfinite(amount)) return fail("an amount must be a finite number");
  if (amount < 0) return fail("an amount must not be negative ({})", amount);
  // Compared before it is converted: what is out of range has no int64.
  if (amount > static_cast<double>(kMaxQuotaAmount) / 1000) {
    return fail("an amount must not be above {} ({})", kMaxQuotaAmount / 1000, amount);
  }
  return Scalar{std::llround(amount * 1000)};
}

Result<Quantities> parse_quota_amounts(std::string_view text) {
  Quantities amounts;
  for (std::string_view entry : split(text, ';')) {
    entry = trim(entry);
    if (entry.empty()) continue;
    const std::size_t colon = entry.find(':');
    if (colon == std::string_view::npos) {
      return fail("{} is not an amount: write name:amount, as in cpus:10", quote(entry));
    }
    auto amount = parse_amount(trim(entry.substr(colon + 1)), entry);
    if (!amount) return std::unexpected(std::move(amount.error()));
    amounts.emplace_back(trim(entry.substr(0, colon)), *amount);
  }
  std::sort(amounts.begin(), amounts.end());
  if (auto valid = validate_names(amounts, "the list"); !valid) {
    return std::unexpected(std::move(valid.error()));
  }
  return amounts;
}

std::string amount_text(Scalar amount) {
  std::string text = fmt::format("{}", amount.thousandths / 1000);
  const int64_t rest = amount.thousandths % 1000;
  if (rest == 0) return text;
  text += fmt::format(".{:03}", rest);
  while (text.back() == '0') text.pop_back();
  return text;
}

std::string to_string(const Quantities& amounts) {
  std::string text;
  for (const auto& [name, amount] : amounts) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : ";", name, amount_text(amount));
  }
  return text;
}

const Scalar* find_amount(const Quantities& amounts, std::string_view name) {
  const auto at = std::lower_bound(
      amounts.begin(), amounts.end(), name,
      [](const auto& entry, std::string_view wanted) { return entry.first < wanted; });
  return at == amounts.end() || at->first != name ? nullptr : &at->second;
}

Scalar amount_of(const Quantities& amounts, std::string_view name) {
  const Scalar* found = find_amount(amounts, name);
  return found == nullptr ? Scalar{} : *found;
}

Result<void> validate_quota(const Quota& quota) {
  if (auto valid = validate_names(quota.guarantees, "the guarantee"); !valid) return valid;
  if (auto valid = validate_names(quota.limits, "the limit"); !valid) return valid;
  for (const auto& [name, guarantee] : quota.guarantees) {
    const Scalar* limit = find_amount(quota.limits, name);
    if (limit != nullptr && guarantee > *limit) {
      return fail("the guarantee of {} of {} is above the limit of {}", amount_text(guarantee),
                  name, amount_text(*limit));
    }
  }
  return {};
}

}  // namespace souk
