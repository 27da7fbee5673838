#include "runtime/allocator_loader.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "allocator/contract.h"
#include "allocator/modules.h"

namespace souk::runtime {
namespace {

std::string build_folder() {
  const char* folder = std::getenv("SOUK_BUILD_DIR");
  return folder != nullptr ? folder
                           : std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

std::string test_module(const std::string& name) {
  return fmt::format("{}/allocator_modules/lib{}.so", build_folder(), name);
}

std::string refusal(const std::string& name_or_path, const allocator::Options& options = {}) {
  auto made = make_allocator(name_or_path, options, Rng(1));
  return made ? "made" : made.error().message;
}

// What the broken module is refused for, without the path.
std::string refusal_of_broken(const char* wrong) {
  setenv("BROKEN_MODULE", wrong, 1);
  const std::string path = test_module("broken_module");
  const std::string text = refusal(path);
  unsetenv("BROKEN_MODULE");
  const std::string start = fmt::format("--allocator={}: ", path);
  return text.starts_with(start) ? text.substr(start.size()) : "no path in: " + text;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(AllocatorLoader, MakesWhatIsBuiltInByName) {
  for (const auto& module : allocator::modules()) {
    EXPECT_EQ(refusal(std::string(module.name)), "made");
  }
}

TEST(AllocatorLoader, AnUnknownNameIsAnsweredWithThoseThatThereAre) {
  const std::string text = refusal("drv");
  EXPECT_TRUE(has(text, "--allocator=drv: ")) << text;
  EXPECT_TRUE(has(text, "did you mean drf?")) << text;
  EXPECT_FALSE(has(text, "./")) << text;
  EXPECT_TRUE(has(refusal("my.so"), "say ./my.so")) << refusal("my.so");
  EXPECT_TRUE(has(refusal(""), "there are: drf")) << refusal("");
}

TEST(AllocatorLoader, ASharedObjectIsLoadedByItsPath) {
  const std::string path = build_folder() + "/libround_robin_allocator.so";
  EXPECT_EQ(refusal(path), "made");
  EXPECT_EQ(refusal(path), "made") << "the second time";
  allocator::Options options;
  options.parameters["shuffle"] = "perhaps";
  EXPECT_TRUE(has(refusal(path, options), "shuffle is yes or no, not 'perhaps'"));
}

// Through the boundary, with code of its own copies of everything.
TEST(AllocatorLoader, TheExampleKeepsToTheContract) {
  const std::string path = build_folder() + "/libround_robin_allocator.so";
  allocator::ContractCase test{.steps = 200, .quota = false};
  test.options.domain = {"home", "z"};
  const auto make = [&](const allocator::Options& options, const Rng& rng) {
    return make_allocator(path, options, rng);
  };
  for (test.seed = 1; test.seed <= 30; ++test.seed) {
    ASSERT_EQ(allocator::broken_contract(make, test), std::nullopt);
  }
}

TEST(AllocatorLoader, WhatIsNoSharedObject) {
  EXPECT_TRUE(has(refusal("/no/such.so"), "there is no such file"));
  EXPECT_TRUE(has(refusal("./"), "not a file"));
  EXPECT_TRUE(has(refusal("/proc/self/status"), "cannot load the shared object: "));
}

TEST(AllocatorLoader, WhatIsNoModule) {
  EXPECT_TRUE(has(refusal(test_module("other_library")), "exports no souk_allocator_v1"));
  const std::string text = refusal(test_module("other_version"));
  EXPECT_TRUE(has(text, "for version 7 of the allocator interface")) << text;
  EXPECT_TRUE(has(text, "has version 1")) << text;
}

TEST(AllocatorLoader, AMismatchSaysWhatToDo) {
  for (const char* wrong : {"other compiler", "other release"}) {
    const std::string text = refusal_of_broken(wrong);
    EXPECT_TRUE(has(text, "build it anew")) << text;
    EXPECT_TRUE(has(text, "docs/WRITING_AN_ALLOCATOR.md")) << text;
  }
  EXPECT_TRUE(has(refusal_of_broken("other compiler"), "was built with cc 1 (ABI 2), this souk"));
}

TEST(AllocatorLoader, AModuleThatFails) {
  EXPECT_EQ(refusal_of_broken("gives nothing"),
            "the module is broken: souk_allocator_v1() gives no module");
  EXPECT_EQ(refusal_of_broken("says no"), "the module refuses to start: it does not want to");
  EXPECT_EQ(refusal_of_broken("makes nothing"), "the module refuses to start: it does not say why");
  EXPECT_EQ(refusal_of_broken("throws"), "the module refuses to start: it went wrong");
  EXPECT_EQ(refusal_of_broken("throws a number"),
            "the module refuses to start: its factory threw something that is no std::exception");
  EXPECT_LT(refusal_of_broken("talks").size(), 1200);
}

}  // namespace
}  // namespace souk::runtime
