// What most files include, compiled once for all of them (a precompiled header: g++(1), -include). Nothing
// includes this file by name, and each file still names what it uses: `make tidy` compiles without it.
//
// Here stands what is used often and slow to compile; the rest would cost more than it saves.
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>
