// The stored form of a law: a head of text lines that ends with "forest <bytes>", then the bytes of the residuals and
// of the forest.

#include <charconv>
#include <sstream>

#include "replay/cost/laws/kernel_law.hpp"

namespace replayd::cost {
namespace {

constexpr std::string_view k_magic = "replayd-law 1";

std::string text_of(double value) {
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
    return {buffer, end};
}

Result<KernelLaw> damaged(std::string_view what) {
    return fail(Code::invalid_argument, "a law file is damaged at " + std::string(what) + "; fit the law again");
}

/// "a:1,b:2" as numbers.
std::map<std::int64_t, std::int64_t> variants_of(const std::string& text) {
    std::map<std::int64_t, std::int64_t> variants;
    std::istringstream in(text);
    std::int64_t key = 0;
    std::int64_t count = 0;
    char colon = 0;
    char comma = 0;
    while (in >> key >> colon >> count) {
        variants[key] = count;
        in >> comma;
    }
    return variants;
}

}  // namespace

std::string KernelLaw::to_bytes() const {
    std::string out(k_magic);
    out += "\ntable " + std::string(parts_.table->name) + "\ngpu " + parts_.gpu + "\nbackend " + parts_.backend +
           "\nsource " + parts_.source + "\n";
    for (std::size_t i = 0; i < parts_.number_min.size(); ++i) {
        out += "range " + text_of(parts_.number_min[i]) + " " + text_of(parts_.number_max[i]) + "\n";
    }
    for (const LawKernel& kernel : parts_.kernels) {
        const KernelShares& s = kernel.shares;
        out += "kernel " + (kernel.name.empty() ? std::string("-") : kernel.name);
        for (const double share : {s.fixed_us, s.compute, s.memory, s.l2, s.link}) out += " " + text_of(share);
        char separator = ' ';
        for (const auto& [variant, rows] : kernel.rows_by_variant) {
            out += separator + std::to_string(variant) + ":" + std::to_string(rows);
            separator = ',';
        }
        out += "\n";
        if (s.step_us > 0) out += "step " + text_of(s.step_us) + "\n";
    }
    for (const auto& [curve, slowness] : parts_.slow_curves) {
        out += "slow " + std::to_string(curve) + " " + text_of(slowness) + "\n";
    }
    for (const double value : parts_.across) out += "across " + text_of(value) + "\n";
    for (const auto& [name, shape] : parts_.shared_tuning.tuned_for) {
        out += "tuned " + std::to_string(name) + " " + std::to_string(shape) + "\n";
    }
    if (!parts_.shared_tuning.tuned_for.empty()) out += "untuned " + text_of(parts_.shared_tuning.slow_factor) + "\n";
    const std::string forest = parts_.correction.to_bytes();
    const std::string residuals = parts_.residuals.empty() ? "" : parts_.residuals.to_bytes();
    if (!residuals.empty()) out += "residuals " + std::to_string(residuals.size()) + "\n";
    return out + "forest " + std::to_string(forest.size()) + "\n" + residuals + forest;
}

Result<KernelLaw> KernelLaw::from_bytes(std::string_view bytes) {
    Parts parts;
    bool first = true;
    std::size_t residual_bytes = 0;
    while (true) {
        const std::size_t end = bytes.find('\n');
        if (end == std::string_view::npos) return damaged("its head");
        std::istringstream line{std::string(bytes.substr(0, end))};
        const std::string_view whole = bytes.substr(0, end);
        bytes.remove_prefix(end + 1);
        if (std::exchange(first, false)) {
            if (whole != k_magic) return damaged("its first line");
            continue;
        }
        std::string key;
        line >> key;
        if (key == "forest") break;
        if (key == "table") {
            std::string name;
            line >> name;
            parts.table = find_kernel_table(name);
        } else if (key == "gpu") {
            line >> parts.gpu;
        } else if (key == "backend") {
            line >> parts.backend;
        } else if (key == "source") {
            parts.source = std::string(whole.substr(key.size() + 1));
        } else if (key == "slow") {
            std::uint64_t curve = 0;
            double slowness = 0;
            line >> curve >> slowness;
            if (!line) return damaged("the line '" + std::string(whole) + "'");
            parts.slow_curves[curve] = slowness;
        } else if (key == "across") {
            line >> parts.across.emplace_back();
            if (!line) return damaged("the line '" + std::string(whole) + "'");
        } else if (key == "tuned") {
            std::uint32_t name = 0;
            std::uint32_t shape = 0;
            line >> name >> shape;
            if (!line) return damaged("the line '" + std::string(whole) + "'");
            parts.shared_tuning.tuned_for[name] = shape;
        } else if (key == "untuned") {
            line >> parts.shared_tuning.slow_factor;
            if (!line || parts.shared_tuning.slow_factor < 1) return damaged("the line '" + std::string(whole) + "'");
        } else if (key == "residuals") {
            line >> residual_bytes;
        } else if (key == "step" && !parts.kernels.empty()) {
            line >> parts.kernels.back().shares.step_us;
            if (!line) return damaged("the line '" + std::string(whole) + "'");
        } else if (key == "range") {
            line >> parts.number_min.emplace_back() >> parts.number_max.emplace_back();
        } else if (key == "kernel") {
            LawKernel& kernel = parts.kernels.emplace_back();
            KernelShares& s = kernel.shares;
            std::string variants;
            line >> kernel.name >> s.fixed_us >> s.compute >> s.memory >> s.l2 >> s.link;
            if (!line) return damaged("the kernel '" + kernel.name + "'");
            if (kernel.name == "-") kernel.name.clear();
            line >> variants;
            kernel.rows_by_variant = variants_of(variants);
        } else {
            return damaged("the line '" + std::string(whole) + "'");
        }
    }
    if (parts.table == nullptr || find_hardware(parts.gpu) == nullptr || parts.kernels.empty()) {
        return damaged("its table, GPU or kernels");
    }
    if (residual_bytes > bytes.size() || (residual_bytes > 0 && !parts.table->curve_number))
        return damaged("its residuals");
    if (residual_bytes > 0) {
        auto residuals = CurveResiduals::from_bytes(bytes.substr(0, residual_bytes));
        if (!residuals) return tl::unexpected(residuals.error());
        parts.residuals = std::move(*residuals);
    }
    auto forest = Forest::from_bytes(bytes.substr(residual_bytes));
    if (!forest) return tl::unexpected(forest.error());
    parts.correction = std::move(*forest);
    return KernelLaw(std::move(parts));
}

}  // namespace replayd::cost
