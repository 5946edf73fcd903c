#include "replay/cost/eval/cost_eval.hpp"

#include <charconv>

#include "replay/cost/eval/kernel_rows.hpp"
#include "replay/cost/laws/law_choice.hpp"
#include "replay/cost/laws/network_law.hpp"

namespace replayd::cost {
namespace {

void append_us(std::string& out, double us) {
    char buffer[64];
    out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, us, std::chars_format::fixed, 4).ptr);
}

/// A row of the nccl table as a call beyond one node, or a send_recv, which no table holds.
std::optional<NcclCall> network_call(const KernelTable& table, const GpuLinks& links, const KernelRow& row) {
    if (table.name != "nccl") return std::nullopt;
    const auto op = nccl_op(std::string_view(row.kernel).substr(0, row.kernel.find('/')));
    if (!op) return std::nullopt;
    const NcclCall call{*op, row.number[1], row.number[2] * type_of(row.number[0]).bytes};
    if (!is_network_call(links, call)) return std::nullopt;
    return call;
}

struct Answer {
    double us = 0;
    std::string provenance;
};

Result<Answer> law_answer(LawChoice& choice, const KernelRow& row) {
    const auto law = choice.law_for(row);
    if (!law) return tl::unexpected(law.error());
    const KernelPrice price = (*law)->price(row);
    return Answer{price.us, (*law)->provenance(price)};
}

/// At least what the law says of all GPUs of one node: NCCL's tuner counts with Hopper's latencies, by which two nodes
/// of a B200 would be faster than one with small buffers.
Result<Answer> network_answer(LawChoice& choice, const GpuLinks& links, const NcclCall& call, const KernelRow& row) {
    const NetworkPrice price = network_price(links, call);
    Answer network{price.us, std::string(price.source) + "; " + std::string(price.regime)};
    if (call.op == NcclOp::send_recv) return network;
    KernelRow inside = row;
    inside.number[1] = links.node_gpus;
    auto node = law_answer(choice, inside);
    if (!node) return node;
    if (node->us <= network.us) return network;
    node->provenance += "; as inside one node";
    return node;
}

Result<const KernelTable*> table_of(std::string_view name) {
    if (const KernelTable* table = find_kernel_table(name)) return table;
    std::string known;
    for (const KernelTable& table : kernel_tables()) known += (known.empty() ? "" : ", ") + std::string(table.name);
    return fail(Code::invalid_argument, "op: '" + std::string(name) + "' is not an operator; write one of " + known);
}

}  // namespace

Result<std::string> cost_eval(const CostEvalRequest& request) {
    const auto table = table_of(request.table);
    if (!table) return tl::unexpected(table.error());
    auto choice = LawChoice::of(**table, request.gpu, request.backend);
    if (!choice) return tl::unexpected(choice.error());
    const auto csv = parse_csv(request.name, request.csv);
    if (!csv) return tl::unexpected(csv.error());
    for (const std::string_view added : {"predicted_us", "provenance"}) {
        if (csv->column(added)) {
            return fail(Code::invalid_argument, std::string(request.name) + ": the column '" + std::string(added) +
                                                    "' is already there; take it out, it is what this command writes");
        }
    }
    const auto hardware = known_system(request.gpu);
    if (!hardware) return tl::unexpected(hardware.error());
    const GpuLinks links = links_of(*hardware);
    const auto rows = kernel_rows(request.name, **table, *csv);
    if (!rows) return tl::unexpected(rows.error());
    std::string out;
    out += csv->header_line.text;
    out += ",predicted_us,provenance\n";
    for (std::size_t i = 0; i < rows->size(); ++i) {
        out += csv->lines[i].text;
        out += ',';
        const auto call = network_call(**table, links, (*rows)[i]);
        const auto answer =
            call ? network_answer(*choice, links, *call, (*rows)[i]) : law_answer(*choice, (*rows)[i]);
        if (!answer) return tl::unexpected(answer.error());
        append_us(out, answer->us);
        out += ',' + answer->provenance + '\n';
    }
    return out;
}

}  // namespace replayd::cost
