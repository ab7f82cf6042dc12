import Engine

/// One event, kept in the most naive way that could be right: every hold ever made in one array, every count
/// found by walking through it. It shares the vocabulary with the engine and nothing else; prices are worked out
/// here a second time.
struct ModelEvent {
    struct Section {
        var details: SectionDetails
        /// Row by row, in the order in which they stand; none where places are sold by number only.
        var seats: [Seat] = []
        var rowLabels: [ShortText] = []
    }

    struct Tier {
        var details: PriceTierDetails
        var version: UInt32
    }

    struct Hold {
        var state: HoldState
        /// Its slot was given to somebody else, so that nobody answers for it any more.
        var isForgotten = false
        /// What has happened to its tickets beside refunds.
        var tickets: [UInt32: Ticket] = [:]

        /// The section of each ticket, tickets being numbered through the lines in order.
        var sectionOfTicket: [SectionNumber] {
            lines.flatMap { line in Array(repeating: line.section, count: Int(line.quantity)) }
        }

        /// The price tier of each ticket, nil before a price was locked.
        var tierOfTicket: [TierNumber?] {
            lines.flatMap { line in Array(repeating: line.tier, count: Int(line.quantity)) }
        }

        var lines: [HoldLine] { [state.first] + state.rest }
    }

    struct Remembered {
        var fingerprint: UInt64
        var answer: Answer
        var at: Milliseconds
    }

    struct KeyName: Hashable {
        var high: UInt64
        var low: UInt64
    }

    /// Where quantities are added up before each is checked, more than this counts as this.
    static let absurdQuantity: UInt32 = 100_000

    let tenant: ShortText
    let key: EventKey
    let createdAt: Milliseconds
    var details: EventDetails
    var status = EventStatus.draft
    var version: UInt32 = 1
    var sections: [Section] = []
    var tiers: [Tier] = []
    var schedules: [ScheduleView] = []
    /// Of each schedule, since when it is cancelled; nil while it isn't.
    var cancellations: [Milliseconds?] = []
    /// Of a tenant's own inventory.
    var venues: [VenueView] = []
    var holds: [Hold] = []
    var gates: [GateDetails] = []
    /// When the event was called off; nil for one that was only deleted.
    var cancelledAt: Milliseconds?
    var remembered: [KeyName: Remembered] = [:]

    init(tenant: ShortText, details: EventDetails, at now: Milliseconds) {
        self.tenant = tenant
        self.details = details
        key = EventKey(tenant: tenant, event: details.id)
        createdAt = now
    }

    // MARK: - What there is

    func reserved(_ section: SectionNumber) -> UInt32 {
        var sum: UInt32 = 0
        for hold in holds where hold.state.status == .held {
            for line in hold.lines where line.section == section { sum += line.quantity }
        }
        return sum
    }

    func sold(_ section: SectionNumber) -> UInt32 {
        var sum: UInt32 = 0
        for hold in holds where hold.state.status == .confirmed {
            for line in hold.lines where line.section == section { sum += line.quantity }
            guard let restocked = hold.state.order?.state.restocked, !restocked.isEmpty else { continue }
            let sections = hold.sectionOfTicket
            for ticket in restocked where sections[Int(ticket)] == section { sum -= 1 }
        }
        return sum
    }

    func counts(_ section: SectionNumber) -> SectionCounts {
        let details = sections[Int(section)].details
        return SectionCounts(
            total: details.total,
            buffer: details.buffer,
            reserved: reserved(section),
            sold: sold(section)
        )
    }

    /// Tickets of a tier that a customer holds and owns: refunded ones are theirs no more.
    func held(by customer: ShortText, tier: TierNumber, except: Int?) -> UInt32 {
        var sum: UInt32 = 0
        for (index, hold) in holds.enumerated() where hold.state.customer == customer && index != except {
            switch hold.state.status {
            case .held:
                for line in hold.lines where line.tier == tier { sum += line.quantity }
            case .confirmed:
                let refunded = Set(hold.state.order?.state.refunded ?? [])
                for (ticket, owner) in hold.tierOfTicket.enumerated() where owner == tier {
                    if !refunded.contains(UInt32(ticket)) { sum += 1 }
                }
            case .released, .expired:
                break
            }
        }
        return sum
    }

    /// A hold past its deadline counts until the timer has come round, as its places do.
    func openHolds(of customer: ShortText) -> UInt32 {
        UInt32(holds.count { $0.state.customer == customer && $0.state.status == .held })
    }

    /// The same with orders.
    func liveHolds(of customer: ShortText) -> UInt32 {
        UInt32(holds.count { $0.state.customer == customer && [.held, .confirmed].contains($0.state.status) })
    }

    func holdIndex(_ id: HoldID, principal: ShortText) -> Int? {
        guard id.event == key else { return nil }
        return holds.firstIndex { hold in
            !hold.isForgotten && hold.state.reference == id.reference && hold.state.secret == id.secret
                && (principal.isEmpty || principal == hold.state.customer)
        }
    }

    /// Holds whose time is over and that still occupy places.
    func due(at now: Milliseconds) -> [HoldReference] {
        holds.filter { $0.state.status == .held && ($0.state.expiresAt <= now || isCalledOff($0.state)) }
            .map(\.state.reference)
    }

    // MARK: - Prices, worked out a second time

    func lock(_ number: TierNumber, quantity: UInt32, at now: Milliseconds) -> PriceLock {
        let tier = tiers[Int(number)]
        return PriceLock(
            tierVersion: tier.version,
            unitPrice: ModelPrice.unit(tier.details, quantity: quantity, at: now),
            serviceFee: tier.details.serviceFee,
            facilityFee: tier.details.facilityFee,
            taxBasisPoints: tier.details.taxBasisPoints,
            lockedAt: now
        )
    }
}

/// Prices by the words of the contract, in 128 bits, so that no overflow of the engine's is repeated here.
enum ModelPrice {
    /// `numerator / denominator`, half away from zero; neither is negative.
    static func rounded(_ numerator: Int128, by denominator: Int128) -> Int64 {
        let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: denominator)
        return Int64(remainder * 2 >= denominator ? quotient + 1 : quotient)
    }

    static func unit(_ tier: PriceTierDetails, quantity: UInt32, at now: Milliseconds) -> Int64 {
        var unit = tier.basePrice
        if tier.isDynamic, let current = tier.currentPrice { unit = current }
        if let price = tier.earlyBirdPrice, let end = tier.earlyBirdEndsAt, now < end { unit = price }
        if let price = tier.lastMinutePrice, let start = tier.lastMinuteStartsAt, start <= now { unit = price }
        if tier.groupSizeMin != 0, tier.groupSizeMin <= quantity {
            unit = rounded(Int128(unit) * Int128(10_000 - tier.groupDiscountBasisPoints), by: 10_000)
        }
        guard tier.isDynamic else { return unit }
        if let floor = tier.minPrice, unit < floor { unit = floor }
        if let ceiling = tier.maxPrice, unit > ceiling { unit = ceiling }
        return unit
    }

    static func total(_ lock: PriceLock, quantity: UInt32) -> Int64 {
        let perTicket = Int128(lock.unitPrice) + Int128(lock.serviceFee) + Int128(lock.facilityFee)
        let subtotal = perTicket * Int128(quantity)
        return Int64(subtotal) + rounded(subtotal * Int128(lock.taxBasisPoints), by: 10_000)
    }
}
