// Bodies of POST /api/v1, PUT /weights and POST /quota. What they ask for must be within its
// bounds, whatever was sent.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "wire/codec_operator.h"

namespace {

using namespace souk;
namespace call = protocol::operator_call;

void expect(bool condition) {
  if (!condition) std::abort();
}

void check(const Quantities& amounts) {
  expect(std::is_sorted(amounts.begin(), amounts.end()));
  for (const auto& [name, amount] : amounts) {
    expect(amount.thousandths >= 0 && amount.thousandths <= kMaxQuotaAmount);
  }
}

void check(const call::UpdateWeights& asked) {
  for (const auto& [role, weight] : asked.weights) {
    expect(weight.thousandths > 0 && weight.thousandths <= kMaxScalar);
  }
}
void check(const call::UpdateQuota& asked) {
  for (const auto& [role, quota] : asked.quotas) {
    check(quota.guarantees);
    check(quota.limits);
  }
}
void check(const call::SetQuota& asked) { check(asked.guarantee); }
void check(const call::RemoveQuota&) {}

template <class Decoded>
bool sound(const Decoded& decoded) {
  expect(decoded || (decoded.error().status >= 400 && !decoded.error().body.empty()));
  return decoded.has_value();
}

void check(const protocol::OperatorCall& asked) {
  std::visit([](const auto& one) { check(one); }, asked);
}

void answer(wire::OperatorQuestion question, wire::ContentType type) {
  static const std::vector<std::pair<std::string, std::string>> kFlags{{"port", "5050"}};
  static const protocol::MasterView kView;
  const wire::DocumentContext document{kFlags, {}};
  expect(!wire::answer_operator_question(question, {kView, document, {}}, type).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const wire::ContentType type : {wire::ContentType::kJson, wire::ContentType::kProtobuf}) {
    const auto decoded = wire::decode_operator_call(bytes, type);
    if (!sound(decoded)) continue;
    if (const auto* question = std::get_if<wire::OperatorQuestion>(&*decoded)) {
      answer(*question, type);
    } else if (!std::holds_alternative<wire::OperatorSubscribe>(*decoded)) {
      check(std::get<protocol::OperatorCall>(*decoded));
    }
  }
  if (const auto weights = wire::decode_weights(bytes); sound(weights)) check(*weights);
  if (const auto quota = wire::decode_quota_request(bytes); sound(quota)) check(*quota);
  return 0;
}
