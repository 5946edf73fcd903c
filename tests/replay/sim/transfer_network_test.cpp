// Network cards shared by transfers: worked examples in nanoseconds, and properties over random networks. One byte per
// nanosecond is 1 GB/s.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "replay/base/random.hpp"
#include "replay/sim/transfer_network.hpp"

namespace replayd::test {
namespace {

constexpr double k_gb = 1e9;

TransferLoad load(std::int64_t sequence, std::int32_t source, std::int32_t destination, std::int64_t bytes) {
    TransferLoad made;
    made.sequence = sequence;
    made.source = source;
    made.destination = destination;
    made.total = k_nanobytes_per_byte * bytes;
    return made;
}

/// Lets everything happen; when each transfer was sent, by its place.
std::map<TransferNetwork::Place, std::int64_t> run_down(TransferNetwork& network) {
    std::map<TransferNetwork::Place, std::int64_t> ends;
    while (network.next() != TransferNetwork::k_never) {
        const VirtualTime now = network.next();
        std::vector<TransferNetwork::Place> sent;
        network.advance(now, sent);
        for (const auto place : sent) ends[place] = now.ns;
    }
    return ends;
}

using Ends = std::map<TransferNetwork::Place, std::int64_t>;

// 1,001 bytes at 3 GB/s are 333.67 ns: the next whole nanosecond.
TEST(TransferNetwork, one_transfer_has_the_slower_of_its_cards) {
    TransferNetwork network(std::vector<NicSpec>{{1, 3 * k_gb}, {1, 10 * k_gb}});
    network.start(0, load(0, 0, 1, 1001), VirtualTime(50));
    EXPECT_EQ(network.rate(0), 3'000'000'000);
    EXPECT_EQ(run_down(network), (Ends{{0, 50 + 334}}));
    network.start(0, load(1, 1, 0, 1001), VirtualTime(1000));
    EXPECT_EQ(run_down(network), (Ends{{0, 1000 + 334}}));
}

// Two from one source: half each until the smaller is gone, then the rest at full speed.
TEST(TransferNetwork, transfers_share_the_source) {
    TransferNetwork network(std::vector<NicSpec>{{1, k_gb}, {1, k_gb}, {1, k_gb}});
    network.start(0, load(0, 0, 1, 1000), VirtualTime(0));
    network.start(1, load(1, 0, 2, 400), VirtualTime(0));
    EXPECT_EQ(run_down(network), (Ends{{1, 800}, {0, 1400}}));
}

// Two sources to one destination share it; a card works in both directions, so a transfer the other way is not
// disturbed.
TEST(TransferNetwork, transfers_share_the_destination_and_directions_do_not) {
    TransferNetwork network(std::vector<NicSpec>{{1, k_gb}, {1, k_gb}, {1, k_gb}});
    network.start(0, load(0, 0, 2, 1000), VirtualTime(0));
    network.start(1, load(1, 1, 2, 1000), VirtualTime(500));
    network.start(2, load(2, 2, 0, 1000), VirtualTime(500));
    EXPECT_EQ(run_down(network), (Ends{{0, 1500}, {1, 2000}, {2, 1500}}));
}

// Source 0 sends to 2 and 3, source 1 to 3 only, which takes 1 GB/s: the two there get half each, and what the first
// cannot use there (0 has 2 GB/s) goes to its other transfer, as far as 2 takes it.
TEST(TransferNetwork, what_one_cannot_use_another_gets) {
    TransferNetwork network(std::vector<NicSpec>{{1, 2 * k_gb}, {1, 2 * k_gb}, {1, 5 * k_gb}, {1, k_gb}});
    network.start(0, load(0, 0, 2, 100'000), VirtualTime(0));
    network.start(1, load(1, 0, 3, 100'000), VirtualTime(0));
    network.start(2, load(2, 1, 3, 100'000), VirtualTime(0));
    EXPECT_EQ(network.rate(0), 1'500'000'000);
    EXPECT_EQ(network.rate(1), 500'000'000);
    EXPECT_EQ(network.rate(2), 500'000'000);
}

// With two cards the second transfer takes the idle one, the third the first again.
TEST(TransferNetwork, a_transfer_takes_the_card_with_the_fewest) {
    TransferNetwork network(std::vector<NicSpec>{{2, k_gb}, {2, k_gb}});
    for (std::uint32_t i = 0; i < 3; ++i) network.start(i, load(i, 0, 1, 1000), VirtualTime(0));
    EXPECT_EQ(network.rate(0), 500'000'000);
    EXPECT_EQ(network.rate(1), 1'000'000'000);
    EXPECT_EQ(network.rate(2), 500'000'000);
    EXPECT_EQ(run_down(network), (Ends{{1, 1000}, {0, 2000}, {2, 2000}}));
}

/// 1,000 bytes that are made over `step` ns: `before` are there, the last `layer` come at the end.
TransferLoad made_over(std::int64_t step, std::int64_t before, std::int64_t layer) {
    TransferLoad made = load(0, 0, 1, 1000);
    made.not_made = k_nanobytes_per_byte * (1000 - before);
    made.made_per_s = (1000 - before - layer) * k_ns_per_s / step;
    made.in_the_making = true;
    return made;
}

// Made slower than the card sends: it keeps up, and only the last layer is left at the end of the step.
TEST(TransferNetwork, a_transfer_in_the_making_keeps_up_with_it) {
    TransferNetwork network(std::vector<NicSpec>{{1, k_gb}, {1, k_gb}});
    network.start(0, made_over(2000, 0, 100), VirtualTime(0));
    EXPECT_EQ(network.rate(0), 450'000'000);
    EXPECT_EQ(network.next(), TransferNetwork::k_never);
    network.all_made(0, VirtualTime(2000));
    EXPECT_EQ(run_down(network), (Ends{{0, 2100}}));
}

// What was there before goes at full speed until it has caught up, after 300 / (1 - 0.5) ns.
TEST(TransferNetwork, a_transfer_in_the_making_first_sends_what_is_there) {
    TransferNetwork network(std::vector<NicSpec>{{1, k_gb}, {1, k_gb}});
    network.start(0, made_over(1200, 300, 100), VirtualTime(0));
    EXPECT_EQ(network.rate(0), 1'000'000'000);
    ASSERT_EQ(network.next(), VirtualTime(600));
    std::vector<TransferNetwork::Place> sent;
    network.advance(VirtualTime(600), sent);
    EXPECT_TRUE(sent.empty());
    EXPECT_EQ(network.rate(0), 500'000'000);
    network.all_made(0, VirtualTime(1200));
    EXPECT_EQ(run_down(network), (Ends{{0, 1300}}));
}

// Made faster than the card sends: the card is busy all the time, and ends as if all had been there.
TEST(TransferNetwork, a_slow_card_sends_all_the_time) {
    TransferNetwork network(std::vector<NicSpec>{{1, k_gb}, {1, k_gb}});
    network.start(0, made_over(500, 0, 100), VirtualTime(0));
    network.all_made(0, VirtualTime(500));
    EXPECT_EQ(run_down(network), (Ends{{0, 1000}}));
}

// A transfer that waits for its layers leaves the rest of the card to another.
TEST(TransferNetwork, others_get_what_a_transfer_in_the_making_leaves) {
    TransferNetwork network(std::vector<NicSpec>{{1, k_gb}, {1, k_gb}});
    network.start(0, made_over(4500, 0, 100), VirtualTime(0));  // 0.2 GB/s
    network.start(1, load(1, 0, 1, 800), VirtualTime(0));
    EXPECT_EQ(network.rate(1), 800'000'000);
    EXPECT_EQ(run_down(network), (Ends{{1, 1000}}));
}

// Half of it sent, then twice the cards at half the speed: the rest takes twice as long.
TEST(TransferNetwork, cards_can_change_under_way) {
    TransferNetwork network(std::vector<NicSpec>{{1, k_gb}, {1, k_gb}});
    network.start(0, load(0, 0, 1, 1000), VirtualTime(0));
    network.start(1, load(1, 0, 1, 1000), VirtualTime(0));
    network.change_cards(std::vector<NicSpec>{{2, k_gb / 2}, {1, k_gb}}, VirtualTime(1000));
    EXPECT_EQ(network.rate(0), 250'000'000) << "both stay on the first card";
    network.start(2, load(2, 0, 1, 100), VirtualTime(1000));
    EXPECT_EQ(network.rate(2), 500'000'000) << "a new one takes the second";
    network.change_cards(std::vector<NicSpec>{{1, k_gb}, {1, k_gb}}, VirtualTime(1100));
    EXPECT_EQ(network.rate(2), 333'333'333);
    // Then 475 bytes of the first two are left and 50 of the third.
    EXPECT_EQ(run_down(network), (Ends{{0, 2101}, {1, 2101}, {2, 1251}}));
}

struct RandomTransfer {
    std::int64_t at = 0;
    std::int64_t all_made_at = 0;  ///< of one in the making
    TransferLoad load;
    Nanobytes carried = 0;
    bool under_way = false;
};

/// Some transfers begin at one instant; some are in the making, and of these some are made faster than any card sends.
std::vector<RandomTransfer> random_transfers(Random& random) {
    std::vector<RandomTransfer> transfers(40);
    std::int64_t at = 0;
    for (std::size_t i = 0; i < transfers.size(); ++i) {
        at += static_cast<std::int64_t>(random.below(3) == 0 ? 0 : random.below(2'000'000));
        RandomTransfer& made = transfers[i];
        const auto bytes = 1 + static_cast<std::int64_t>(random.below(5'000'000));
        made.at = made.all_made_at = at;
        made.load = load(static_cast<std::int64_t>(i), static_cast<std::int32_t>(random.below(4)),
                         static_cast<std::int32_t>(4 + random.below(4)), bytes);
        if (random.below(3) != 0) continue;
        const auto before = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(bytes)));
        const auto step = 1 + static_cast<std::int64_t>(random.below(5'000'000));
        made.all_made_at += step;
        made.load.in_the_making = true;
        made.load.not_made = k_nanobytes_per_byte * (bytes - before);
        made.load.made_per_s =
            static_cast<std::int64_t>(k_nanobytes_per_byte * (bytes - before) * (random.below(8)) / 8 / step);
    }
    return transfers;
}

struct Bench {
    explicit Bench(Random& random) : transfers(random_transfers(random)) {
        std::vector<NicSpec> cards;
        for (int i = 0; i < 8; ++i) {
            cards.push_back(
                {1 + static_cast<std::int64_t>(random.below(3)), 1e6 * static_cast<double>(1 + random.below(5000))});
        }
        network = TransferNetwork(cards);
    }

    [[nodiscard]] std::int64_t next_time() const {
        std::int64_t next = network.next().ns;
        if (started < transfers.size()) next = std::min(next, transfers[started].at);
        for (const RandomTransfer& transfer : transfers) {
            if (transfer.under_way && transfer.all_made_at > now) next = std::min(next, transfer.all_made_at);
        }
        return next;
    }

    void pass_time(std::int64_t then) {
        for (std::uint32_t i = 0; i < started; ++i) {
            RandomTransfer& transfer = transfers[i];
            if (!transfer.under_way) continue;
            transfer.carried += Nanobytes(network.rate(i)) * (then - now);
            const bool making = then < transfer.all_made_at;
            const Nanobytes there = !making ? transfer.load.total
                                            : transfer.load.total - transfer.load.not_made +
                                                  Nanobytes(transfer.load.made_per_s) * (then - transfer.at);
            EXPECT_LT(transfer.carried, there + network.rate(i) + 1) << "sent before it was made: transfer " << i;
        }
        now = then;
    }

    void end_and_begin() {
        for (std::uint32_t i = 0; i < started; ++i) {
            if (transfers[i].under_way && transfers[i].all_made_at == now) network.all_made(i, VirtualTime(now));
        }
        std::vector<TransferNetwork::Place> sent;
        if (network.next().ns == now) network.advance(VirtualTime(now), sent);
        for (const auto place : sent) {
            RandomTransfer& transfer = transfers[place];
            transfer.under_way = false;
            const std::int64_t line = network.line_rate(transfer.load.source, transfer.load.destination);
            EXPECT_GE(transfer.carried, transfer.load.total);
            EXPECT_LT(transfer.carried - transfer.load.total, line) << "more than 1 ns late";
            EXPECT_GE(Duration(now - transfer.at), sending_time(transfer.load.total, line));
            EXPECT_GT(now, transfer.all_made_at - 1);
        }
        for (; started < transfers.size() && transfers[started].at == now; ++started) {
            network.start(static_cast<std::uint32_t>(started), transfers[started].load, VirtualTime(now));
            transfers[started].under_way = true;
        }
    }

    /// Rates sum to no more than a card gives, and nobody could have more without taking from one that has no more:
    /// each transfer is on a card that is given away (up to one byte per second for each on it) and has the most of
    /// those on it, or gets what is made.
    void expect_max_min_fair() const {
        std::map<TransferNetwork::Place, bool> held_back;
        for (const TransferNetwork::Link& link : network.links()) {
            std::int64_t sum = 0;
            std::int64_t most = 0;
            for (const auto place : link.flows) {
                sum += network.rate(place);
                most = std::max(most, network.rate(place));
            }
            EXPECT_LE(sum, link.bytes_per_s);
            const auto sharers = static_cast<std::int64_t>(link.flows.size());
            const bool given_away = link.bytes_per_s - sum < sharers;
            for (const auto place : link.flows) {
                const RandomTransfer& transfer = transfers[place];
                const bool waits = now < transfer.all_made_at && network.rate(place) == transfer.load.made_per_s;
                held_back[place] =
                    held_back[place] || waits || (given_away && network.rate(place) + sharers > most);
            }
        }
        for (const auto& [place, held] : held_back) EXPECT_TRUE(held) << "transfer " << place << " could have more";
    }

    std::vector<RandomTransfer> transfers;
    TransferNetwork network;
    std::size_t started = 0;
    std::int64_t now = 0;
};

// At every moment shares are max-min fair, so that no card idles that could work; every byte is sent, none before it
// was made; no card carries more than it can over any interval between two events; no transfer is faster than alone.
TEST(TransferNetwork, is_fair_and_conserves_bytes) {
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        Bench bench(random);
        for (std::int64_t then = bench.next_time(); then != TransferNetwork::k_never.ns; then = bench.next_time()) {
            bench.pass_time(then);
            bench.end_and_begin();
            bench.expect_max_min_fair();
            if (HasFailure()) return;
        }
        for (const RandomTransfer& transfer : bench.transfers) EXPECT_FALSE(transfer.under_way);
    }
}

}  // namespace
}  // namespace replayd::test
