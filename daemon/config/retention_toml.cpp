#include "daemon/config/retention_toml.hpp"

#include <array>
#include <utility>

namespace replayd::config {
namespace {

constexpr std::int64_t k_days_most = 36'500;
/// Below it the schema and one small stream would not fit, and every stream would go at once.
constexpr std::int64_t k_bytes_least = 1 << 20;
constexpr std::int64_t k_bytes_most = std::int64_t{1} << 50;

Result<StreamRetention> read_stream_rule(const Section& section, const toml::node& at) {
    static const std::array<std::string, 2> known = {"name", "keep_days"};
    StreamRetention rule;
    auto read = section.only(known)
                    .and_then([&] { return section.text("name", rule.name); })
                    .and_then([&] { return section.integer("keep_days", 0, k_days_most, rule.keep_days); });
    if (!read) return tl::unexpected(read.error());
    if (rule.name.empty()) return section.refuse(at, "name is missing: expected the name of a stream, or PREFIX*");
    if (rule.name.find('*') < rule.name.size() - 1) {
        return section.refuse(*section.table().get("name"), "name is \"" + rule.name +
                                                                "\": expected the name of a stream, or PREFIX* with "
                                                                "the only * at its end");
    }
    if (section.table().get("keep_days") == nullptr) {
        return section.refuse(at, "keep_days is missing: expected how many days such a stream stays, 0 if it goes as "
                                  "soon as it is over");
    }
    return rule;
}

}  // namespace

Result<void> read_retention(const Section& section, DaemonConfig& config) {
    static const std::array<std::string, 3> known = {"keep_days", "keep_bytes", "stream"};
    Retention& retention = config.retention;
    auto read =
        section.only(known)
            .and_then([&] { return section.integer("keep_days", 1, k_days_most, retention.keep_days); })
            .and_then([&] { return section.integer("keep_bytes", k_bytes_least, k_bytes_most, retention.keep_bytes); });
    const toml::node* node = section.table().get("stream");
    if (!read || node == nullptr) return read;
    const toml::array* array = node->as_array();
    if (array == nullptr || !array->is_array_of_tables()) {
        return section.refuse(*node, "stream: expected [[retention.stream]] tables");
    }
    for (const toml::node& item : *array) {
        auto rule = read_stream_rule(section.nested(*item.as_table(), "stream"), item);
        if (!rule) return tl::unexpected(rule.error());
        retention.streams.push_back(std::move(*rule));
    }
    return {};
}

}  // namespace replayd::config
