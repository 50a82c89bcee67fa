#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "common/framing/fuzz/decoder_check.h"

namespace {

// Tests are run from the repository's root (common/setup/run-tests.sh).
const std::filesystem::path cases = "common/framing/fuzz/cases";

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("the streams kept from the fuzzer and beside it hold no surprise for their decoder") {
  for (const std::string& codec : framing::codec_names()) {
    CAPTURE(codec);
    std::size_t checked = 0;
    for (const auto& entry : std::filesystem::directory_iterator(cases / codec)) {
      CAPTURE(entry.path().string());
      CHECK_NOTHROW(framing::check_decoder(codec, content(entry.path())));
      ++checked;
    }
    CHECK(checked > 0);
  }
}
