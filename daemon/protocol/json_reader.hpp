#pragma once
// Strict reading of JSON objects into plain values: every key known, every type exact, every complaint with the
// path of the value. The first complaint wins; what is read after it is meaningless and harmless.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "replay/base/error.hpp"
#include "replay/base/units.hpp"

namespace replayd::protocol::impl {

/// Where a value stands; its text is built only for a complaint. Refers to its parent, so lives on the stack.
class Path {
public:
    Path() = default;
    [[nodiscard]] Path key(std::string_view name) const { return {this, name, k_no_index}; }
    [[nodiscard]] Path index(std::size_t i) const { return {this, {}, i}; }
    /// "batch.arrivals[3].id"; empty for the document itself.
    [[nodiscard]] std::string text() const;

private:
    static constexpr std::size_t k_no_index = static_cast<std::size_t>(-1);

    Path(const Path* parent, std::string_view name, std::size_t index)
        : parent_(parent), name_(name), index_(index) {}

    const Path* parent_ = nullptr;
    std::string_view name_;
    std::size_t index_ = k_no_index;
};

class JsonReader {
public:
    using Value = boost::json::value;

    [[nodiscard]] bool ok() const { return !trouble_; }
    [[nodiscard]] const std::optional<Error>& trouble() const { return trouble_; }
    /// Keeps "PATH WHAT" as `invalid_argument` unless something was wrong already.
    void complain(const Path& path, const std::string& what);
    /// Keeps the error unless something was wrong already.
    void refuse(Error error);

    void read(const Value& from, const Path& path, bool& to);
    void read(const Value& from, const Path& path, double& to);
    void read(const Value& from, const Path& path, std::string& to);
    /// 64-bit integers: JSON numbers without fraction or exponent, or decimal strings.
    void read(const Value& from, const Path& path, std::int64_t& to);
    void read(const Value& from, const Path& path, std::uint64_t& to);
    void read(const Value& from, const Path& path, std::map<std::string, std::string>& to);
    void read(const Value& from, const Path& path, VirtualTime& to) { read(from, path, to.ns); }
    template <class Tag>
    void read(const Value& from, const Path& path, Quantity<Tag>& to) {
        read(from, path, to.value);
    }
    template <class T>
    void read(const Value& from, const Path& path, std::optional<T>& to) {
        read(from, path, to.emplace());
    }
    template <class T>
    void read(const Value& from, const Path& path, std::vector<T>& to);

    /// `from` as an object whose keys are all in `keys`, or null after a complaint.
    const boost::json::object* object(const Value& from, const Path& path, std::span<const std::string_view> keys);
    const boost::json::array* array(const Value& from, const Path& path);

private:
    void wrong(const Value& from, const Path& path, const char* expected);

    std::optional<Error> trouble_;
};

/// The fields of one object.
class JsonFields {
public:
    JsonFields(JsonReader& reader, const boost::json::value& from, const Path& path,
               std::span<const std::string_view> keys)
        : reader_(reader), path_(path), object_(reader.object(from, path, keys)) {}

    /// Reads a field that must be there; `expected` completes the complaint "… is missing: expected …".
    template <class T>
    void required(std::string_view key, T& to, const char* expected) {
        if (!optional(key, to)) reader_.complain(path_.key(key), std::string("is missing: expected ") + expected);
    }
    /// Reads a field that may be absent; whether it was there.
    template <class T>
    bool optional(std::string_view key, T& to) {
        const boost::json::value* value = object_ != nullptr ? object_->if_contains(key) : nullptr;
        if (value != nullptr) reader_.read(*value, path_.key(key), to);
        return value != nullptr;
    }

private:
    JsonReader& reader_;
    const Path& path_;
    const boost::json::object* object_;
};

template <class T>
void JsonReader::read(const Value& from, const Path& path, std::vector<T>& to) {
    const boost::json::array* values = array(from, path);
    if (values == nullptr) return;
    to.resize(values->size());
    for (std::size_t i = 0; i < to.size() && ok(); ++i) read((*values)[i], path.index(i), to[i]);
}

}  // namespace replayd::protocol::impl
