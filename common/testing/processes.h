#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/harness/processes/child_process.h"
#include "common/harness/processes/program.h"
#include "common/harness/processes/server_process.h"

// The starters of common/harness/processes, as tests start them: what happens to the process stands in the
// conversation of the test. A method that isn't here is the harness's own and isn't noted.
namespace testing {

class ServerProcess : public harness::ServerProcess {
 public:
  explicit ServerProcess(const harness::ServerCommand& command);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  void send_signal(int signal) const;
  bool pause();
  std::optional<std::string> wait_for_end(std::chrono::milliseconds timeout);

 private:
  std::string name_;
};

class Program : public harness::Program {
 public:
  Program(const std::vector<std::string>& words, const std::vector<int>& cores,
          const harness::Interruption& interruption);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  net::Address wait_until_listening();
  void pause();
  void resume() const;
  void wait_for_success(std::chrono::milliseconds timeout);

 private:
  std::string name_;
};

class ChildProcess : public harness::ChildProcess {
 public:
  explicit ChildProcess(const harness::ChildCommand& command);

  void send_signal(int signal) const;
  bool pause();
  bool wait_for_end(std::chrono::milliseconds timeout);

 private:
  std::string name_;
};

}  // namespace testing
