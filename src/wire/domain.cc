#include "wire/domain.h"

#include "mesos/v1/mesos.pb.h"
#include "wire/codec_model.h"
#include "wire/json.h"

namespace souk::wire {

Result<FaultDomain> parse_domain(std::string_view json) {
  ::mesos::v1::DomainInfo message;
  if (auto parsed = from_json(json, message); !parsed) return std::unexpected(parsed.error());
  FaultDomain domain = decode_domain(message);
  if (domain.region.empty() || domain.zone.empty()) {
    return fail(
        "a region and a zone need a name each, as in "
        R"({{"fault_domain":{{"region":{{"name":"eu"}},"zone":{{"name":"eu-1"}}}}}})");
  }
  return domain;
}

}  // namespace souk::wire
