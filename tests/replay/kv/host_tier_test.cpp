// The host tier by itself and behind a prefix cache.

#include "replay/kv/host_tier.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <vector>

#include "replay/base/random.hpp"
#include "replay/kv/block_pool.hpp"

namespace replayd {
namespace {

using Hashes = std::vector<std::uint64_t>;

// Against a list in order of use, with random sizes, touches and changes of the capacity.
TEST(HostTier, behaves_like_a_list_in_order_of_use) {
    struct Kept {
        std::uint64_t hash;
        std::int32_t blocks;
    };
    Random random(5);
    HostTier tier(40);
    std::int64_t capacity = 40;
    std::list<Kept> model;
    const auto used = [&] {
        std::int64_t blocks = 0;
        for (const Kept& kept : model) blocks += kept.blocks;
        return blocks;
    };
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t hash = random.below(60);
        const auto found =
            std::find_if(model.begin(), model.end(), [&](const Kept& kept) { return kept.hash == hash; });
        std::int64_t lost = 0;
        if (random.below(50) == 0) {
            capacity = static_cast<std::int64_t>(random.below(60));
            for (; used() > capacity; ++lost) model.pop_front();
            ASSERT_EQ(tier.resize(capacity), lost);
        } else if (found != model.end()) {
            model.splice(model.end(), model, found);
            if (random.below(2) == 0) {
                tier.touch(hash);
            } else {
                ASSERT_EQ(tier.store(hash, found->blocks), 0);
            }
        } else {
            const auto blocks = static_cast<std::int32_t>(random.below(50));
            if (blocks > capacity) {
                lost = 1;
            } else {
                for (; used() > capacity - blocks; ++lost) model.pop_front();
                model.push_back({hash, blocks});
            }
            ASSERT_EQ(tier.store(hash, blocks), lost);
        }
        ASSERT_EQ(tier.used_blocks(), used());
        for (std::uint64_t known = 0; known < 60; ++known) {
            ASSERT_EQ(tier.contains(known), std::any_of(model.begin(), model.end(),
                                                        [&](const Kept& kept) { return kept.hash == known; }));
        }
    }
}

/// Two entries of 32 blocks on a device with 64, then pushed out of it one by one.
struct Evicted {
    explicit Evicted(std::int64_t host_blocks) : pool(64, Tokens(16), EvictionKind::lru, host_blocks) {
        std::vector<CacheEntry> held;
        pool.allocate(64);
        for (std::int64_t i = 0; i < 2; ++i) pool.share_prefix(chain[static_cast<std::size_t>(i)], i, 512, held);
        pool.release_prefix(held);
    }
    void push_out(std::int64_t blocks) {
        pool.allocate(blocks);
        pool.release(blocks);
    }
    [[nodiscard]] PrefixMatch match(std::int64_t tokens) const { return pool.cache()->match(chain, 512, tokens); }

