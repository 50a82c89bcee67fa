#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace harness {

/// A JSON object that is written field by field, in the order of the calls. A thin front of nlohmann-json,
/// whose header costs seconds in every translation unit.
class JsonObject {
 public:
  JsonObject();
  ~JsonObject();
  JsonObject(JsonObject&&) noexcept;
  JsonObject& operator=(JsonObject&&) = delete;
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;

  void text(const std::string& key, const std::string& value);
  void texts(const std::string& key, const std::vector<std::string>& values);
  void number(const std::string& key, std::int64_t value);
  void decimal(const std::string& key, double value);
  void boolean(const std::string& key, bool value);
  void objects(const std::string& key, const std::vector<JsonObject>& values);

  /// With line breaks, two spaces a level, and one at the end.
  std::string dump() const;

 private:
  struct Value;
  std::unique_ptr<Value> value_;
};

/// The fields of an object whose values are texts, numbers and booleans, all as text; none if `text` is
/// anything else.
std::optional<std::map<std::string, std::string>> parse_flat_json(const std::string& text);

}  // namespace harness
