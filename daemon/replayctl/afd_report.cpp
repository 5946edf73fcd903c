#include "daemon/replayctl/afd_report.hpp"

#include <algorithm>

#include <boost/json/array.hpp>

#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/text_table.hpp"

namespace replayd::ctl {
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

double bubble_share(const afd::StepView& view, afd::Resource resource) {
    const Duration layers = view.total - view.head;
    return layers.value > 0 ? 1 - to_seconds(view.busy[resource]) / to_seconds(layers) : 0;
}

std::string afd_step_text(const afd::StepView& view) {
    TextTable table({{"stage of an MoE layer"},
                     {"rows", Align::right},
                     {"attention", Align::right},
                     {"forward", Align::right},
                     {"gather", Align::right},
                     {"ffn", Align::right},
                     {"reduce", Align::right},
                     {"return", Align::right}});
    for (std::size_t stage = 0; stage < view.experts.size(); ++stage) {
        std::vector<std::string> row = {count_text(static_cast<std::int64_t>(stage) + 1), count_text(view.rows[stage])};
        for (const Duration time : view.experts[stage]) row.push_back(time_text(time.value));
        table.add_row(std::move(row));
    }
    table.add_rule();
    std::vector<std::string> idle = {"idle in the layers", ""};
    for (std::size_t r = 0; r < afd::k_resources; ++r) {
        idle.push_back(percent_text(bubble_share(view, static_cast<afd::Resource>(r))));
    }
    table.add_row(std::move(idle));
    const Duration network = view.busy[afd::k_forward] + view.busy[afd::k_return];
    return table.render() + "step " + time_text(view.total.value) + ", of it embedding, head and host " +
           time_text(view.head.value) + "; the network adds " + time_text(view.exposed_network().value) + " of " +
           time_text(network.value) + " that transfers take, the rest is hidden; " + count_text(view.messages) +
           " messages between each two servers\n";
}

json::object afd_step_json(const afd::AfdCost& cost, const afd::StepView& view, std::span<const StepShape> ranks,
                           std::int64_t layers) {
    json::object bubbles;
    for (std::size_t r = 0; r < afd::k_resources; ++r) {
        bubbles[afd::k_resource_names[r]] = bubble_share(view, static_cast<afd::Resource>(r));
    }
    const Duration network = view.busy[afd::k_forward] + view.busy[afd::k_return];
    return {{"step_ns", view.total.value},
            {"head_ns", view.head.value},
            {"network_ns", network.value},
            {"exposed_network_ns", view.exposed_network().value},
            {"hidden_network_ns", std::max<std::int64_t>(0, (network - view.exposed_network()).value)},
            {"stages", view.announced},
            {"messages", view.messages},
            {"forward_bytes", view.forward_bytes},
            {"return_bytes", view.return_bytes},
            {"idle", std::move(bubbles)},
            {"dense_layer", stages_json(view.dense)},
            {"moe_layer", stages_json(view.experts)},
            {"timeline", timeline_json(cost.timeline(ranks, layers / 2, 2))}};
}

}  // namespace replayd::ctl
