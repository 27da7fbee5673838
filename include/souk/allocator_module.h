// Write an allocation module: decide how many free resources to offer to which framework (§3.3 of
// the Mesos paper). A module is a shared object that a master loads: --allocator=/path/to/lib.so
//
//   souk::Result<std::unique_ptr<souk::allocator::Allocator>> make_mine(
//       souk::allocator::Options options, souk::Rng rng) { ... }
//   SOUK_ALLOCATOR_MODULE("what it does, in a line", make_mine)
//
// It exports one C function, with the version of the interface in its name. What goes across are
// C++ objects, so module and master must come from the same headers and the same compiler: the
// master compares what both were built with before it passes anything on, and refuses what differs.
// No exception may cross: those of the factory are caught here, and allocators throw none.
// docs/WRITING_AN_ALLOCATOR.md has the whole story, examples/round_robin_allocator a whole module.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "allocator/allocator.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/time.h"
#include "base/version.h"

namespace souk::allocator {

// Raised when a module has to be changed, and not only built again, to fit. Also the number in the
// name of the function below.
inline constexpr int kAllocatorInterfaceVersion = 1;

using AllocatorFactory = Result<std::unique_ptr<Allocator>> (*)(Options options, Rng rng);

// What the exported function hands out. Plain C, the same in every build of this version.
struct AllocatorModule {
  const char* built_with;  // kAllocatorBuild, as the module sees it
  uint64_t layout;         // kAllocatorLayout, likewise
  const char* description;
  // Null: it failed, and why is in `error` (always ended by a zero). The caller owns the rest.
  Allocator* (*make)(const Options& options, const Rng& rng, char* error, std::size_t error_size);
};

using AllocatorModuleEntry = const AllocatorModule* (*)();

#define SOUK_TEXT_OF_(x) #x
#define SOUK_TEXT_OF(x) SOUK_TEXT_OF_(x)
#if defined(__clang__)
#define SOUK_COMPILER "clang " SOUK_TEXT_OF(__clang_major__)
#else
#define SOUK_COMPILER "g++ " SOUK_TEXT_OF(__GNUC__)
#endif

// The compiler and its library, for people to compare.
inline constexpr char kAllocatorBuild[] =
    SOUK_COMPILER " (ABI " SOUK_TEXT_OF(__GXX_ABI_VERSION) "), libstdc++ " SOUK_TEXT_OF(
        _GLIBCXX_RELEASE) " (new strings: " SOUK_TEXT_OF(_GLIBCXX_USE_CXX11_ABI) ")";

#undef SOUK_COMPILER
#undef SOUK_TEXT_OF
#undef SOUK_TEXT_OF_

namespace internal {

template <class... Types>
constexpr uint64_t layout_of(std::string_view version) {
  uint64_t hash = 14695981039346656037U;
  const auto add = [&hash](uint64_t number) { hash = (hash ^ number) * 1099511628211U; };
  for (const char c : version) add(static_cast<unsigned char>(c));
  for (const std::size_t number : std::array{sizeof(Types)..., alignof(Types)...}) add(number);
  return hash;
}

// Writes as much as there is space for.
inline void put_error(std::string_view text, char* error, std::size_t size) {
  if (size == 0) return;
  error[text.copy(error, size - 1)] = '\0';
}

template <AllocatorFactory factory>
Allocator* make_guarded(const Options& options, const Rng& rng, char* error, std::size_t size) {
  put_error("", error, size);
  try {
    auto made = factory(options, rng);
    if (made.has_value()) return made->release();
    put_error(made.error().message, error, size);
  } catch (const std::exception& thrown) {
    put_error(thrown.what(), error, size);
  } catch (...) {
    put_error("its factory threw something that is no std::exception", error, size);
  }
  return nullptr;
}

}  // namespace internal

// Of everything that goes across, and of the release: another one is another layout, even where it
// looks the same.
inline constexpr uint64_t kAllocatorLayout =
    internal::layout_of<Options, Rng, Now, AgentFacts, FrameworkFacts, TaskFacts, Refusal, Grant,
                        Rescind, Revocation, Decisions, Share, Explanation, Resource, Resources,
                        Quantities, Quota, Attribute, OfferConstraints, AttributeConstraint,
                        Allocator>(kVersion);

}  // namespace souk::allocator

// Once in a module, outside of any namespace. `make` is an AllocatorFactory with a name.
#define SOUK_ALLOCATOR_MODULE(description_text, make)                                          \
  extern "C" __attribute__((visibility("default"))) const souk::allocator::AllocatorModule*    \
  souk_allocator_v1();                                                                         \
  const souk::allocator::AllocatorModule* souk_allocator_v1() {                                \
    static_assert(souk::allocator::kAllocatorInterfaceVersion == 1);                           \
    static const souk::allocator::AllocatorModule kModule{                                     \
        souk::allocator::kAllocatorBuild, souk::allocator::kAllocatorLayout, description_text, \
        souk::allocator::internal::make_guarded<(make)>};                                      \
    return &kModule;                                                                           \
  }
