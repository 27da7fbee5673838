#include "wire/master_info_json.h"

#include <gtest/gtest.h>

#include "wire/codec_model.h"

namespace souk::wire {
namespace {

const MasterInfo kMaster{"M", "m1", "10.0.0.1", 5050};

TEST(MasterInfoJson, IsWhatClientsOfMesosRead) {
  EXPECT_EQ(render_master_info(kMaster),
            R"({"address":{"hostname":"m1","ip":"10.0.0.1","port":5050},"capabilities":[],)"
            R"("hostname":"m1","id":"M","ip":16777226,"pid":"master@10.0.0.1:5050","port":5050,)"
            R"("version":"1.11.0"})");
}

TEST(MasterInfoJson, TellsItsDomainIfItHasOne) {
  MasterInfo master = kMaster;
  master.domain = {"eu", "eu-1"};
  const std::string json = render_master_info(master);
  EXPECT_NE(
      json.find(
          R"("domain":{"fault_domain":{"region":{"name":"eu"},"zone":{"name":"eu-1"}}},"hostname")"),
      std::string::npos)
      << json;
  EXPECT_EQ(parse_master_info(json), master);
}

TEST(MasterInfoJson, ReadsWhatItWrote) {
  for (const MasterInfo& master :
       {kMaster, MasterInfo{"1-2", "a \"host\" \xc3\xa4", "255.254.3.1", 65535},
        MasterInfo{"M", "", "::1", 1}}) {
    EXPECT_EQ(parse_master_info(render_master_info(master)), master);
  }
}

TEST(MasterInfoJson, ReadsWhatAMasterOfMesosWrote) {
  const auto master = parse_master_info(
      R"({"address":{"hostname":"m1","ip":"10.0.0.1","port":5050},)"
      R"("capabilities":[{"type":"AGENT_UPDATE"},{"type":"AGENT_DRAINING"},{"type":"NEW_ONE"}],)"
      R"("hostname":"m1","id":"M","ip":16777226,"pid":"master@10.0.0.1:5050","port":5050,)"
      R"("version":"1.11.0","something":{"new":[1]}})");
  EXPECT_EQ(master, kMaster);
}

TEST(MasterInfoJson, ReadsOlderOnesWithoutAnAddress) {
  EXPECT_EQ(parse_master_info(R"({"hostname":"m1","id":"M","ip":16777226,"port":5050})"), kMaster);
  EXPECT_EQ(parse_master_info(R"({"hostname":"m1","id":"M","ip":"16777226","port":"5050"})"),
            kMaster);
  EXPECT_EQ(parse_master_info(R"({"id":"M","ip":1,"port":7,"address":null})"),
            (MasterInfo{"M", "", "1.0.0.0", 7}));
}

TEST(MasterInfoJson, TheAddressCounts) {
  EXPECT_EQ(
      parse_master_info(
          R"({"id":"M","ip":1,"port":7,"address":{"ip":"10.0.0.1","port":5050,"hostname":"m1"}})"),
      kMaster);
}

TEST(MasterInfoJson, AnAddressOfNoUseIsAnError) {
  for (const char* bad :
       {"", "{}", "[]", "M", R"({"id":"","ip":1,"port":7})", R"({"id":"M","ip":0,"port":7})",
        R"({"id":"M","ip":1,"port":0})", R"({"id":"M","ip":1,"port":65536})",
        R"({"id":"M","ip":1,"port":7,"address":{"ip":"10.0.0.1","port":-1}})",
        R"({"ip":1,"port":7})", R"({"id":"M","port":7})"}) {
    EXPECT_FALSE(parse_master_info(bad)) << bad;
  }
}

TEST(MasterInfoJson, NumbersOfAddressesAreReadBack) {
  EXPECT_EQ(decode_ipv4(16777226), "10.0.0.1");
  for (const char* ip : {"0.0.0.0", "127.0.0.1", "255.255.255.255", "1.2.3.200"}) {
    EXPECT_EQ(decode_ipv4(encode_ipv4(ip)), ip);
  }
}

}  // namespace
}  // namespace souk::wire
