#include "daemon/api/afd_view.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <boost/json/array.hpp>

namespace replayd::api {
namespace {

namespace json = boost::json;

json::array stages_json(const std::vector<afd::StageTimes>& stages) {
    json::array out;
    for (const afd::StageTimes& stage : stages) {
        json::object times;
        for (std::size_t r = 0; r < afd::k_resources; ++r) {
            times[std::string(afd::k_resource_names[r]) + "_ns"] = stage[r].value;
        }
        out.push_back(std::move(times));
    }
    return out;
}

/// The chain has one resource for gather, FFN and reduce where they do not overlap.
std::string_view resource_name(std::int64_t resource, bool overlap) {
    constexpr std::array<std::string_view, 4> k_plain = {"attention", "forward", "ffn", "return"};
    return overlap ? afd::k_resource_names[static_cast<std::size_t>(resource)]
                   : k_plain[static_cast<std::size_t>(resource)];
}

json::array timeline_json(const std::vector<afd::Visit>& visits) {
    const bool overlap =
        std::any_of(visits.begin(), visits.end(), [](const afd::Visit& visit) { return visit.resource > 3; });
    json::array out;
    for (const afd::Visit& visit : visits) {
        out.push_back(json::object{{"layer", visit.layer},
                                   {"stage", visit.stage},
                                   {"resource", resource_name(visit.resource, overlap)},
                                   {"begin_ns", (visit.begin - visits.front().begin).value},
                                   {"end_ns", (visit.end - visits.front().begin).value}});
    }
    return out;
}

}  // namespace

json::object afd_step_json(const afd::AfdCost& cost, const afd::StepView& view, std::span<const StepShape> ranks,
                           std::int64_t layers) {
    json::object bubbles;
    for (std::size_t r = 0; r < afd::k_resources; ++r) {
        bubbles[afd::k_resource_names[r]] = view.idle_share(static_cast<afd::Resource>(r));
    }
    const Duration network = view.busy[afd::k_forward] + view.busy[afd::k_return];
    return {{"step_ns", view.total.value},
            {"head_ns", view.head.value},
            {"network_ns", network.value},
            {"exposed_network_ns", view.exposed_network().value},
            {"hidden_network_ns", view.hidden_network().value},
            {"stages", view.announced},
            {"messages", view.messages},
            {"forward_bytes", view.forward_bytes},
            {"return_bytes", view.return_bytes},
            {"idle", std::move(bubbles)},
            {"dense_layer", stages_json(view.dense)},
            {"moe_layer", stages_json(view.experts)},
            {"timeline", timeline_json(cost.timeline(ranks, layers / 2, 2))}};
}

}  // namespace replayd::api
