#include "replay/cost/laws/law_choice.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "replay/base/assert.hpp"
#include "replay/cost/laws/embedded_laws.hpp"

namespace replayd::cost {
namespace {

constexpr std::array<std::string_view, 5> k_backends = {"sglang", "vllm", "trtllm", "nccl", "replayd"};

struct Name {
    std::string_view gpu, backend, table;
};

Name taken_apart(std::string_view name) {
    const std::size_t first = name.find('.');
    const std::size_t second = name.find('.', first + 1);
    return {name.substr(0, first), name.substr(first + 1, second - first - 1), name.substr(second + 1)};
}

double backend_rank(std::string_view backend) {
    for (std::size_t i = 0; i < k_backends.size(); ++i) {
        if (k_backends[i] == backend) return static_cast<double>(i);
    }
    return static_cast<double>(k_backends.size());
}

/// Smaller is nearer: another architecture weighs more than another framework, and that more than another
/// GPU of the same architecture (kernels follow the architecture; frameworks differ by 10 to 26 per cent).
double distance(const Name& law, const Hardware& target, std::string_view backend) {
    const Hardware* own = find_hardware(law.gpu);
    REPLAYD_ASSERT(own != nullptr);
    double distance = own->architecture == target.architecture ? 0 : 1000;
    if (law.backend != backend) distance += 100 + backend_rank(law.backend);
    return distance + std::abs(std::log(own->bf16_flops_per_us / target.bf16_flops_per_us)) +
           std::abs(std::log(own->hbm_bytes_per_us / target.hbm_bytes_per_us));
}

/// The laws of `table`, nearest first. At least one: every operator was fitted somewhere.
std::vector<const EmbeddedLaw*> nearest_laws(const KernelTable& table, const Hardware& target,
                                             std::string_view backend) {
    std::vector<std::pair<double, const EmbeddedLaw*>> found;
    for (const EmbeddedLaw& law : embedded_laws()) {
        const Name name = taken_apart(law.name);
        if (name.table == table.name) found.emplace_back(distance(name, target, backend), &law);
    }
    REPLAYD_ASSERT(!found.empty());
    // Embedded laws stand in the order of their names, so that equal distances keep one order everywhere.
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<const EmbeddedLaw*> laws;
    for (const auto& [_, law] : found) laws.push_back(law);
    return laws;
}

Result<void> check_backend(std::string_view backend) {
    if (backend_rank(backend) < static_cast<double>(k_backends.size())) return {};
    return fail(Code::invalid_argument, "backend: '" + std::string(backend) +
                                            "' is not one that laws were fitted for; write one of " +
                                            std::string(known_backends()));
}

}  // namespace

std::string_view known_backends() { return "sglang, vllm, trtllm, nccl, replayd"; }

std::string ChosenLaw::provenance(const KernelPrice& price) const {
    const auto& parts = law.parts();
    std::string text = "law " + parts.gpu + "/" + parts.backend;
    if (parts.gpu != target.name) text += " scaled to " + std::string(target.name);
    if (parts.backend != backend) text += " for " + backend;
    if (price.kernel_assumed) text += "; usual kernel assumed";
    if (price.extrapolated) text += "; extrapolated";
    return text;
}

Result<ChosenLaw> choose_law(const KernelTable& table, const Hardware& target, std::string_view backend) {
    if (auto checked = check_backend(backend); !checked) return tl::unexpected(checked.error());
    auto law = KernelLaw::from_bytes(nearest_laws(table, target, backend).front()->bytes);
    if (!law) return tl::unexpected(law.error());
    return ChosenLaw{std::move(*law), target, std::string(backend)};
}

Result<Hardware> known_system(std::string_view gpu) {
    if (const Hardware* target = find_hardware(gpu)) return *target;
    std::string names;
    for (const Hardware& known : known_hardware()) names += (names.empty() ? "" : ", ") + std::string(known.name);
    return fail(Code::invalid_argument,
                "gpu: '" + std::string(gpu) + "' is not known to the laws; write one of " + names);
}

Result<LawChoice> LawChoice::of(const KernelTable& table, std::string_view gpu, std::string_view backend) {
    const auto target = known_system(gpu);
    if (!target) return tl::unexpected(target.error());
    if (auto checked = check_backend(backend); !checked) return tl::unexpected(checked.error());
    LawChoice choice(*target, backend);
    for (const EmbeddedLaw* law : nearest_laws(table, *target, backend)) {
        choice.nearest_first_.push_back({law->bytes, {}});
    }
    return choice;
}

Result<const ChosenLaw*> LawChoice::law_for(const KernelRow& row) {
    for (Candidate& candidate : nearest_first_) {
        if (!candidate.law) {
            auto law = KernelLaw::from_bytes(candidate.bytes);
            if (!law) return tl::unexpected(law.error());
            candidate.law = ChosenLaw{std::move(*law), target_, backend_};
        }
        if (candidate.law->law.knows(row)) return &*candidate.law;
    }
    return &*nearest_first_.front().law;
}

}  // namespace replayd::cost
