#include "common/harness/experiments/head_of_line.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <sstream>
#include <string>
#include <vector>

#include "common/testing/conversation.h"
#include "common/testing/interruptible.h"

using harness::HeadOfLine;
using testing::Interruptible;

namespace {

struct Request {
  std::size_t client = 0;
  unsigned sequence = 0;
  double sent_us = 0;
  std::string answered_us;
};

std::vector<Request> parse(const std::string& csv) {
  std::istringstream lines(csv);
  std::string line;
  REQUIRE(std::getline(lines, line));
  REQUIRE(line == "client,sequence,sent_us,answered_us");
  std::vector<Request> requests;
  while (std::getline(lines, line)) {
    CAPTURE(line);
    std::istringstream cells(line);
    Request request;
    char comma1 = 0;
    char comma2 = 0;
    char comma3 = 0;
    cells >> request.client >> comma1 >> request.sequence >> comma2 >> request.sent_us >> comma3;
    REQUIRE((comma1 == ',' && comma2 == ',' && comma3 == ','));
    std::getline(cells, request.answered_us);
    requests.push_back(request);
  }
  REQUIRE(csv.ends_with('\n'));
  return requests;
}

harness::Target server_of_ours(const std::string& name) {
  harness::Target target;
  target.name = name;
  target.command = {harness::program_folder() + "/../bin/" + name, "--port", "0"};
  return target;
}

// The same experiment with each server; what came of it is noted.
HeadOfLine experiment_with(const std::string& server, const harness::Interruption& interruption) {
  testing::note(server, "is started, and spoken to by 8 clients, of whom one is silent at first");
  HeadOfLine result = run_head_of_line(server_of_ours(server), harness::Cores::choose(), interruption);
  testing::note(
      server, fmt::format("answered {} requests; {} errors, {} timeouts, {} corrupt; longest wait {:.0f} ms",
                          result.run.requests.value_or(0), result.run.errors, result.run.timeouts,
                          result.run.corrupt, result.longest_wait_ms));
  return result;
}

constexpr double silence_us = 2'000'000;
constexpr double end_us = 3'000'000;
constexpr double generous_us = 2'000'000;  // beyond the end: last replies, and a loaded machine

}  // namespace

TEST_CASE_FIXTURE(Interruptible,
                  "against epoll the silent client keeps nobody waiting, and every request is a row") {
  const HeadOfLine result = experiment_with("epoll", interruption);
  const std::vector<Request> requests = parse(result.requests);
  std::array<unsigned, 8> count{};
  std::array<double, 8> last_answer_us{};
  for (const Request& request : requests) {
    REQUIRE(request.client < 8);
    CAPTURE(request.client);
    CHECK(request.sequence == ++count[request.client]);
    CHECK(request.sent_us >= (request.client == 0 ? silence_us : 0));
    CHECK(request.sent_us >= last_answer_us[request.client]);  // one at a time
    CHECK(request.sent_us < end_us + generous_us);
    REQUIRE_FALSE(request.answered_us.empty());
    last_answer_us[request.client] = std::stod(request.answered_us);
    CHECK(last_answer_us[request.client] >= request.sent_us);
    CHECK(last_answer_us[request.client] < end_us + generous_us);
  }
  for (const unsigned requests_of_client : count) CHECK(requests_of_client >= 2);
  CHECK(count[1] > count[0]);
  CHECK(result.run.requests == requests.size());
  CHECK(result.run.server == "epoll");
  CHECK(result.run.connections == 8);
  CHECK(result.run.duration_s == doctest::Approx(3));
  CHECK(result.run.errors + result.run.timeouts + result.run.corrupt == 0);
  CHECK(result.longest_wait_ms > 0);
  CHECK(result.longest_wait_ms < 1500);
}

TEST_CASE_FIXTURE(Interruptible, "against the blocking loop all wait until the silent client has spoken") {
  const HeadOfLine result = experiment_with("blocking-loop", interruption);
  const std::vector<Request> requests = parse(result.requests);
  std::size_t answered = 0;
  for (const Request& request : requests) {
    if (request.answered_us.empty()) continue;
    ++answered;
    CHECK(std::stod(request.answered_us) >= silence_us);
  }
  CHECK(answered == result.run.requests.value_or(0));
  CHECK(requests.size() - answered <= 8);
  CHECK(result.longest_wait_ms >= 1900);
}
