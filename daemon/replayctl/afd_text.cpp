#include "daemon/replayctl/afd_text.hpp"

#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/text_table.hpp"

namespace replayd::ctl {

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
        idle.push_back(percent_text(view.idle_share(static_cast<afd::Resource>(r))));
    }
    table.add_row(std::move(idle));
    const Duration network = view.busy[afd::k_forward] + view.busy[afd::k_return];
    return table.render() + "step " + time_text(view.total.value) + ", of it embedding, head and host " +
           time_text(view.head.value) + "; the network adds " + time_text(view.exposed_network().value) + " of " +
           time_text(network.value) + " that transfers take, the rest is hidden; " + count_text(view.messages) +
           " messages between each two servers\n";
}

}  // namespace replayd::ctl
