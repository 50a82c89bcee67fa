#pragma once

#include <cstddef>
#include <string>

#include "common/terminal/progress_bar.h"

namespace harness {

/// Says on stderr how far long work is: a bar on a terminal, a plain line a step elsewhere.
class Progress {
 public:
  Progress(std::string title, std::size_t steps);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Announces the step that begins now.
  void step(const std::string& what);
  /// A line of its own, above the bar.
  void note(const std::string& what);
  /// Ends the bar's line: what is printed next stands below it. The destructor does it too.
  void finish();

 private:
  std::string title_;
  std::size_t steps_;
  std::size_t begun_ = 0;
  terminal::ProgressBar bar_;
};

}  // namespace harness
