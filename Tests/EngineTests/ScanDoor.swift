import Testing

@testable import Engine
@testable import ReferenceModel

/// An order of three tickets, confirmed at `now`, and whoever scans them.
struct ScanDoor {
    var subject: ModelSubject
    var order: HoldID
    var now = MachineFixture.start + 10_000

    /// - Parameter date: that the tickets are for; nil for none.
    init(date: ScheduleDetails? = nil) throws {
        subject = try MachineFixture.event(places: 10)
        order = HoldID(event: subject.inventory.key, reference: HoldReference(slot: 0, generation: 0), secret: 0)
        if let date { try put(on: date) }
        let request = ReserveRequest(customer: "ada", first: .init(section: 0, quantity: 3))
        guard case .reservedOne(let hold, _, _, _) = send(.reserve(request)) else {
            throw Rejection.reservationNotFound
        }
        order = HoldID(event: order.event, reference: hold.reference, secret: hold.secret)
        _ = send(.confirm(order, paymentReference: "paid", amount: nil))
    }

    private mutating func put(on date: ScheduleDetails) throws {
        var section = subject.inventory.sectionView(0).details
        section.schedule = 0
        guard case .schedule = send(.addSchedule(date)), case .section = send(.updateSection(0, section)) else {
            throw Rejection.scheduleNotFound
        }
    }

    mutating func send(_ command: Command, by customer: ShortText = .empty) -> Answer {
        let random = UInt64(now)
        return subject.perform(
            command,
            CommandContext(tenant: MachineFixture.tenant, principal: customer, now: now, random: (random, ~random))
        )
    }

    func ticket(_ index: UInt32) -> TicketID { TicketID(index, of: order) }

    mutating func scan(_ index: UInt32, at time: Milliseconds?, gate: ShortText = .empty) throws -> ScanOutcome {
        let found = try #require(subject.inventory.ticket(ticket(index)))
        let scan = TicketScan(ticket: found.id, code: found.code, gate: gate, scannedAt: time)
        guard case .scanned(let outcomes, _) = send(.scan([scan], isList: false)) else {
            throw Rejection.noSuchTicket
        }
        return outcomes[0]
    }
}
