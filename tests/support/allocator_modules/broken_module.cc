// A module with everything wrong that BROKEN_MODULE names: what the loader says to it is in
// src/runtime/allocator_loader_test.cc.
#include <cstdlib>
#include <stdexcept>

#include "souk/allocator_module.h"

namespace {

using souk::allocator::Allocator;
using souk::allocator::AllocatorModule;
using souk::allocator::kAllocatorBuild;
using souk::allocator::kAllocatorLayout;

std::string wrong() {
  const char* name = std::getenv("BROKEN_MODULE");
  return name == nullptr ? "" : name;
}

// As the interface has it. NOLINTNEXTLINE(performance-unnecessary-value-param)
souk::Result<std::unique_ptr<Allocator>> make(souk::allocator::Options, souk::Rng) {
  if (wrong() == "throws") throw std::runtime_error("it went wrong");
  if (wrong() == "throws a number") throw 7;
  if (wrong() == "makes nothing") return std::unique_ptr<Allocator>();
  return souk::fail("{}", wrong() == "talks" ? std::string(5000, 'x') : "it does not want to");
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const AllocatorModule* souk_allocator_v1() {
  static const AllocatorModule kSound{kAllocatorBuild, kAllocatorLayout, "never starts",
                                      souk::allocator::internal::make_guarded<make>};
  static const AllocatorModule kOfOtherCompiler{"cc 1 (ABI 2)", kAllocatorLayout, "", kSound.make};
  static const AllocatorModule kOfOtherRelease{kAllocatorBuild, kAllocatorLayout + 1, "",
                                               kSound.make};
  if (wrong() == "gives nothing") return nullptr;
  if (wrong() == "other compiler") return &kOfOtherCompiler;
  if (wrong() == "other release") return &kOfOtherRelease;
  return &kSound;
}
