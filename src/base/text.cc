#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace souk {
namespace {

// Longer words are no typing errors; bounds the cost of a comparison.
constexpr std::size_t kMaxWord = 64;
// Shorter words are part of too many others.
constexpr std::size_t kMinPart = 3;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// What the comparison of words sees.
std::string folded(std::string_view word) {
  std::string result = to_lower(word);
  std::replace(result.begin(), result.end(), '-', '_');
  return result;
}

// Insertions, removals, replacements and swaps of neighbours (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, kMaxWord + 1>;
  Row before_last{};
  Row last{};
  Row row{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

bool is_control(char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }

std::string quote(std::string_view text, std::size_t limit) {
  const bool cut = text.size() > limit;
  if (cut) {
    // 10xxxxxx continues a character: do not leave half of one.
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80) --limit;
    text = text.substr(0, limit);
  }
  std::string result = "'";
  result += text;
  std::replace_if(result.begin(), result.end(), is_control, '?');
  result += cut ? "...'" : "'";
  return result;
}

std::optional<std::string_view> nearest_match(std::string_view word,
                                              std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > kMaxWord) return std::nullopt;
  const std::string meant = folded(word);
  std::optional<std::string_view> nearest;
  std::size_t least = 0;
  std::optional<std::string_view> around;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kMaxWord) continue;
    const std::string name = folded(candidate);
    const std::size_t distance = edit_distance(meant, name);
    // One slip in every three letters, and a bit for the short ones.
    const bool near = distance * 3 <= std::max(meant.size(), name.size()) + 1;
    if (near && (!nearest || distance < least)) {
      nearest = candidate;
      least = distance;
    }
    if (!around && meant.size() >= kMinPart && name.find(meant) != std::string::npos) {
      around = candidate;
    }
  }
  return nearest ? nearest : around;
}

std::string human_bytes(uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  constexpr std::array<std::string_view, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    const std::size_t shift = 10 * (i + 1);
    const uint64_t unit = uint64_t{1} << shift;
    // Rounded tenths of the unit; the remainder is below 2^60, so ten times it fits.
    const uint64_t tenths = (bytes >> shift) * 10 + ((bytes % unit) * 10 + unit / 2) / unit;
    // 1023.96 KiB is "1.0 MiB", not "1024.0 KiB".
    if (tenths >= 10240 && i + 1 < kUnits.size()) continue;
    return fmt::format("{}.{} {}", tenths / 10, tenths % 10, kUnits[i]);
  }
  return {};
}

}  // namespace souk
