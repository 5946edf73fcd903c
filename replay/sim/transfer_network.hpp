#pragma once
// The network cards (NICs) of all replicas and the KV transfers on them, as fluids. A transfer goes over one card of
// its source (egress) and one of its destination (ingress), for each the card with the fewest transfers when it starts,
// the lowest index among equals; a card works in both directions at full speed. Cards are shared max-min fairly: nobody
// can get more without somebody who has no more getting less (progressive filling; Bertsekas and Gallager, Data
// Networks, section 6.5.2). A transfer whose KV is still being computed never asks for more than is made.
// Rates are whole bytes per second, rounded down, and time whole nanoseconds, so that results depend on no order of
// summation: a card can idle by less than one byte per second and transfer, a transfer end less than 1 ns late. (Where
// a card had more transfers than bytes per second, each would still get one.)
// A change costs O(transfers + cards^2) of those that share cards with it, directly or through others.
// Left out: packets and protocols (a rate is reached at once), cards of one node that share a PCIe switch, other
// traffic.

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "replay/base/units.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/sim/replica_timers.hpp"

namespace replayd {

/// Amount of data in nanobytes: bytes per second × nanoseconds. 1 TB is 1e21.
__extension__ typedef __int128 Nanobytes;  // NOLINT(modernize-use-using): -Wpedantic wants it so

inline constexpr Nanobytes k_nanobytes_per_byte = 1'000'000'000;

/// Time to send `amount` at `bytes_per_s`, rounded up.
[[nodiscard]] Duration sending_time(Nanobytes amount, std::int64_t bytes_per_s);

/// Whole bytes per second of a card.
[[nodiscard]] std::int64_t card_rate(const NicSpec& cards);

/// What is to be sent. All of it is there when `made_per_s` is 0 and `not_made` too; otherwise `not_made` of it is
/// still to be made, so many bytes per second of it continually, and what remains all at once
/// (TransferNetwork::all_made).
struct TransferLoad {
    std::int64_t sequence = 0;      ///< of the request: order where times are equal
    std::int32_t source = 0;        ///< replicas, over all pools
    std::int32_t destination = 0;
    Nanobytes total = 0;
    Nanobytes not_made = 0;
    std::int64_t made_per_s = 0;
    bool in_the_making = false;
};

class TransferNetwork {
public:
    using Place = std::uint32_t;  ///< names a transfer, chosen by the caller; small, reused
    static constexpr VirtualTime k_never = ReplicaTimers::k_never;

    /// `cards`: of each replica, over all pools.
    explicit TransferNetwork(std::span<const NicSpec> cards = {});

    /// A transfer begins at `now`. Precondition: nothing is due before `now`; `place` is not under way.
    void start(Place place, const TransferLoad& load, VirtualTime now);
    /// The rest of what the transfer sends was made at `now`. Does nothing if it was there already.
    void all_made(Place place, VirtualTime now);

    /// When something changes by itself: a transfer has been sent or has caught up with what is made. k_never if
    /// nothing will.
    [[nodiscard]] VirtualTime next() const { return timers_.first_time(); }
    /// Lets that happen at `now` == next(); appends the transfers whose last byte has left.
    void advance(VirtualTime now, std::vector<Place>& sent);

    /// Other cards from `now` on, for the same replicas. Transfers stay on the card of their index where it still
    /// exists; the others go to the cards with the fewest, in order of their requests.
    void change_cards(std::span<const NicSpec> cards, VirtualTime now);

    /// Bytes per second that a transfer under way gets now, and that its two cards could give one transfer.
    [[nodiscard]] std::int64_t rate(Place place) const { return flows_[place].rate; }
    [[nodiscard]] std::int64_t line_rate(std::int32_t source, std::int32_t destination) const;

    /// One direction of one card, and what is on it now.
    struct Link {
        std::int64_t bytes_per_s = 0;
        std::vector<Place> flows;
    };
    /// Egress of all cards of all replicas, then ingress likewise.
    [[nodiscard]] std::span<const Link> links() const { return links_; }

private:
    struct Flow {
        std::int64_t sequence = 0;
        std::int32_t source = 0;
        std::int32_t destination = 0;
        std::uint32_t egress = 0;      ///< links
        std::uint32_t ingress = 0;
        Nanobytes remaining = 0;       ///< at `since`
        Nanobytes not_made = 0;        ///< at `since`
        std::int64_t made_per_s = 0;
        std::int64_t line_rate = 0;
        std::int64_t rate = 0;         ///< from `since` on
        VirtualTime since;
        VirtualTime due = k_never;     ///< its timer
        bool under_way = false;
        bool in_the_making = false;
        bool fixed = false;            ///< scratch of the filling
        std::uint64_t seen = 0;        ///< by this round of the search for touched transfers
    };
    struct Filling {
        std::int64_t left = 0;         ///< bytes per second not given away
        std::int64_t open = 0;         ///< transfers without a rate
        std::int64_t share = 0;        ///< of each of them: left / open, at least 1
        std::uint64_t seen = 0;
    };

    void lay_cards(std::span<const NicSpec> cards);
    [[nodiscard]] std::uint32_t freest(std::uint32_t first, std::uint32_t end) const;
    void connect(Place place, std::uint32_t egress_card, std::uint32_t ingress_card);
    void disconnect(Place place);
    void touch(std::uint32_t link);
    void share_again(VirtualTime now);
    void find_touched(VirtualTime now);
    [[nodiscard]] std::uint32_t tightest();
    bool fix_slower_than(std::int64_t rate, VirtualTime now);
    void fix(Place place, std::int64_t rate, VirtualTime now);
    static void settle(Flow& flow, VirtualTime now);
    [[nodiscard]] static bool caught_up(const Flow& flow);
    [[nodiscard]] static VirtualTime due(const Flow& flow);
    void set_timer(Place place, VirtualTime time);

    std::vector<std::uint32_t> first_card_;  ///< of each replica, and one past the last
    std::vector<Link> links_;
    std::vector<Filling> fillings_;          ///< in the order of links_
    std::vector<Flow> flows_;                ///< by Place
    ReplicaTimers timers_;                   ///< by Place
    std::vector<std::uint32_t> touched_links_;  ///< scratch
    std::vector<Place> caught_up_;              ///< scratch: touched transfers that get no more than what is made
    std::size_t open_flows_ = 0;                ///< scratch: touched transfers without a rate
    std::uint64_t round_ = 0;
};

}  // namespace replayd
