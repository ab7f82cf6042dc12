import Testing

@testable import Engine
@testable import ReferenceModel

/// Scans that say when they were made: what is believed, and that nobody gets around a gate's window with the rest.
@Suite struct ScanClockTests {
    @Test func aTimeToComeOpensNoGate() throws {
        var door = try ScanDoor()
        let opens = door.now + 3_600_000
        _ = door.send(.setGate(GateDetails(id: "north", opensAt: opens)))
        #expect(try door.scan(0, at: nil, gate: "north").result == .gateClosed)
        let ahead = try door.scan(0, at: opens, gate: "north")
        #expect(ahead.result == .clockAhead && ahead.since == door.now && ahead.scannedAt == opens)
        #expect(ahead.checkIn == nil && ahead.ticket?.id == door.ticket(0))
        #expect(door.subject.inventory.ticket(door.ticket(0))?.history == nil)
        // When that time has come, the same scan is one like any other.
        door.now = opens - 60_000
        #expect(try door.scan(0, at: opens, gate: "north").result == .checkedIn)
        #expect(try door.scan(0, at: opens, gate: "north").result == .checkedIn)
        #expect(try door.scan(0, at: opens + 600_000).result == .alreadyCheckedIn)
    }

    @Test func aClockMayBeAMinuteAhead() throws {
        var door = try ScanDoor()
        #expect(try door.scan(0, at: door.now + 60_001).result == .clockAhead)
        #expect(try door.scan(0, at: door.now + 60_000).result == .checkedIn)
    }

    @Test func noScanIsOlderThanItsTicket() throws {
        var door = try ScanDoor()
        let issued = door.now
        door.now += 7_200_000
        let behind = try door.scan(0, at: issued - 3_600_001)
        #expect(behind.result == .clockBehind && behind.since == issued)
        #expect(try door.scan(0, at: 0).result == .clockBehind)
        #expect(try door.scan(0, at: issued - 3_600_000).result == .checkedIn)
        // Who has got a ticket has got its code with it.
        guard
            case .ticket(let offered) = door.send(
                .offerTransfer(door.ticket(1), recipient: .empty, expiresAt: nil),
                by: "ada"
            )
        else { throw Rejection.noSuchTicket }
        _ = door.send(.acceptTransfer(door.ticket(1), offered.offer!.code, customer: .empty), by: "ben")
        #expect(try door.scan(1, at: issued).result == .clockBehind)
        #expect(try door.scan(1, at: door.now - 3_600_000).result == .checkedIn)
        #expect(try door.scan(2, at: issued).result == .checkedIn)
    }

    @Test func aListHearsItScanByScan() throws {
        var door = try ScanDoor()
        let scans = try [door.now, door.now + 3_600_000, 1].enumerated().map { index, time in
            let found = try #require(door.subject.inventory.ticket(door.ticket(UInt32(index))))
            return TicketScan(ticket: found.id, code: found.code, scannedAt: time)
        }
        let context = CommandContext(
            tenant: MachineFixture.tenant,
            now: door.now,
            random: (1, 2),
            idempotency: IdempotencyKey(high: 1, low: 2, fingerprint: 3)
        )
        let answer = door.subject.perform(.scan(scans, isList: true), context)
        guard case .scanned(let outcomes, true) = answer else { throw Rejection.noSuchTicket }
        #expect(outcomes.map(\.result) == [.checkedIn, .clockAhead, .clockBehind])
        let restored = try door.subject.inventory.restoredFromSnapshot()
        #expect(try restored.remembered(context.idempotency!) == answer)
    }

    /// The place of somebody who is inside isn't sold again, however the refund names the tickets.
    @Test func whoIsInsideKeepsTheirPlace() throws {
        var door = try ScanDoor()
        #expect(try door.scan(1, at: nil).result == .checkedIn)
        for tickets in [[], [1], [2, 1]] as [[UInt32]] {
            let refund = Command.refund(door.order, tickets: tickets, restock: true)
            #expect(door.send(refund) == .rejected(.restockOfCheckedIn(index: 1, count: 1)))
        }
        guard case .refunded = door.send(.refund(door.order, tickets: [0], restock: true)),
            case .refunded = door.send(.refund(door.order, tickets: [1], restock: false))
        else { throw Rejection.orderNotFound }
        #expect(door.subject.inventory.counts(0).sold == 2)
        #expect(try door.scan(2, at: nil).result == .checkedIn)
        // An event that was called off sells no place again.
        _ = door.send(.cancelEvent)
        guard case .refunded = door.send(.refund(door.order, tickets: [], restock: true)) else {
            throw Rejection.orderNotFound
        }
        #expect(door.subject.inventory.counts(0).sold == 1)
        #expect(door.subject.inventory.checkInvariants() == [])
    }
}
