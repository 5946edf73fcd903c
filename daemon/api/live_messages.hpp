#pragma once
// The messages of the live websocket as text. For live_hub.cpp.

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "replay/sim/records.hpp"
#include "storage/query.hpp"

namespace replayd::api {

[[nodiscard]] std::string windows_message(std::int64_t run,
                                          std::span<const std::shared_ptr<const WindowRecord>> windows,
                                          std::span<const storage::PoolInfo> pools);
[[nodiscard]] std::string requests_message(std::int64_t run, std::string_view scenario,
                                           const std::deque<RequestRecord>& requests);

}  // namespace replayd::api