    Hashes chain = {1, 2};
    BlockPool pool;
};

// The end of the chain leaves the device first: the match goes on in the host's copy of it.
TEST(HostTier, a_match_goes_on_where_the_device_ends) {
    Evicted cache(100);
    cache.push_out(20);
    const PrefixMatch match = cache.match(5000);
    EXPECT_EQ(match.entries, 2);
    EXPECT_EQ(match.on_device, 1);
    EXPECT_EQ(match.tokens, 1024);
    EXPECT_EQ(match.blocks, 32);
    EXPECT_EQ(match.unused_blocks, 32);
    EXPECT_EQ(match.host_blocks, 32);
    EXPECT_EQ(match.host_tokens, 512);
    // A token is left to compute: the block that it is in counts for neither tier, although it is loaded.
    EXPECT_EQ(cache.match(1024).tokens, 1008);
    EXPECT_EQ(cache.match(1024).host_tokens, 496);
    EXPECT_EQ(cache.pool.cache()->counters().host_stored_entries, 1);
    cache.push_out(64);
    EXPECT_EQ(cache.match(5000).host_blocks, 64);
    EXPECT_EQ(cache.match(5000).on_device, 0);
}

// Room for one entry: the beginning of the chain came last and stays; without the host's copy the rest is lost.
TEST(HostTier, what_does_not_fit_is_lost) {
    Evicted cache(32);
    cache.push_out(64);
    EXPECT_EQ(cache.match(5000).tokens, 512);
    EXPECT_EQ(cache.pool.cache()->counters().host_stored_entries, 2);
    EXPECT_EQ(cache.pool.cache()->counters().host_evicted_entries, 1);
    Evicted smaller(31);
    smaller.push_out(64);
    EXPECT_EQ(smaller.match(5000).tokens, 0);
    EXPECT_EQ(smaller.pool.cache()->counters().host_stored_entries, 0);
    EXPECT_EQ(smaller.pool.cache()->counters().host_evicted_entries, 2);
    Evicted none(0);
    none.push_out(64);
    EXPECT_EQ(none.match(5000).tokens, 0);
    EXPECT_EQ(none.pool.cache()->counters().host_evicted_entries, 0);
}

// What comes back to the device and leaves it again is not written twice.
TEST(HostTier, a_copy_stays_on_the_host) {
    Evicted cache(100);
    cache.push_out(64);
    std::vector<CacheEntry> held;
    cache.pool.allocate(64);
    for (std::int64_t i = 0; i < 2; ++i) {
        EXPECT_EQ(cache.pool.share_prefix(cache.chain[static_cast<std::size_t>(i)], i, 512, held), 32);
    }
    EXPECT_EQ(cache.match(5000).host_blocks, 0);
    cache.pool.release_prefix(held);
    cache.push_out(64);
    EXPECT_EQ(cache.match(5000).host_blocks, 64);
    EXPECT_EQ(cache.pool.cache()->counters().host_stored_entries, 2);
    EXPECT_EQ(cache.pool.cache()->host().used_blocks(), 64);
}

// Mooncake's hashes are over 512 tokens. For engine blocks that divide them, are equal to them, are larger or do not
// divide them, random chains in random states of both tiers: a match ends with a whole engine block, leaves at least
// one token to compute and claims no token of a hashed block that the prompt fills in part; its blocks are those that
// its entries cover, each in one tier; and blocks are conserved.
TEST(PrefixCache, hashes_map_onto_engine_blocks_of_any_size) {
    for (const std::int64_t block : {1, 16, 48, 64, 100, 512, 768, 1024}) {
        for (std::uint64_t seed = 0; seed < 300; ++seed) {
            SCOPED_TRACE("block " + std::to_string(block) + ", seed " + std::to_string(seed));
            Random random(seed * 1000 + static_cast<std::uint64_t>(block));
            const auto most = static_cast<std::int64_t>(1 + random.below(30)) * 512 / block + 4;
            BlockPool pool(most, Tokens(block),
                           random.below(2) == 0 ? EvictionKind::lru : EvictionKind::least_recently_freed,
                           static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most))));
            for (int round = 0; round < 20; ++round) {
                const auto tokens =
                    1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most * block)));
                Hashes chain;
                std::uint64_t hash = 1;
                for (std::int64_t at = 0; at < tokens; at += 512) {
                    chain.push_back(hash = hash * 1'000'003 + random.below(2));
                }
                const PrefixMatch match = pool.cache()->match(chain, 512, tokens);
                ASSERT_EQ(match.tokens % block, 0);
                ASSERT_LT(match.tokens, tokens);
                ASSERT_LE(match.tokens, match.entries * 512);
                ASSERT_LE(match.entries * 512, tokens);
                ASSERT_EQ(match.blocks + match.host_blocks, match.entries * 512 / block);
                ASSERT_LE(match.host_tokens, match.tokens);
                ASSERT_GE(match.host_tokens, 0);

                // A request that matches, loads, computes the rest and shares it, as the scheduler does.
                std::vector<CacheEntry> held;
                const std::int64_t rest = pool.blocks_for(tokens) - match.blocks;
                ASSERT_LE(rest + match.unused_blocks, pool.free());
                pool.use_prefix(chain, match, tokens, held);
                pool.allocate(rest);
                std::int64_t shared = match.blocks;
                for (std::int64_t i = match.on_device; (i + 1) * 512 <= tokens; ++i) {
                    shared += pool.share_prefix(chain[static_cast<std::size_t>(i)], i, 512, held);
                }
                ASSERT_EQ(pool.used(), pool.blocks_for(tokens));
                ASSERT_LE(pool.used() + pool.cached(), pool.capacity());
                ASSERT_LE(pool.cache()->host().used_blocks(), pool.cache()->host().capacity());
                pool.release(pool.blocks_for(tokens) - shared);
                pool.release_prefix(held);
                ASSERT_EQ(pool.used(), 0);
            }
        }
    }
}

}  // namespace
}  // namespace replayd
