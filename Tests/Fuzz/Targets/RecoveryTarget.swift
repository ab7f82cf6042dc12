@testable import Engine
@testable import Server
@testable import WAL

/// A run of records that passed their checksums, whoever wrote them. A start refuses them with a reason, or leads to a
/// state that keeps the invariants and can be asked and changed like any other.
enum RecoveryTarget {
    static func run(_ input: UnsafeRawBufferPointer) throws(Finding) {
        guard input.count <= 64 << 10 else { return }
        let entries = RecordList.decode(input)
        var recovery = Recovery()
        var failure: RecoveryError?
        do {
            for (index, entry) in entries.enumerated() {
                try entry.payload.withUnsafeBytes { payload in
                    if entry.isSnapshot { return try recovery.restore(payload) }
                    recovery.prefetch(payload)
                    try recovery.apply(payload, at: LogPosition(UInt64(index + 1)))
                }
            }
        } catch {
            guard let error = error as? RecoveryError else { throw Finding("an unexpected error: \(error)") }
            guard !error.description.isEmpty else { throw Finding("an error that says nothing") }
            failure = error
        }
        try checkLanes(entries, recovery, failure)
        for (key, event) in recovery.events {
            guard event.key == key else { throw Finding("an event under another number") }
            try check(event)
            try checkSnapshot(of: event)
            try ask(event)
            try change(event)
        }
    }

    /// The same records spread over lanes, as a start on many cores does it: the same state, or a failure as well.
    private static func checkLanes(
        _ entries: [RecordList.Entry],
        _ expected: Recovery,
        _ failure: RecoveryError?
    ) throws(Finding) {
        var merged = Recovery()
        do {
            let lanes = try (0..<3).map { _ in try ReplayLane(isThreaded: false, runBytes: 512) }
            for (index, entry) in entries.enumerated() {
                try entry.payload.withUnsafeBytes { payload in
                    let lane =
                        payload.count < 8 ? 0 : EventKey(rawValue: payload.loadUnaligned(as: UInt64.self)).shard(of: 3)
                    try lanes[lane].append(payload, entry.isSnapshot ? .snapshot : .log, number: UInt64(index + 1))
                }
            }
            for lane in lanes { merged.merge(try lane.finish()) }
        } catch {
            guard failure != nil else { throw Finding("refused on many cores only: \(error)") }
            return
        }
        guard failure == nil else { throw Finding("refused on one core only") }
        guard merged.digest == expected.digest else { throw Finding("another state on many cores") }
    }

    private static func check(_ event: EventInventory) throws(Finding) {
        // Sums for reports in a snapshot can be any that are countable: that they are the holds' is for `verify` to say.
        let broken = event.checkInvariants().filter { !$0.contains(", reports: ") }
        guard broken.isEmpty else { throw Finding(broken.joined(separator: "; ")) }
    }

    /// A snapshot of the state must lead to the same state.
    private static func checkSnapshot(of event: EventInventory) throws(Finding) {
        var restored = Recovery()
        do {
            for record in snapshotRecords(of: event, asOf: LogPosition(9)) {
                try record.withUnsafeBytes { try restored.restore($0) }
            }
        } catch {
            throw Finding("its own snapshot is refused: \(error)")
        }
    }

    /// Everything that can be shown of the event.
    private static func ask(_ event: EventInventory) throws(Finding) {
        var writer = ResponseWriter()
        let reply = ReplyContext(requestID: RequestID(random: (1, 2)))
        let context = CommandContext(tenant: event.tenant, now: event.lastCommandAt, random: (1, 2))
        let queries = [
            Query.event, .eventAndSale, .sections, .sectionPage(SectionFilter(limit: 200)), .tiers(activeOnly: false),
            .calculate(0, quantity: 1_000), .schedules(ScheduleFilter(limit: 200)), .nextSchedule,
            .venues(after: .empty, limit: 200),
        ]
        for query in queries {
            guard let finding = try? event.find(query, context) else { continue }
            writer.write(.finding(finding), reply, of: event)
        }
        for slot in 0..<UInt32(event.holdSlotCount) {
            let hold = event.holdState(slot)
            writer.write(.finding(.reservation(hold, at: context.now)), reply, of: event)
            if hold.status == .confirmed { writer.write(.finding(.order(hold, at: context.now)), reply, of: event) }
        }
        var keys: [IdempotencyKey] = []
        event.idempotency.visit { key, _, _ in keys.append(key) }
        for key in keys {
            if let answer = try? event.remembered(key) { writer.write(.answer(answer), reply, of: event) }
        }
    }

    /// A sale that goes on.
    private static func change(_ event: EventInventory) throws(Finding) {
        var event = event
        let now = min(event.lastCommandAt, SaleFixture.start) + 1
        for slot in 0..<UInt32(min(event.holdSlotCount, 32)) {
            let reference = event.reference(inSlot: slot)
            let id = HoldID(event: event.key, reference: reference, secret: event.holdState(slot).secret)
            let commands: [Command] = [
                .lockPrice(id, tier: nil), .extend(id, seconds: 1), .refund(id, tickets: [0], restock: true),
                slot % 2 == 0 ? .confirm(id, paymentReference: "p", amount: nil) : .release(id), .expire(reference),
                .refund(id, tickets: [], restock: true), .publishEvent,
                .reserve(ReserveRequest(customer: "zoe", first: .init(section: 0, quantity: 1))),
            ]
            for command in commands { try perform(command, on: &event, at: now) }
        }
        try check(event)
    }

    private static func perform(_ command: Command, on event: inout EventInventory, at now: Milliseconds)
        throws(Finding)
    {
        let context = CommandContext(tenant: event.tenant, now: now, random: (3, 4))
        guard let decision = try? event.decide(command, context) else { return }
        for fact in decision.facts {
            if let contradiction = event.contradiction(of: fact) {
                // A hold of the log may lie in the future of this clock.
                if case .holdReleased = fact { return }
                if case .lineLocked = fact { return }
                throw Finding("a decided fact is refused: \(contradiction): \(fact)")
            }
            event.apply(fact)
        }
    }

    static var seeds: [[UInt8]] {
        guard let sale = try? SaleFixture.sale() else { return [] }
        let records = sale.records.map { RecordList.Entry(isSnapshot: false, payload: $0) }
        let snapshot = snapshotRecords(of: sale.inventory, asOf: LogPosition(3)).map {
            RecordList.Entry(isSnapshot: true, payload: $0)
        }
        return [records, snapshot, Array(records.prefix(10)), snapshot + records.suffix(4)].map(RecordList.encode)
    }
}
