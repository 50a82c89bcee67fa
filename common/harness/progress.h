#pragma once

#include <cstddef>
#include <string>

namespace harness {

/// True if colours and a moving bar may go to this descriptor: it is a terminal, and colours also need
/// NO_COLOR to be unset (no-color.org).
bool is_terminal(int fd);
bool may_colour(int fd);

/// Says on stderr how far long work is: a bar on a terminal, a plain line a step elsewhere.
class Progress {
 public:
  Progress(std::string title, std::size_t steps);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Announces the step that begins now.
  void step(const std::string& what);
  /// A line of its own, above the bar.
  void note(const std::string& what) const;
  /// Ends the bar's line: what is printed next stands below it. The destructor does it too.
  void finish();

 private:
  void draw(const std::string& what) const;

  std::string title_;
  std::size_t steps_;
  std::size_t begun_ = 0;
  bool bar_;
};

}  // namespace harness
