#include "common/harness/records/json.h"

#include <nlohmann/json.hpp>

namespace harness {

struct JsonObject::Value {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
};

JsonObject::JsonObject() : value_(std::make_unique<Value>()) {}
JsonObject::~JsonObject() = default;
JsonObject::JsonObject(JsonObject&&) noexcept = default;

void JsonObject::text(const std::string& key, const std::string& value) { value_->json[key] = value; }
void JsonObject::texts(const std::string& key, const std::vector<std::string>& values) {
  value_->json[key] = values;
}
void JsonObject::number(const std::string& key, std::int64_t value) { value_->json[key] = value; }
void JsonObject::decimal(const std::string& key, double value) { value_->json[key] = value; }
void JsonObject::boolean(const std::string& key, bool value) { value_->json[key] = value; }

void JsonObject::objects(const std::string& key, const std::vector<JsonObject>& values) {
  auto& array = value_->json[key] = nlohmann::ordered_json::array();
  for (const JsonObject& object : values) array.push_back(object.value_->json);
}

std::string JsonObject::dump() const {
  // A server's stderr may hold anything: bytes that are not UTF-8 are replaced rather than refused.
  return value_->json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::optional<std::map<std::string, std::string>> parse_flat_json(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  std::map<std::string, std::string> fields;
  for (const auto& [key, value] : json.items()) {
    if (value.is_structured()) continue;
    fields[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return fields;
}

}  // namespace harness
