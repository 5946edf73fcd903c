#include "daemon/replayctl/shared_prefixes.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "daemon/files/compressed_text.hpp"
#include "daemon/replayctl/prompts/embedded_prompt_sets.hpp"
#include "replay/cost/tables/measured_columns.hpp"

namespace replayd::ctl {
namespace {

constexpr std::int64_t k_block_tokens = 16;

/// Block `block` of the prompt of a request, told from all others.
std::uint64_t block_hash(const std::vector<SharedPrefix>& shared, std::int64_t request, std::int64_t block) {
    constexpr std::int64_t k_blocks_max = 1 << 20;
    const auto from =
        std::find_if(shared.begin(), shared.end(), [&](const SharedPrefix& each) { return each.request == request; });
    if (from != shared.end() && block < from->blocks) return block_hash(shared, from->earlier, block);
    return static_cast<std::uint64_t>(request * k_blocks_max + block);
}

Result<void> check(const std::string& path, const SharedPrefix& row) {
    const std::string of = path + ": request " + std::to_string(row.request) + ": ";
    if (row.earlier >= row.request) {
        return fail(Code::invalid_argument,
                    of + "earlier is " + std::to_string(row.earlier) + ": expected a request before it");
    }
    if (row.blocks * k_block_tokens > row.prompt_tokens) {
        return fail(Code::invalid_argument, of + "blocks is " + std::to_string(row.blocks) +
                                                ": expected at most those of its " + std::to_string(row.prompt_tokens) +
                                                " prompt tokens, " +
                                                std::to_string(row.prompt_tokens / k_block_tokens));
    }
    return {};
}

}  // namespace

Result<std::vector<SharedPrefix>> read_shared_prefixes(const std::string& path) {
    const auto text = files::read_compressed_text(path);
    if (!text) return tl::unexpected(text.error());
    return parse_shared_prefixes(path, *text);
}

Result<std::vector<SharedPrefix>> parse_shared_prefixes(const std::string& name, std::string_view text) {
    const auto table = cost::MeasuredColumns::read(name, text);
    if (!table) return tl::unexpected(table.error());
    std::vector<SharedPrefix> rows(table->rows());
    const auto take = [&](const char* column, double least, std::int64_t SharedPrefix::* member) -> Result<void> {
        const auto numbers = table->numbers(column, least);
        if (!numbers) return tl::unexpected(numbers.error());
        for (std::size_t i = 0; i < rows.size(); ++i) rows[i].*member = static_cast<std::int64_t>((*numbers)[i]);
        return {};
    };
    if (auto done = take("request", 1, &SharedPrefix::request); !done) return tl::unexpected(done.error());
    if (auto done = take("prompt_tokens", 1, &SharedPrefix::prompt_tokens); !done) return tl::unexpected(done.error());
    if (auto done = take("earlier", 0, &SharedPrefix::earlier); !done) return tl::unexpected(done.error());
    if (auto done = take("blocks", 1, &SharedPrefix::blocks); !done) return tl::unexpected(done.error());
    for (const SharedPrefix& row : rows) {
        if (auto right = check(name, row); !right) return tl::unexpected(right.error());
    }
    return rows;
}

std::optional<KnownPrompts> known_prompts(const std::vector<Arrival>& arrivals) {
    for (const EmbeddedFile& file : embedded_prompt_sets()) {
        auto shared = parse_shared_prefixes(std::string(file.path), file.text);
        if (!shared || !speaks_of(*shared, arrivals)) continue;
        return KnownPrompts{std::filesystem::path(file.path).stem().string(), std::move(*shared)};
    }
    return std::nullopt;
}

bool speaks_of(const std::vector<SharedPrefix>& shared, const std::vector<Arrival>& arrivals) {
    return std::all_of(shared.begin(), shared.end(), [&](const SharedPrefix& each) {
        const auto at = static_cast<std::size_t>(each.request);
        return at < arrivals.size() && arrivals[at].prompt.value == each.prompt_tokens;
    });
}

void share_prefixes(const std::vector<SharedPrefix>& shared, std::vector<Arrival>& arrivals) {
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
        arrivals[i].prefix_block = Tokens(k_block_tokens);
        for (std::int64_t block = 0; block < arrivals[i].prompt.value / k_block_tokens; ++block) {
            arrivals[i].prefix_hashes.push_back(block_hash(shared, static_cast<std::int64_t>(i), block));
        }
    }
}

}  // namespace replayd::ctl
