#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace net {

/// The options of a program. A thin front of CLI11, whose header costs seconds in every translation unit.
/// Bad use ends the program with one line on stderr, "NAME: what was wrong and what is allowed", and exit
/// code 2;
/// --help prints the options and exits 0. References handed in must outlive parse().
class CommandLine {
 public:
  /// `description` says in a sentence what the program shows; --help prints it.
  CommandLine(std::string name, const std::string& description);
  ~CommandLine();
  CommandLine(CommandLine&&) noexcept;
  CommandLine& operator=(CommandLine&&) = delete;
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// A whole number from `lowest` to `highest`. The variable's present value is the default that --help
  /// shows.
  void number(const std::string& option, std::int64_t& variable, std::int64_t lowest, std::int64_t highest,
              const std::string& help);
  /// A decimal number from `lowest` to `highest`.
  void decimal(const std::string& option, double& variable, double lowest, double highest,
               const std::string& help);
  /// Any text; with `allowed`, one of those words.
  void text(const std::string& option, std::string& variable, const std::string& help,
            const std::vector<std::string>& allowed = {});
  /// Whole numbers from `lowest` to `highest` with commas between them, in place of what the variable holds.
  void numbers(const std::string& option, std::vector<std::int64_t>& variable, std::int64_t lowest,
               std::int64_t highest, const std::string& help);
  /// Words with commas between them, in place of what the variable holds.
  void list(const std::string& option, std::vector<std::string>& variable, const std::string& help);
  void flag(const std::string& option, bool& variable, const std::string& help);
  /// Words without an option's name.
  void words(const std::string& name, std::vector<std::string>& variable, const std::string& help);

  /// A command with options of its own, as in `harness check`. Once one is added, one must be given.
  CommandLine command(const std::string& name, const std::string& description);
  /// True after parse() when this command was the one given.
  bool given() const;

  void parse(int argc, const char* const* argv);

  /// Ends the program as bad use does. For what can be judged only after parsing.
  [[noreturn]] static void fail(const std::string& program, const std::string& what_is_wrong);

 private:
  struct Parser;
  explicit CommandLine(std::unique_ptr<Parser> parser);
  std::unique_ptr<Parser> parser_;
};

}  // namespace net
