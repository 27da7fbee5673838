#include "wire/master_info_json.h"

#include <cstdint>
#include <limits>

#include "wire/codec_model.h"
#include "wire/document_parts.h"
#include "wire/json.h"
#include "wire/json_writer.h"

namespace souk::wire {

std::string render_master_info(const MasterInfo& master) {
  std::string text;
  JsonWriter out(text);
  out.begin_object();
  out.key("address");
  out.begin_object();
  out.field("hostname", master.hostname);
  out.field("ip", master.ip);
  out.field("port", master.port);
  out.end_object();
  out.key("capabilities");
  out.begin_array();
  out.end_array();
  write_domain_field(out, master.domain);
  out.field("hostname", master.hostname);
  out.field("id", master.id);
  out.field("ip", encode_ipv4(master.ip));
  out.field("pid", fmt::format("master@{}:{}", master.ip, master.port));
  out.field("port", master.port);
  out.field("version", kMesosVersion);
  out.end_object();
  return text;
}

Result<MasterInfo> parse_master_info(std::string_view json) {
  pb::MasterInfo message;
  if (auto parsed = from_json(json, message); !parsed) return std::unexpected(parsed.error());
  const auto& address = message.address();
  MasterInfo master = decode_master(message);
  if (master.hostname.empty()) master.hostname = address.hostname();
  if (master.ip.empty() && message.ip() != 0) master.ip = decode_ipv4(message.ip());
  if (master.id.empty()) return fail("the master has no id");
  if (master.ip.empty()) return fail("the master has no ip");
  const int64_t port = address.port() != 0 ? int64_t{address.port()} : int64_t{message.port()};
  if (port < 1 || port > std::numeric_limits<uint16_t>::max()) {
    return fail("the master's port is {}, which is none", port);
  }
  master.port = static_cast<uint16_t>(port);
  return master;
}

}  // namespace souk::wire
