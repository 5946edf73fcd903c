#include "daemon/api/live_messages.hpp"

#include <utility>

#include "daemon/api/json_objects.hpp"

namespace replayd::api {
namespace {

std::string message(const char* type, std::int64_t run, boost::json::array items) {
    return boost::json::serialize(boost::json::object{{"type", type}, {"run", run}, {"items", std::move(items)}});
}

}  // namespace

std::string windows_message(std::int64_t run, std::span<const std::shared_ptr<const WindowRecord>> windows,
                            std::span<const storage::PoolInfo> pools) {
    boost::json::array items;
    for (const auto& window : windows) items.push_back(window_json(*window, pools));
    return message("windows", run, std::move(items));
}

std::string requests_message(std::int64_t run, std::string_view scenario, const std::deque<RequestRecord>& requests) {
    boost::json::array items;
    for (const RequestRecord& record : requests) items.push_back(request_json(record, run, scenario));
    return message("requests", run, std::move(items));
}

}  // namespace replayd::api
