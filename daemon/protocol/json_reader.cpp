#include "daemon/protocol/json_reader.hpp"

#include <algorithm>
#include <charconv>

#include "daemon/net/quoted.hpp"
#include "replay/base/nearest_name.hpp"

namespace replayd::protocol::impl {
namespace {

namespace json = boost::json;

template <class Number>
std::string digits(Number number) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

/// The value as a person would name it in a complaint.
std::string described(const json::value& value) {
    switch (value.kind()) {
        case json::kind::null: return "null";
        case json::kind::bool_: return value.get_bool() ? "true" : "false";
        case json::kind::int64: return digits(value.get_int64());
        case json::kind::uint64: return digits(value.get_uint64());
        case json::kind::double_: return digits(value.get_double());
        case json::kind::string: return net::quoted(view(value.get_string()));
        case json::kind::array: return "an array of " + std::to_string(value.get_array().size());
        case json::kind::object: return "an object";
    }
    return "nothing";
}

template <class Integer>
bool parse_decimal(std::string_view text, Integer& to) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    return error == std::errc{} && end == text.data() + text.size();
}

std::string expected_keys(std::string_view key, std::span<const std::string_view> keys) {
    const std::string nearest = nearest_name(key, std::vector<std::string>(keys.begin(), keys.end()));
    if (!nearest.empty()) return "did you mean " + net::quoted(nearest) + "?";
    std::string text = "expected one of ";
    for (std::size_t i = 0; i < keys.size(); ++i) text += (i == 0 ? "" : ", ") + std::string(keys[i]);
    return text;
}

}  // namespace

std::string Path::text() const {
    if (parent_ == nullptr) return {};
    std::string text = parent_->text();
    if (index_ != k_no_index) return text + "[" + std::to_string(index_) + "]";
    if (!text.empty()) text += '.';
    return text.append(name_);
}

void JsonReader::complain(const Path& path, const std::string& what) {
    if (!ok()) return;
    const std::string where = path.text();
    refuse({Code::invalid_argument, (where.empty() ? "the message" : where) + " " + what});
}

void JsonReader::refuse(Error error) {
    if (ok()) trouble_ = std::move(error);
}

void JsonReader::wrong(const Value& from, const Path& path, const char* expected) {
    complain(path, "is " + described(from) + ": expected " + expected);
}

void JsonReader::read(const Value& from, const Path& path, bool& to) {
    if (from.is_bool()) {
        to = from.get_bool();
    } else {
        wrong(from, path, "true or false");
    }
}

void JsonReader::read(const Value& from, const Path& path, double& to) {
    if (from.is_number()) {
        to = from.to_number<double>();
    } else {
        wrong(from, path, "a number");
    }
}

void JsonReader::read(const Value& from, const Path& path, std::string& to) {
    if (from.is_string()) {
        to = view(from.get_string());
    } else {
        wrong(from, path, "a string");
    }
}

void JsonReader::read(const Value& from, const Path& path, std::int64_t& to) {
    if (from.is_int64()) {
        to = from.get_int64();
    } else if (!from.is_string() || !parse_decimal(view(from.get_string()), to)) {
        wrong(from, path, "an integer of 64 bits");
    }
}

void JsonReader::read(const Value& from, const Path& path, std::uint64_t& to) {
    if (from.is_int64() && from.get_int64() >= 0) {
        to = static_cast<std::uint64_t>(from.get_int64());
    } else if (from.is_uint64()) {
        to = from.get_uint64();
    } else if (!from.is_string() || !parse_decimal(view(from.get_string()), to)) {
        wrong(from, path, "an integer from 0 to 18446744073709551615");
    }
}

void JsonReader::read(const Value& from, const Path& path, std::map<std::string, std::string>& to) {
    if (!from.is_object()) return wrong(from, path, "an object of strings");
    for (const auto& entry : from.get_object()) {
        const std::string_view key(entry.key().data(), entry.key().size());
        read(entry.value(), path.key(key), to[std::string(key)]);
    }
}

const json::object* JsonReader::object(const Value& from, const Path& path, std::span<const std::string_view> keys) {
    if (!from.is_object()) {
        wrong(from, path, "an object");
        return nullptr;
    }
    for (const auto& entry : from.get_object()) {
        const std::string_view key(entry.key().data(), entry.key().size());
        if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
        complain(path, "has the unknown key " + net::quoted(key) + ": " + expected_keys(key, keys));
        return nullptr;
    }
    return &from.get_object();
}

const json::array* JsonReader::array(const Value& from, const Path& path) {
    if (from.is_array()) return &from.get_array();
    wrong(from, path, "an array");
    return nullptr;
}

}  // namespace replayd::protocol::impl
