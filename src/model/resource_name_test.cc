#include "model/resource_name.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "model/resources.h"

namespace souk {
namespace {

const std::vector<std::string> kTexts = {"",
                                         "CPUS",
                                         "a",
                                         "cpu",
                                         "cpus",
                                         "cpus2",
                                         "disk",
                                         "e",
                                         "fpgas",
                                         "gpus",
                                         "gpus ",
                                         "mem",
                                         "meta",
                                         "port",
                                         "ports",
                                         "zebra",
                                         "a name that is longer than most"};

TEST(ResourceName, ReadsAsItWasWritten) {
  for (const std::string& text : kTexts) {
    const ResourceName name(text);
    EXPECT_EQ(name.text(), text);
    EXPECT_EQ(name.view(), text);
    const std::string& read = name;
    EXPECT_EQ(read, text);
    const ResourceName copy = name;  // NOLINT(performance-unnecessary-copy-initialization)
    EXPECT_EQ(copy.text(), text);
  }
}

TEST(ResourceName, ComparesAsItsText) {
  for (const std::string& a : kTexts) {
    for (const std::string& b : kTexts) {
      const ResourceName one(a);
      const ResourceName other(b);
      EXPECT_EQ(one == other, a == b) << a << ' ' << b;
      EXPECT_EQ(one == b, a == b) << a << ' ' << b;
      EXPECT_EQ(one == std::string_view(b), a == b) << a << ' ' << b;
      EXPECT_EQ(one <=> other, a <=> b) << a << ' ' << b;
    }
  }
}

TEST(ResourceName, TheUsualOnesHaveNumbers) {
  std::set<uint8_t> numbers;
  for (const std::string& text : kTexts) {
    const bool usual =
        text == kCpus || text == kDisk || text == kGpus || text == kMem || text == kPorts;
    const uint8_t number = ResourceName(text).usual();
    EXPECT_EQ(number != 0, usual) << text;
    EXPECT_LE(number, ResourceName::kUsual);
    if (usual) {
      EXPECT_TRUE(numbers.insert(number).second) << text;
    }
  }
}

TEST(ResourceName, IsEmptyByDefault) {
  EXPECT_EQ(ResourceName(), ResourceName(""));
  EXPECT_EQ(ResourceName().text(), "");
}

// What makes bags of resources small, and their comparison cheap.
TEST(ResourceName, AResourceTakesLessThanACacheLine) { EXPECT_LE(sizeof(Resource), 64U); }

}  // namespace
}  // namespace souk
