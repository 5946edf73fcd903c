#pragma once
// One table of a TOML file, read key by key; every refusal names file, line and key. For the .cpp files of this
// folder.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "replay/base/error.hpp"

namespace replayd::config {

/// `; did you mean "NAME"?`, or nothing when no name is near.
[[nodiscard]] std::string did_you_mean(std::string_view name, std::span<const std::string> known);

/// A table with the prefix of its keys in messages. A key that is absent leaves its target as it is; a value of
/// another type or range is an error `invalid_argument`.
class Section {
public:
    Section(const toml::table& table, std::string prefix, std::string_view origin)
        : table_(table), prefix_(std::move(prefix)), origin_(origin) {}

    /// Refuses keys that are not `known`.
    [[nodiscard]] Result<void> only(std::span<const std::string> known) const;
    [[nodiscard]] Result<void> text(const std::string& key, std::string& into) const;
    [[nodiscard]] Result<void> texts(const std::string& key, std::vector<std::string>& into) const;
    [[nodiscard]] Result<void> integer(const std::string& key, std::int64_t low, std::int64_t high,
                                       std::int64_t& into) const;
    /// As above, for a count in memory.
    [[nodiscard]] Result<void> count(const std::string& key, std::int64_t low, std::int64_t high,
                                     std::size_t& into) const;
    [[nodiscard]] Result<void> number(const std::string& key, double& into) const;

    /// "ORIGIN:LINE: PREFIX.message"
    [[nodiscard]] tl::unexpected<Error> refuse(const toml::node& at, const std::string& message) const;
    [[nodiscard]] std::string where(const toml::node& at) const;
    [[nodiscard]] const toml::table& table() const { return table_; }
    /// A table inside this one, under `name`.
    [[nodiscard]] Section nested(const toml::table& table, const std::string& name) const {
        return {table, prefix_ + name + ".", origin_};
    }

private:
    const toml::table& table_;
    std::string prefix_;
    std::string_view origin_;
};

}  // namespace replayd::config
