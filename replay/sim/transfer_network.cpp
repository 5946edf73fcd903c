#include "replay/sim/transfer_network.hpp"

#include <algorithm>
#include <cmath>

#include "replay/base/assert.hpp"

namespace replayd {
namespace {

std::int64_t share(std::int64_t left, std::int64_t open) { return std::max<std::int64_t>(1, left / open); }

}  // namespace

Duration sending_time(Nanobytes amount, std::int64_t bytes_per_s) {
    const Nanobytes time = (amount + bytes_per_s - 1) / bytes_per_s;
    constexpr std::int64_t longest = std::numeric_limits<std::int64_t>::max() / 4;
    return Duration(time < longest ? static_cast<std::int64_t>(time) : longest);
}

std::int64_t card_rate(const NicSpec& cards) { return std::max<std::int64_t>(1, std::llround(cards.bytes_per_s)); }

TransferNetwork::TransferNetwork(std::span<const NicSpec> cards) { lay_cards(cards); }

void TransferNetwork::lay_cards(std::span<const NicSpec> cards) {
    first_card_.assign(1, 0);
    for (const NicSpec& spec : cards) {
        first_card_.push_back(first_card_.back() + static_cast<std::uint32_t>(spec.count));
    }
    links_.clear();
    for (int direction = 0; direction < 2; ++direction) {
        for (const NicSpec& spec : cards) {
            links_.insert(links_.end(), static_cast<std::size_t>(spec.count), Link{card_rate(spec), {}});
        }
    }
    fillings_.assign(links_.size(), {});
}

std::int64_t TransferNetwork::line_rate(std::int32_t source, std::int32_t destination) const {
    const std::uint32_t egress = first_card_[static_cast<std::size_t>(source)];
    const std::uint32_t ingress = first_card_.back() + first_card_[static_cast<std::size_t>(destination)];
    return std::min(links_[egress].bytes_per_s, links_[ingress].bytes_per_s);
}

std::uint32_t TransferNetwork::freest(std::uint32_t first, std::uint32_t end) const {
    const auto begin = links_.begin();
    const auto fewer = [](const Link& a, const Link& b) { return a.flows.size() < b.flows.size(); };
    return static_cast<std::uint32_t>(std::min_element(begin + first, begin + end, fewer) - begin);
}

void TransferNetwork::connect(Place place, std::uint32_t egress_card, std::uint32_t ingress_card) {
    Flow& flow = flows_[place];
    const auto pick = [&](std::int32_t replica, std::uint32_t offset, std::uint32_t card) {
        const std::uint32_t first = offset + first_card_[static_cast<std::size_t>(replica)];
        const std::uint32_t end = offset + first_card_[static_cast<std::size_t>(replica) + 1];
        return card < end - first ? first + card : freest(first, end);
    };
    flow.egress = pick(flow.source, 0, egress_card);
    flow.ingress = pick(flow.destination, first_card_.back(), ingress_card);
    flow.line_rate = std::min(links_[flow.egress].bytes_per_s, links_[flow.ingress].bytes_per_s);
    links_[flow.egress].flows.push_back(place);
    links_[flow.ingress].flows.push_back(place);
    touch(flow.egress);
    touch(flow.ingress);
}

void TransferNetwork::disconnect(Place place) {
    for (const std::uint32_t link : {flows_[place].egress, flows_[place].ingress}) {
        std::vector<Place>& on_it = links_[link].flows;
        *std::find(on_it.begin(), on_it.end(), place) = on_it.back();
        on_it.pop_back();
        touch(link);
    }
}

void TransferNetwork::start(Place place, const TransferLoad& load, VirtualTime now) {
    REPLAYD_ASSERT(next() >= now);
    if (flows_.size() <= place) flows_.resize(place + 1);
    Flow& flow = flows_[place];
    REPLAYD_ASSERT(!flow.under_way);
    flow = Flow{};
    flow.sequence = load.sequence;
    flow.source = load.source;
    flow.destination = load.destination;
    flow.remaining = load.total;
    flow.not_made = load.not_made;
    flow.made_per_s = load.made_per_s;
    flow.in_the_making = load.in_the_making;
    flow.since = now;
    flow.under_way = true;
    constexpr std::uint32_t any_card = std::numeric_limits<std::uint32_t>::max();
    connect(place, any_card, any_card);
    share_again(now);
}

void TransferNetwork::all_made(Place place, VirtualTime now) {
    Flow& flow = flows_[place];
    if (!flow.in_the_making) return;
    settle(flow, now);
    set_timer(place, k_never);
    flow.in_the_making = false;
    flow.not_made = 0;
    touch(flow.egress);
    share_again(now);
}

void TransferNetwork::advance(VirtualTime now, std::vector<Place>& sent) {
    REPLAYD_ASSERT(next() == now);
    while (next() == now) {
        const auto place = static_cast<Place>(timers_.first());
        set_timer(place, k_never);
        Flow& flow = flows_[place];
        if (flow.in_the_making) {
            touch(flow.egress);
            continue;
        }
        flow.under_way = false;
        disconnect(place);
        sent.push_back(place);
    }
    share_again(now);
}

void TransferNetwork::change_cards(std::span<const NicSpec> cards, VirtualTime now) {
    REPLAYD_ASSERT(cards.size() + 1 == first_card_.size());
    struct Wish {
        Place place;
        std::uint32_t egress_card;
        std::uint32_t ingress_card;
    };
    std::vector<Wish> wishes;
    for (Place place = 0; place < flows_.size(); ++place) {
        Flow& flow = flows_[place];
        if (!flow.under_way) continue;
        settle(flow, now);
        wishes.push_back({place, flow.egress - first_card_[static_cast<std::size_t>(flow.source)],
                          flow.ingress - first_card_.back() - first_card_[static_cast<std::size_t>(flow.destination)]});
    }
    std::sort(wishes.begin(), wishes.end(),
              [&](const Wish& a, const Wish& b) { return flows_[a.place].sequence < flows_[b.place].sequence; });
    lay_cards(cards);
    for (const Wish& wish : wishes) connect(wish.place, wish.egress_card, wish.ingress_card);
    share_again(now);
}

void TransferNetwork::touch(std::uint32_t link) { touched_links_.push_back(link); }

void TransferNetwork::find_touched(VirtualTime now) {
    ++round_;
    open_flows_ = 0;
    caught_up_.clear();
    std::vector<std::uint32_t>& links = touched_links_;
    const auto add = [&](std::uint32_t link) {
        if (fillings_[link].seen == round_) return false;
        const auto open = static_cast<std::int64_t>(links_[link].flows.size());
        const std::int64_t left = links_[link].bytes_per_s;
        fillings_[link] = {left, open, open == 0 ? 0 : share(left, open), round_};
        return true;
    };
    std::erase_if(links, [&](std::uint32_t link) { return !add(link); });
    // A change on one link moves those that share any link with it, and so on.
    for (std::size_t i = 0; i < links.size(); ++i) {
        for (const Place place : links_[links[i]].flows) {
            Flow& flow = flows_[place];
            if (flow.seen == round_) continue;
            flow.seen = round_;
            flow.fixed = false;
            ++open_flows_;
            if (flow.in_the_making) {
                settle(flow, now);
                if (caught_up(flow)) caught_up_.push_back(place);
            }
            for (const std::uint32_t link : {flow.egress, flow.ingress}) {
                if (add(link)) links.push_back(link);
            }
        }
    }
    // Of two links equally tight the lower one is filled first, however they were found.
    std::sort(links.begin(), links.end());
}

void TransferNetwork::share_again(VirtualTime now) {
    find_touched(now);
    while (open_flows_ > 0) {
        const std::uint32_t link = tightest();
        const std::int64_t rate = fillings_[link].share;
        if (fix_slower_than(rate, now)) continue;
        for (const Place place : links_[link].flows) {
            if (!flows_[place].fixed) fix(place, rate, now);
        }
    }
    touched_links_.clear();
}

std::uint32_t TransferNetwork::tightest() {
    std::erase_if(touched_links_, [&](std::uint32_t link) { return fillings_[link].open == 0; });
    return *std::min_element(touched_links_.begin(), touched_links_.end(),
                             [&](std::uint32_t a, std::uint32_t b) { return fillings_[a].share < fillings_[b].share; });
}

bool TransferNetwork::fix_slower_than(std::int64_t rate, VirtualTime now) {
    return std::erase_if(caught_up_, [&](Place place) {
               const Flow& flow = flows_[place];
               if (flow.fixed) return true;
               if (flow.made_per_s > rate) return false;
               fix(place, flow.made_per_s, now);
               return true;
           }) > 0;
}

void TransferNetwork::fix(Place place, std::int64_t rate, VirtualTime now) {
    Flow& flow = flows_[place];
    flow.fixed = true;
    --open_flows_;
    for (const std::uint32_t link : {flow.egress, flow.ingress}) {
        Filling& filling = fillings_[link];
        filling.left -= rate;
        if (--filling.open > 0) filling.share = share(filling.left, filling.open);
    }
    // The same rate as before leads to the same end.
    if (rate == flow.rate && !flow.in_the_making && flow.due != k_never) return;
    settle(flow, now);
    flow.rate = rate;
    set_timer(place, due(flow));
}

void TransferNetwork::settle(Flow& flow, VirtualTime now) {
    const Nanobytes elapsed = now.ns - flow.since.ns;
    flow.remaining = std::max<Nanobytes>(0, flow.remaining - flow.rate * elapsed);
    if (flow.in_the_making) flow.not_made -= flow.made_per_s * elapsed;
    flow.since = now;
}

bool TransferNetwork::caught_up(const Flow& flow) {
    // What is there would be gone within a nanosecond.
    return flow.in_the_making && flow.remaining - flow.not_made < flow.line_rate;
}

VirtualTime TransferNetwork::due(const Flow& flow) {
    if (!flow.in_the_making) return flow.since + sending_time(flow.remaining, flow.rate);
    if (caught_up(flow) || flow.rate <= flow.made_per_s) return k_never;
    const Nanobytes there = flow.remaining - flow.not_made;
    return flow.since + sending_time(there - (flow.rate - flow.made_per_s) + 1, flow.rate - flow.made_per_s);
}

void TransferNetwork::set_timer(Place place, VirtualTime time) {
    if (timers_.size() <= place) {
        timers_ = ReplicaTimers(2 * flows_.size());
        for (Place other = 0; other < flows_.size(); ++other) {
            timers_.set(static_cast<std::int32_t>(other), flows_[other].due);
        }
    }
    if (flows_[place].due == time) return;
    flows_[place].due = time;
    timers_.set(static_cast<std::int32_t>(place), time);
}

}  // namespace replayd
