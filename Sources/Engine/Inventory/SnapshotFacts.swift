import WAL

extension EventInventory {
    /// The facts that rebuild this state from nothing, in an order in which they can be applied.
    public func visitSnapshotFacts<E: Error>(_ body: (Fact) throws(E) -> Void) throws(E) {
        try body(beginning)
        if let cancelledAt { try body(.cancellationRestored(at: cancelledAt)) }
        for venue in venues.venues { try body(.venueRestored(venue)) }
        for (number, schedule) in schedules.enumerated() {
            try body(.scheduleRestored(schedule.details, version: schedule.version))
            guard let at = schedule.cancelledAt else { continue }
            try body(.scheduleCancellationRestored(ScheduleNumber(number), at: at))
        }
        for section in sections { try body(.sectionAdded(section.details)) }
        for tier in tiers { try body(.tierRestored(tier.details, version: tier.version)) }
        // What is the tenant's and no event has no sales.
        if !details.id.isEmpty { try sales.visitFacts(body) }
        try visitStockFacts(body)
    }

    /// Seats, holds and answers.
    private func visitStockFacts<E: Error>(_ body: (Fact) throws(E) -> Void) throws(E) {
        for (number, map) in seatedSections { try visitSeats(number, map, body) }
        for gate in gates { try body(.gateSet(gate)) }
        for slot in 0..<UInt32(holds.count) {
            let hold = holdState(slot)
            try body(.holdRestored(hold.withoutTickets()))
            if let order = hold.order?.state, !order.tickets.isEmpty { try visitTickets(hold.reference, order, body) }
        }
        for (number, map) in seatedSections { try body(.seatRevisionRestored(number, revision: map.revision)) }
        var failure: E?
        var referred = [Bool](repeating: false, count: holds.count)
        idempotency.visit { key, at, bytes in
            guard failure == nil else { return }
            if let reference = KeptAnswer.reference(bytes), holds.find(reference) != nil {
                referred[Int(reference.slot)] = true
            }
            do throws(E) { try body(.answerRestored(key, at: at, Array(bytes))) } catch { failure = error }
        }
        if let failure { throw failure }
        for chunk in endedSlots(referred) { try body(.endedSlotsRestored(chunk)) }
    }

    private func visitTickets<E: Error>(
        _ reference: HoldReference,
        _ order: OrderState,
        _ body: (Fact) throws(E) -> Void
    ) throws(E) {
        var rest = order.tickets[...]
        while !rest.isEmpty {
            try body(.ticketsRestored(reference, Array(rest.prefix(Self.ticketsPerFact))))
            rest = rest.dropFirst(Self.ticketsPerFact)
        }
    }

    /// Few enough for a record of some ten kilobytes, however often each has changed hands.
    private static let ticketsPerFact = 64

    private var seatedSections: [(SectionNumber, SeatMap)] {
        sections.indices.compactMap { index in seatMap(of: SectionNumber(index)).map { (SectionNumber(index), $0) } }
    }

    /// Rows and blocked seats. Which seats are held and sold follows from the holds.
    private func visitSeats<E: Error>(
        _ number: SectionNumber,
        _ map: SeatMap,
        _ body: (Fact) throws(E) -> Void
    ) throws(E) {
        var first = 0
        while first < map.rowCount {
            let rows = first..<min(first + Self.rowsPerFact, map.rowCount)
            try body(.seatsAdded(number, rows.map { map.row($0) }))
            first = rows.upperBound
        }
        for row in 0..<map.rowCount {
            var blocked: [SeatRun] = []
            map.states.visit(map.names.positions(ofRow: row)) { state, seats in
                guard state == .blocked else { return }
                blocked.append(SeatRun(first: seats.lowerBound, count: UInt16(seats.count)))
            }
            if !blocked.isEmpty { try body(.seatsBlocked(number, blocked)) }
        }
    }

    /// Few enough for a record of some hundred kilobytes, whatever the seats are called.
    private static let rowsPerFact = 16

    private var beginning: Fact {
        guard !isOfTenant else {
            return .tenantRestored(tenant: tenant, createdAt: createdAt, lastCommandAt: lastCommandAt)
        }
        return .eventRestored(
            EventRestored(
                tenant: tenant,
                details: details,
                createdAt: createdAt,
                status: status,
                version: version,
                lastCommandAt: lastCommandAt
            )
        )
    }

    /// In a list of ended slots: an answer was made from this hold and is forgotten by now. The slot waits among those of
    /// kept answers all the same, and the kept answers don't tell so.
    static let answeredMark: UInt32 = 1 << 31

    /// The ended slots in the order in which they are used again, in front of them live ones that are to be marked.
    ///
    /// - Parameter referred: of each slot, whether an answer that is kept refers to its hold.
    private func endedSlots(_ referred: [Bool]) -> [[UInt32]] {
        var chunks: [[UInt32]] = [[]]
        func add(_ slot: UInt32) {
            if chunks[chunks.count - 1].count == 4_096 { chunks.append([]) }
            let isForgotten = holds[slot].isAnswered && !referred[Int(slot)]
            chunks[chunks.count - 1].append(isForgotten ? slot | Self.answeredMark : slot)
        }
        for slot in 0..<UInt32(holds.count) where holds[slot].isHeld && holds[slot].isAnswered && !referred[Int(slot)] {
            add(slot)
        }
        holds.visitEnded(add)
        return chunks.filter { !$0.isEmpty }
    }

    /// A number that says whether two inventories are the same, whatever led to them. Not cheap: it reads everything.
    public func digest(_ extent: DigestExtent = .whole) -> UInt64 {
        var buffer = RecordBuffer(capacity: 4_096)
        var digest = InventoryDigest(of: self)
        visitSnapshotFacts { fact in
            guard fact.extent <= extent else { return }
            buffer.removeAll()
            buffer.beginRecord()
            fact.encode(into: &buffer)
            buffer.withLastPayload { digest.combine($0) }
        }
        return digest.finish()
    }
}

/// How much of an inventory a digest covers. Snapshots of earlier builds don't tell all of it, and what they left out may be
/// unknown ever since.
public enum DigestExtent: Int, Comparable, Sendable {
    /// Without the sums that reports show, and what came later.
    case withoutSales
    /// Without since when dates are cancelled.
    case withSales
    case whole

    public static func < (left: DigestExtent, right: DigestExtent) -> Bool { left.rawValue < right.rawValue }
}

/// A sum over the hashes of an event's snapshot facts and of its running counts.
struct InventoryDigest {
    private let seed: UInt64
    private var sum: UInt64

    init(of event: EventInventory) {
        seed = event.key.rawValue
        sum = seed
        for section in event.sections {
            var hash = StableHash(seed: 1)
            hash.combine(section.reserved)
            hash.combine(section.sold)
            sum = sum &* 31 &+ hash.finish()
        }
    }

    /// Adds a fact, encoded.
    mutating func combine(_ fact: UnsafeRawBufferPointer) {
        var hash = StableHash(seed: seed)
        hash.combine(fact)
        sum &+= hash.finish()
    }

    func finish() -> UInt64 { sum }
}
