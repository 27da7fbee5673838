// Texts of --resources, --min_allocatable_resources and --attributes: each is read or refused; what
// is read is within its bounds and reads back from its own text; any two bags obey the algebra.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "model/resources.h"
#include "model/role.h"

namespace {

using souk::Resources;

void try_resources(std::string_view text) {
  const auto read = Resources::parse(text);
  if (!read) {
    SOUK_CHECK(!read.error().message.empty(), "a refusal says why");
    return;
  }
  for (const souk::Resource& item : read->items()) {
    SOUK_CHECK(!item.is_empty(), "no empty items");
    SOUK_CHECK(souk::validate_role(item.reserved_role()).has_value(), "roles are valid");
    SOUK_CHECK(read->scalar(item.name).thousandths <= souk::kMaxScalar, "amounts are bounded");
  }
  SOUK_CHECK(Resources::parse(read->to_string()) == read, "reads back");
}

void try_algebra(std::string_view left, std::string_view right) {
  const auto a = Resources::parse(left);
  const auto b = Resources::parse(right);
  if (!a || !b) return;
  const Resources sum = *a + *b;
  SOUK_CHECK(sum == *b + *a, "commutes");
  SOUK_CHECK(sum.contains(*a) && sum.contains(*b), "contains its parts");
  SOUK_CHECK((sum - *b) + *b == sum, "what is taken away can be given back");
  SOUK_CHECK(a->contains(sum - *b), "no more than the other part is left");
  SOUK_CHECK((sum - sum).empty(), "nothing is left of all");
  if (a->contains(*b)) SOUK_CHECK((*a - *b) + *b == *a, "a part can be put back");
}

void try_alternatives(std::string_view text) {
  const auto read = souk::parse_alternatives(text);
  if (!read) return;
  std::string written;
  for (const souk::Quantities& quantities : *read) {
    if (quantities.empty()) return;  // "cpus:0" asks for nothing, and has no text
    if (!written.empty()) written += '|';
    std::vector<souk::Resource> items;
    for (const auto& [name, amount] : quantities) items.push_back({.name = name, .value = amount});
    written += Resources(items).to_string();
  }
  SOUK_CHECK(souk::parse_alternatives(written) == read, "alternatives read back");
}

void try_attributes(std::string_view text) {
  const auto read = souk::parse_attributes(text);
  if (!read) return;
  std::string written;
  for (const souk::Attribute& attribute : *read) written += to_string(attribute) + ';';
  SOUK_CHECK(souk::parse_attributes(written) == read, "attributes read back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_resources(text);
  try_algebra(text.substr(0, size / 2), text.substr(size / 2));
  // An exclamation mark, which no name needs, lets the fuzzer place the cut itself.
  const std::size_t cut = text.find('!');
  if (cut != std::string_view::npos) try_algebra(text.substr(0, cut), text.substr(cut + 1));
  try_alternatives(text);
  try_attributes(text);
  return 0;
}
