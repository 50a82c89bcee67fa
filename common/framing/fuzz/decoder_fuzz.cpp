// decoder_fuzz: looks for bytes that a decoder doesn't take right. One program a codec, which
// -DCODEC='"NAME"' names.
//
// Run:       make fuzz SECONDS=60
// Look for:  "Test unit written to …/crash-…": bytes for which a rule of decoder_check.h doesn't hold, or a
//            sanitizer complains. They lie among the kept cases then: `make test` fails until the decoder is
//            right.
// Source:    https://llvm.org/docs/LibFuzzer.html

#include <cstddef>
#include <cstdint>

#include "common/framing/fuzz/decoder_check.h"

#ifndef CODEC
#define CODEC "length-prefix"  // what editors and clang-tidy see
#endif

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  framing::check_decoder(CODEC, {reinterpret_cast<const char*>(data), size});
  return 0;
}
