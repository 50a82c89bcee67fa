#include "common/net/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace net {

struct CommandLine::Parser {
  std::unique_ptr<CLI::App> owner;  // null in a command: its app belongs to the program's
  CLI::App* app;
};

namespace {

// Throws what says that the option `takes` other words.
template <typename Number>
Number number_from(const std::string& word, Number lowest, Number highest, const std::string& option,
                   const std::string& takes) {
  Number value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  const bool is_number = error == std::errc() && end == word.data() + word.size();
  if (!is_number || !(value >= lowest && value <= highest)) {
    throw CLI::ValidationError(
        fmt::format("{} takes {} from {} to {}, not '{}'", option, takes, lowest, highest, word));
  }
  return value;
}

template <typename Number>
void add_number(CLI::App& app, const std::string& option, Number& variable, Number lowest, Number highest,
                const std::string& kind, const std::string& help) {
  const auto store = [option, kind, &variable, lowest, highest](const std::string& word) {
    variable = number_from(word, lowest, highest, option, "a " + kind);
  };
  app.add_option_function<std::string>(option, store, help)
      ->type_name("N")
      ->default_str(fmt::format("{}", variable));
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char letter : text) {
    if (letter == ',') {
      parts.emplace_back();
    } else {
      parts.back() += letter;
    }
  }
  return parts;
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

}  // namespace

CommandLine::CommandLine(std::string name, const std::string& description) {
  auto app = std::make_unique<CLI::App>(description, std::move(name));
  CLI::App* const address = app.get();
  parser_ = std::make_unique<Parser>(Parser{std::move(app), address});
}

CommandLine::CommandLine(std::unique_ptr<Parser> parser) : parser_(std::move(parser)) {}
CommandLine::CommandLine(CommandLine&&) noexcept = default;
CommandLine::~CommandLine() = default;

void CommandLine::number(const std::string& option, std::int64_t& variable, std::int64_t lowest,
                         std::int64_t highest, const std::string& help) {
  add_number(*parser_->app, option, variable, lowest, highest, "whole number", help);
}

void CommandLine::decimal(const std::string& option, double& variable, double lowest, double highest,
                          const std::string& help) {
  add_number(*parser_->app, option, variable, lowest, highest, "number", help);
}

void CommandLine::text(const std::string& option, std::string& variable, const std::string& help,
                       const std::vector<std::string>& allowed) {
  const auto store = [option, &variable, allowed](const std::string& word) {
    if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), word) == allowed.end()) {
      throw CLI::ValidationError(
          fmt::format("{} takes one of {}, not '{}'", option, fmt::join(allowed, ", "), word));
    }
    variable = word;
  };
  parser_->app->add_option_function<std::string>(option, store, help)
      ->type_name("TEXT")
      ->default_str(variable);
}

void CommandLine::numbers(const std::string& option, std::vector<std::int64_t>& variable, std::int64_t lowest,
                          std::int64_t highest, const std::string& help) {
  const auto store = [option, &variable, lowest, highest](const std::string& text) {
    variable.clear();
    for (const std::string& word : split_at_commas(text))
      variable.push_back(
          number_from(word, lowest, highest, option, "whole numbers with commas between them,"));
  };
  parser_->app->add_option_function<std::string>(option, store, help)->type_name("N,N,...");
}

void CommandLine::list(const std::string& option, std::vector<std::string>& variable,
                       const std::string& help) {
  const auto store = [&variable](const std::string& text) { variable = split_at_commas(text); };
  parser_->app->add_option_function<std::string>(option, store, help)->type_name("TEXT,TEXT,...");
}

void CommandLine::flag(const std::string& option, bool& variable, const std::string& help) {
  parser_->app->add_flag(option, variable, help);
}

void CommandLine::words(const std::string& name, std::vector<std::string>& variable,
                        const std::string& help) {
  parser_->app->add_option(name, variable, help)->type_name("");
}

CommandLine CommandLine::command(const std::string& name, const std::string& description) {
  parser_->app->require_subcommand(1);
  return CommandLine(
      std::make_unique<Parser>(Parser{nullptr, parser_->app->add_subcommand(name, description)}));
}

bool CommandLine::given() const { return parser_->app->parsed(); }

void CommandLine::parse(int argc, const char* const* argv) {
  try {
    parser_->app->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) std::exit(parser_->app->exit(error));  // --help
    fail(parser_->app->get_name(), one_line(error.what()) + " (--help lists what is allowed)");
  }
}

void CommandLine::fail(const std::string& program, const std::string& what_is_wrong) {
  static_cast<void>(std::fprintf(stderr, "%s: %s\n", program.c_str(), what_is_wrong.c_str()));
  std::exit(2);
}

}  // namespace net
