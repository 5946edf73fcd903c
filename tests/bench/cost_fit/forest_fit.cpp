#include "forest_fit.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace replayd::cost_fit {
namespace {

using cost::Forest;

/// Edges between neighbouring distinct values, thinned to what a byte can count.
std::vector<float> edges_of(std::vector<float> values) {
    std::sort(values.begin(), values.end());
    std::vector<float> distinct = values;
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    std::vector<float> edges;
    if (distinct.size() <= Forest::k_edges_max + 1) {
        for (std::size_t i = 1; i < distinct.size(); ++i) edges.push_back((distinct[i - 1] + distinct[i]) / 2);
    } else {
        for (std::size_t i = 1; i <= Forest::k_edges_max; ++i) {
            edges.push_back(values[i * (values.size() - 1) / (Forest::k_edges_max + 1)]);
        }
        edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    }
    return edges;
}

struct Sum {
    double gradient = 0;
    double rows = 0;
};

class Boosting {
public:
    Boosting(const std::vector<std::vector<float>>& columns, const std::vector<double>& target, FitOptions options)
        : options_(options),
          target_(target),
          rows_(target.size()),
          answer_(rows_, 0.0),
          gradient_(rows_),
          random_(options.seed) {
        for (const auto& column : columns) {
            edges_.push_back(edges_of(column));
            auto& bins = bins_.emplace_back(rows_);
            for (std::size_t i = 0; i < rows_; ++i) {
                bins[i] = static_cast<std::uint8_t>(
                    std::lower_bound(edges_.back().begin(), edges_.back().end(), column[i]) - edges_.back().begin());
            }
        }
    }

    Forest run() {
        const double shrink = std::pow(options_.huber_last / options_.huber_first, 1.0 / options_.trees);
        double huber = options_.huber_first;
        for (int tree = 0; tree < options_.trees; ++tree, huber *= shrink) grow(huber);
        double largest = 1e-9;
        for (const double leaf : leaves_) largest = std::max(largest, std::abs(leaf));
        const double scale = largest / 32'000;
        std::vector<std::int16_t> leaves;
        for (const double leaf : leaves_) leaves.push_back(static_cast<std::int16_t>(std::lround(leaf / scale)));
        return Forest(options_.depth, static_cast<float>(scale), edges_, splits_, leaves);
    }

private:
    double score(const Sum& sum) const { return sum.gradient * sum.gradient / (sum.rows + options_.leaf_prior); }

    void grow(double huber) {
        for (std::size_t i = 0; i < rows_; ++i) {
            gradient_[i] = std::clamp(target_[i] - answer_[i], -huber, huber);
        }
        std::vector<std::uint32_t> drawn;
        for (std::size_t i = 0; i < rows_; ++i) {
            if (share_(random_) < options_.row_share) drawn.push_back(static_cast<std::uint32_t>(i));
        }
        std::vector<std::size_t> features;
        for (std::size_t f = 0; f < bins_.size(); ++f) {
            if (share_(random_) < options_.feature_share) features.push_back(f);
        }
        std::vector<std::uint16_t> node(rows_, 0);
        std::vector<Forest::Split> splits;
        for (int level = 0; level < options_.depth; ++level) {
            const std::vector<Forest::Split> chosen = choose(drawn, features, node, std::size_t{1} << level);
            splits.insert(splits.end(), chosen.begin(), chosen.end());
            for (std::size_t i = 0; i < rows_; ++i) {
                const Forest::Split split = chosen[node[i]];
                const bool right = split.edge != Forest::k_no_split && bins_[split.feature][i] > split.edge;
                node[i] = static_cast<std::uint16_t>(2 * node[i] + (right ? 1 : 0));
            }
        }
        std::vector<Sum> sums(std::size_t{1} << options_.depth);
        for (const std::uint32_t i : drawn) {
            sums[node[i]].gradient += gradient_[i];
            sums[node[i]].rows += 1;
        }
        std::vector<double> leaves;
        for (const Sum& sum : sums) {
            leaves.push_back(options_.rate * sum.gradient / (sum.rows + options_.leaf_prior));
        }
        for (std::size_t i = 0; i < rows_; ++i) answer_[i] += leaves[node[i]];
        splits_.insert(splits_.end(), splits.begin(), splits.end());
        leaves_.insert(leaves_.end(), leaves.begin(), leaves.end());
    }

    /// The best split of every node of a level.
    std::vector<Forest::Split> choose(const std::vector<std::uint32_t>& drawn, const std::vector<std::size_t>& features,
                                      const std::vector<std::uint16_t>& node, std::size_t nodes) {
        std::vector<Forest::Split> best(nodes, Forest::Split{0, Forest::k_no_split});
        std::vector<double> best_gain(nodes, 1e-9);
        std::vector<Sum> histogram(nodes * 256);
        for (const std::size_t f : features) {
            std::fill(histogram.begin(), histogram.end(), Sum{});
            for (const std::uint32_t i : drawn) {
                Sum& sum = histogram[std::size_t{node[i]} * 256 + bins_[f][i]];
                sum.gradient += gradient_[i];
                sum.rows += 1;
            }
            for (std::size_t n = 0; n < nodes; ++n) {
                consider(&histogram[n * 256], f, best[n], best_gain[n]);
            }
        }
        return best;
    }

    void consider(const Sum* bins, std::size_t feature, Forest::Split& best, double& best_gain) const {
        Sum total;
        for (std::size_t b = 0; b <= edges_[feature].size(); ++b) {
            total.gradient += bins[b].gradient;
            total.rows += bins[b].rows;
        }
        Sum left;
        for (std::size_t b = 0; b < edges_[feature].size(); ++b) {
            left.gradient += bins[b].gradient;
            left.rows += bins[b].rows;
            const Sum right{total.gradient - left.gradient, total.rows - left.rows};
            if (left.rows < options_.leaf_rows_min || right.rows < options_.leaf_rows_min) continue;
            const double gain = score(left) + score(right) - score(total);
            if (gain > best_gain) {
                best_gain = gain;
                best = {static_cast<std::uint8_t>(feature), static_cast<std::uint8_t>(b)};
            }
        }
    }

    FitOptions options_;
    const std::vector<double>& target_;
    std::size_t rows_;
    std::vector<double> answer_;
    std::vector<double> gradient_;
    std::vector<std::vector<float>> edges_;
    std::vector<std::vector<std::uint8_t>> bins_;
    std::vector<Forest::Split> splits_;
    std::vector<double> leaves_;
    std::mt19937_64 random_;
    std::uniform_real_distribution<double> share_{0.0, 1.0};
};

}  // namespace

cost::Forest fit_forest(const std::vector<std::vector<float>>& columns, const std::vector<double>& target,
                        const FitOptions& options) {
    return Boosting(columns, target, options).run();
}

}  // namespace replayd::cost_fit
