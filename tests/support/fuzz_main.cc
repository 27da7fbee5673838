// Runs a fuzz target without libFuzzer: the empty input, every file of the directories and files
// named on the command line, each cut at every byte (up to a bound), and with single bytes
// replaced. Deterministic.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

constexpr size_t kMaxVariants = 512;

void run(const uint8_t* data, size_t size) {
  // An exact heap copy, so that a sanitizer sees a read beyond the end.
  Bytes copy(data, data + size);
  copy.shrink_to_fit();
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

size_t run_variants(const Bytes& seed) {
  run(seed.data(), seed.size());
  size_t runs = 1;
  const size_t stride = std::max<size_t>(1, seed.size() / kMaxVariants);
  for (size_t at = 0; at < seed.size(); at += stride) {
    run(seed.data(), at);
    Bytes mutated = seed;
    for (const uint8_t value : {0x00, 0x7f, 0x80, 0xff}) {
      mutated[at] = value;
      run(mutated.data(), mutated.size());
    }
    runs += 5;
  }
  return runs;
}

Bytes read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<fs::path> files;
  for (int i = 1; i < argc; ++i) {
    if (fs::is_directory(argv[i])) {
      for (const auto& entry : fs::directory_iterator(argv[i])) files.push_back(entry.path());
    } else if (fs::exists(argv[i])) {
      files.emplace_back(argv[i]);
    }
  }
  std::sort(files.begin(), files.end());
  run(nullptr, 0);
  size_t runs = 1;
  for (const auto& file : files) runs += run_variants(read(file));
  fmt::print("{} inputs from {} seeds\n", runs, files.size());
}
