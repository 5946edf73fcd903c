#include "replay/kv/prefix_cache.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "replay/base/random.hpp"
#include "replay/kv/block_pool.hpp"

namespace replayd {
namespace {

using Hashes = std::vector<std::uint64_t>;

// Blocks of 16 tokens, hashes over 512: an entry is 32 engine blocks.
TEST(PrefixCache, matches_the_longest_cached_chain_and_leaves_a_token_to_compute) {
    BlockPool pool(1000, Tokens(16), EvictionKind::least_recently_freed);
    const Hashes chain = {10, 11, 12};
    std::vector<CacheEntry> first;
    pool.allocate(96);
    for (std::int64_t i = 0; i < 3; ++i) {
        EXPECT_EQ(pool.share_prefix(chain[static_cast<std::size_t>(i)], i, 512, first), 32);
    }

    EXPECT_EQ(pool.cache()->match(chain, 512, 5000).tokens, 1536);
    EXPECT_EQ(pool.cache()->match(Hashes{10, 11, 99}, 512, 5000).tokens, 1024);
    EXPECT_EQ(pool.cache()->match(Hashes{99, 11, 12}, 512, 5000).entries, 0);
    // A prompt of exactly three blocks computes its last engine block again, so that there is a token to sample from.
    EXPECT_EQ(pool.cache()->match(chain, 512, 1536).tokens, 1520);
    EXPECT_EQ(pool.cache()->match(chain, 512, 1537).tokens, 1536);
    // The last hash covers 100 tokens of a partial block: it is never shared.
    EXPECT_EQ(pool.cache()->match(chain, 512, 1124).tokens, 1024);
}

TEST(PrefixCache, shared_blocks_count_once_and_stay_cached_after_release) {
    BlockPool pool(100, Tokens(16), EvictionKind::least_recently_freed);
    const Hashes chain = {1, 2};
    std::vector<CacheEntry> first;
    std::vector<CacheEntry> second;
    pool.allocate(64);
    for (std::int64_t i = 0; i < 2; ++i) pool.share_prefix(chain[static_cast<std::size_t>(i)], i, 512, first);
    pool.use_prefix(chain, pool.cache()->match(chain, 512, 2000), 2000, second);
    EXPECT_EQ(pool.used(), 64);
    pool.release_prefix(first);
    EXPECT_EQ(pool.used(), 64);
    pool.release_prefix(second);
    EXPECT_EQ(pool.used(), 0);
    EXPECT_EQ(pool.cached(), 64);
    EXPECT_EQ(pool.free(), 100);
    // 50 blocks fit only if one entry (of 32) goes: the end of the chain.
    pool.allocate(50);
    EXPECT_EQ(pool.cached(), 32);
    EXPECT_EQ(pool.cache()->match(chain, 512, 2000).entries, 1);
    EXPECT_EQ(pool.cache()->counters().evicted_entries, 1);
}

// Two entries freed in the order a, b; then a was used again before: lru keeps what was used last, the free
// queue keeps what was freed last.
TEST(PrefixCache, eviction_orders_differ_where_use_and_release_differ) {
    for (const EvictionKind kind : {EvictionKind::lru, EvictionKind::least_recently_freed}) {
        BlockPool pool(64, Tokens(16), kind);
        std::vector<CacheEntry> a;
        std::vector<CacheEntry> b;
        pool.allocate(64);
        pool.share_prefix(1, 0, 512, a);
        pool.share_prefix(2, 0, 512, b);
        // a was computed first and is freed last.
        pool.release_prefix(b);
        pool.release_prefix(a);
        pool.allocate(1);
        const std::uint64_t evicted = kind == EvictionKind::lru ? 1 : 2;
        EXPECT_EQ(pool.cache()->match(Hashes{evicted}, 512, 600).entries, 0);
        EXPECT_EQ(pool.cache()->match(Hashes{3 - evicted}, 512, 600).entries, 1);
    }
}

TEST(PrefixCache, engine_blocks_of_uneven_hash_blocks_tile_the_chain) {
    const PrefixCache cache(EvictionKind::lru, 24);
    std::int64_t total = 0;
    for (std::int64_t i = 0; i < 30; ++i) total += cache.entry_blocks(i, 100);
    EXPECT_EQ(total, 3000 / 24);
}

// The flat index against std::map under random inserts and erases.
TEST(PrefixIndex, behaves_like_a_map) {
    Random random(11);
    PrefixIndex index;
    std::map<std::uint64_t, std::uint32_t> model;
    for (std::uint32_t i = 0; i < 50'000; ++i) {
        const std::uint64_t hash = random.below(3000) * (random.below(2) == 0 ? 1 : 0x1000000000ULL);
        if (model.contains(hash)) {
            ASSERT_EQ(index.find(hash), model[hash]);
            index.erase(hash);
            model.erase(hash);
        } else {
            ASSERT_EQ(index.find(hash), PrefixIndex::k_absent);
            index.insert(hash, i);
            model[hash] = i;
        }
        ASSERT_EQ(index.size(), model.size());
    }
}

// Blank blocks go first, then what was left behind, in that order: two spent blocks, then a run from its end.
TEST(PrefixCache, an_evicted_request_finds_what_is_left_of_its_own_run) {
    BlockPool pool(10, Tokens(16), EvictionKind::least_recently_freed);
    pool.allocate(6);
    const CacheEntry run = pool.leave(7, 4, 2);
    EXPECT_EQ(pool.used(), 0);
    EXPECT_EQ(pool.cached(), 4);
    EXPECT_EQ(pool.blank(), 4);
    pool.allocate(5);
    EXPECT_EQ(pool.cache()->spent_blocks(), 1);
    pool.allocate(2);
    EXPECT_EQ(pool.cache()->spent_blocks(), 0);
    EXPECT_EQ(pool.cache()->run_blocks(run, 7), 3);
    EXPECT_EQ(pool.cache()->run_blocks(run, 8), 0);
    PrefixMatch match;
    match.own_blocks = match.blocks = match.unused_blocks = 2;
    std::vector<CacheEntry> held;
    pool.use_prefix({}, match, 40, held);
    pool.take_run(run, 7, match);
    EXPECT_EQ(pool.used(), 9);
    EXPECT_EQ(pool.cached(), 0);
    EXPECT_EQ(pool.cache()->spent_blocks(), 1);
    EXPECT_EQ(pool.cache()->run_blocks(run, 7), 0);
}

}  // namespace
}  // namespace replayd
