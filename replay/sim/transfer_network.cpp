#include "replay/sim/transfer_network.hpp"

#include <algorithm>
#include <cmath>

#include "replay/base/assert.hpp"

namespace replayd {

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
    const std::uint64_t version = flow.version;
    flow = Flow{};
    flow.version = version;
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
    flow.in_the_making = false;
    flow.not_made = 0;
    touch(flow.egress);
    share_again(now);
}

void TransferNetwork::advance(VirtualTime now, std::vector<Place>& sent) {
    REPLAYD_ASSERT(next() == now);
    while (next() == now) {
        const Place place = events_.top().place;
        events_.pop();
        Flow& flow = flows_[place];
        flow.due = k_never;
        ++flow.version;
        drop_void_events();
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
    touched_flows_.clear();
    std::vector<std::uint32_t>& links = touched_links_;
    const auto add = [&](std::uint32_t link) {
        if (fillings_[link].seen == round_) return false;
        fillings_[link] = {links_[link].bytes_per_s, static_cast<std::int64_t>(links_[link].flows.size()), round_};
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
            settle(flow, now);
            touched_flows_.push_back(place);
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
    open_flows_ = touched_flows_.size();
    while (open_flows_ > 0) {
        const std::uint32_t link = tightest();
        const std::int64_t share = share_of(link);
        if (fix_slower_than(share)) continue;
        for (const Place place : links_[link].flows) {
            if (!flows_[place].fixed) fix(flows_[place], share);
        }
    }
    for (const Place place : touched_flows_) plan(place);
    touched_links_.clear();
    drop_void_events();
}

std::int64_t TransferNetwork::share_of(std::uint32_t link) const {
    return std::max<std::int64_t>(1, fillings_[link].left / fillings_[link].open);
}

std::uint32_t TransferNetwork::tightest() const {
    std::uint32_t best = 0;
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (const std::uint32_t link : touched_links_) {
        if (fillings_[link].open == 0 || share_of(link) >= least) continue;
        best = link;
        least = share_of(link);
    }
    return best;
}

bool TransferNetwork::fix_slower_than(std::int64_t share) {
    bool any = false;
    for (const Place place : touched_flows_) {
        Flow& flow = flows_[place];
        if (flow.fixed || !caught_up(flow) || flow.made_per_s > share) continue;
        fix(flow, flow.made_per_s);
        any = true;
    }
    return any;
}

void TransferNetwork::fix(Flow& flow, std::int64_t rate) {
    flow.rate = rate;
    flow.fixed = true;
    --open_flows_;
    for (const std::uint32_t link : {flow.egress, flow.ingress}) {
        fillings_[link].left -= rate;
        --fillings_[link].open;
    }
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

void TransferNetwork::plan(Place place) {
    Flow& flow = flows_[place];
    const VirtualTime time = due(flow);
    if (time == flow.due) return;
    flow.due = time;
    ++flow.version;
    if (time != k_never) events_.push({time, flow.sequence, place, flow.version});
}

void TransferNetwork::drop_void_events() {
    while (!events_.empty() && events_.top().version != flows_[events_.top().place].version) events_.pop();
}

}  // namespace replayd
