#include "common/harness/records/json.h"

#include <doctest/doctest.h>

#include <limits>

using harness::JsonObject;
using harness::parse_flat_json;

TEST_CASE("fields are written in the order of the calls, a line each") {
  JsonObject json;
  json.text("z", "last letter first");
  json.number("a", -7);
  json.boolean("m", true);
  CHECK(json.dump() == "{\n  \"z\": \"last letter first\",\n  \"a\": -7,\n  \"m\": true\n}\n");
}

TEST_CASE("decimal numbers come back as they were, and one that is none is null") {
  JsonObject json;
  json.decimal("ratio", 3.25);
  json.decimal("whole", 2);
  json.decimal("none", std::numeric_limits<double>::infinity());
  CHECK(json.dump() == "{\n  \"ratio\": 3.25,\n  \"whole\": 2.0,\n  \"none\": null\n}\n");
}

TEST_CASE("lists of texts and of objects are written as such") {
  JsonObject inner;
  inner.number("n", 1);
  std::vector<JsonObject> objects;
  objects.push_back(std::move(inner));
  JsonObject json;
  json.texts("words", {"a", "b"});
  json.texts("none", {});
  json.objects("rows", objects);
  json.objects("no_rows", {});
  CHECK(json.dump() ==
        "{\n  \"words\": [\n    \"a\",\n    \"b\"\n  ],\n  \"none\": [],\n"
        "  \"rows\": [\n    {\n      \"n\": 1\n    }\n  ],\n  \"no_rows\": []\n}\n");
}

TEST_CASE("any text comes back as it was") {
  const std::string awkward =
      "quote \" backslash \\ line\nbreak tab\t bell\a nul" + std::string(1, '\0') + " µ 中";
  JsonObject json;
  json.text("key \"quoted\"", awkward);
  const auto fields = parse_flat_json(json.dump());
  REQUIRE(fields);
  CHECK(fields->at("key \"quoted\"") == awkward);
}

TEST_CASE("bytes that are not UTF-8 are replaced, not refused") {
  JsonObject json;
  json.text("stderr", "a\xff\xfe b");
  const auto fields = parse_flat_json(json.dump());
  REQUIRE(fields);
  CHECK(fields->at("stderr") == "a\uFFFD\uFFFD b");
}

TEST_CASE("texts, numbers and booleans are read as text, and what has parts is left out") {
  const auto fields = parse_flat_json(
      R"({"text": "x", "number": 12, "negative": -3, "fraction": 1.5, "yes": true, "list": [1], "object": {}})");
  REQUIRE(fields);
  CHECK(*fields ==
        std::map<std::string, std::string>{
            {"text", "x"}, {"number", "12"}, {"negative", "-3"}, {"fraction", "1.5"}, {"yes", "true"}});
}

TEST_CASE("what is no JSON object has no fields") {
  for (const std::string text :
       {"", " ", "[1, 2]", "12", "\"text\"", "{\"a\": 1", "{a: 1}", "{} x", "null"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_flat_json(text));
  }
  CHECK(parse_flat_json("{}")->empty());
}
