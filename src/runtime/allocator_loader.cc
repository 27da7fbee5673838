#include "runtime/allocator_loader.h"

#include <dlfcn.h>

#include <array>
#include <filesystem>
#include <optional>

#include "allocator/modules.h"
#include "runtime/log.h"
#include "souk/allocator_module.h"

namespace souk::runtime {
namespace {

using allocator::AllocatorModule;
using allocator::AllocatorModuleEntry;
using allocator::kAllocatorInterfaceVersion;

// Versions to look for, so as to say what a module was written for.
constexpr int kVersionsToTry = 100;

constexpr std::string_view kRemedy =
    "build it anew with the headers and the compiler of this souk (docs/WRITING_AN_ALLOCATOR.md)";

std::string symbol_of(int version) { return fmt::format("souk_allocator_v{}", version); }

std::string last_dl_error() {
  const char* text = dlerror();
  return text == nullptr ? "unknown error" : text;
}

std::optional<int> other_version(void* library) {
  for (int version = 0; version < kVersionsToTry; ++version) {
    if (dlsym(library, symbol_of(version).c_str()) != nullptr) return version;
  }
  return std::nullopt;
}

// What the module says of itself, once it is sure that both sides mean the same by it.
Result<const AllocatorModule*> read_module(void* library, const std::string& path) {
  // POSIX wants this cast to mean what it says.
  const auto entry = reinterpret_cast<AllocatorModuleEntry>(
      dlsym(library, symbol_of(kAllocatorInterfaceVersion).c_str()));
  if (entry == nullptr) {
    if (const auto version = other_version(library)) {
      return fail(
          "--allocator={}: the module is written for version {} of the allocator interface, this "
          "souk ({}) has version {}: take a module for that version, or port it",
          path, *version, kVersion, kAllocatorInterfaceVersion);
    }
    return fail(
        "--allocator={}: not an allocation module: it exports no {}. A module has the line "
        "SOUK_ALLOCATOR_MODULE(...) of <souk/allocator_module.h> once",
        path, symbol_of(kAllocatorInterfaceVersion));
  }
  const AllocatorModule* module = entry();
  if (module == nullptr || module->make == nullptr || module->built_with == nullptr) {
    return fail("--allocator={}: the module is broken: {}() gives no module", path,
                symbol_of(kAllocatorInterfaceVersion));
  }
  if (std::string_view(module->built_with) != allocator::kAllocatorBuild) {
    return fail("--allocator={}: the module was built with {}, this souk ({}) with {}: {}", path,
                module->built_with, kVersion, allocator::kAllocatorBuild, kRemedy);
  }
  if (module->layout != allocator::kAllocatorLayout) {
    return fail(
        "--allocator={}: the module was built for another release than this souk ({}), and its "
        "data lie differently: {}",
        path, kVersion, kRemedy);
  }
  return module;
}

Result<void*> open_library(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return fail("--allocator={}: {}", path, error ? error.message() : "there is no such file");
  }
  if (!std::filesystem::is_regular_file(path, error)) {
    return fail("--allocator={}: not a file; name the shared object itself", path);
  }
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return fail("--allocator={}: cannot load the shared object: {}", path, last_dl_error());
  }
  return library;
}

// Never closed: the allocator's code lies in it, and what it left in static storage.
Result<std::unique_ptr<allocator::Allocator>> load(const std::string& path,
                                                   const allocator::Options& options,
                                                   const Rng& rng) {
  const auto library = open_library(path);
  if (!library) return std::unexpected(library.error());
  const auto module = read_module(*library, path);
  if (!module) return std::unexpected(module.error());
  std::array<char, 1024> error{};
  std::unique_ptr<allocator::Allocator> made(
      (*module)->make(options, rng, error.data(), error.size()));
  error.back() = '\0';
  if (made == nullptr) {
    return fail("--allocator={}: the module refuses to start: {}", path,
                error.front() == '\0' ? "it does not say why" : error.data());
  }
  const char* description = (*module)->description;
  log_info("allocation module loaded",
           {{"path", path}, {"description", description == nullptr ? "" : description}});
  return made;
}

}  // namespace

Result<std::unique_ptr<allocator::Allocator>> make_allocator(const std::string& name_or_path,
                                                             const allocator::Options& options,
                                                             const Rng& rng) {
  if (name_or_path.find('/') != std::string::npos) return load(name_or_path, options, rng);
  auto made = allocator::make_module(name_or_path, options, rng);
  if (!made) {
    const bool looks_like_a_file = name_or_path.ends_with(".so");
    return fail("--allocator={}: {}{}", name_or_path, made.error().message,
                looks_like_a_file ? ". A path has a slash in it: say ./" + name_or_path : "");
  }
  return made;
}

}  // namespace souk::runtime
