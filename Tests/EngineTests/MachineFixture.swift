@testable import Engine
@testable import ReferenceModel

/// Where a reservation can be in its life.
enum MachineState: CaseIterable {
    case none
    case held
    /// Past the deadline, but the timer has not come round yet.
    case overdue
    case locked
    case confirmed
    case released
    case expired
    case partlyRefunded
    case refunded
    /// Held, but its event was called off.
    case calledOff
    /// Its slot has gone to another hold.
    case staleGeneration
}

/// What can be asked of a reservation.
enum MachineCommand: CaseIterable {
    case reserveRetry
    case lockPrice
    case extend
    case confirm
    case release
    case refund
    case expire
}

/// What can come of a command.
enum MachineOutcome: Equatable {
    /// Success; these facts, in order.
    case facts([String])
    /// Success that changes nothing.
    case unchanged
    /// The very answer that the reservation was made with, and no fact.
    case firstAnswer
    case refused(Rejection)
}

/// An event with ten places at 10.00, and one reservation of two of them, brought to a state.
struct MachineFixture {
    static let start: Milliseconds = 1_800_000_000_000
    static let deadline = start + 600_000
    static let customer: ShortText = "ada"
    static let tenant: ShortText = "shop"
    private static let key = IdempotencyKey(high: 1, low: 2, fingerprint: 3)

    private(set) var subject: ModelSubject
    private(set) var now = start
    private(set) var id = HoldID(
        event: EventKey(tenant: tenant, event: "gala"),
        reference: HoldReference(slot: 0, generation: 0),
        secret: 0
    )
    private(set) var firstAnswer: Answer?
    private var random: UInt64 = 0

    init(_ state: MachineState) throws {
        subject = try Self.event(places: 10)
        guard state != .none else { return }
        try perform(.reserveRetry)
        switch state {
        case .none, .held: break
        case .overdue: now = Self.deadline
        case .locked: try perform(.lockPrice)
        case .confirmed: try perform(.confirm)
        case .released: try perform(.release)
        case .expired:
            now = Self.deadline
            try perform(.expire)
        case .partlyRefunded:
            try perform(.confirm)
            _ = send(.refund(id, tickets: [1], restock: true))
        case .refunded:
            try perform(.confirm)
            try perform(.refund)
        case .calledOff: _ = send(.cancelEvent)
        case .staleGeneration:
            try perform(.release)
            // The reservation was made under a key: as long as that is answered its slot stays.
            now += InventoryLimits.idempotencyKeptMilliseconds + 1
            try takeSlot()
        }
    }

    static var details: EventDetails {
        var details = EventDetails(id: "gala", name: "Gala", currency: "EUR")
        details.holdTimeSeconds = 600
        return details
    }

    static func event(places: UInt32) throws -> ModelSubject {
        let context = CommandContext(tenant: tenant, now: start, random: (0, 0))
        var subject = try ModelSubject(creating: details, context)
        let commands: [Command] = [
            .addSection(SectionDetails(id: "floor", name: "Floor", total: places)),
            .addTier(PriceTierDetails(name: "Full", basePrice: 1_000)),
            .publishEvent,
        ]
        for command in commands {
            if case .rejected(let rejection) = subject.perform(command, context) { throw rejection }
        }
        return subject
    }

    /// Performs the command on the reservation and says what came of it.
    @discardableResult
    mutating func perform(_ command: MachineCommand) throws -> MachineOutcome {
        let records = subject.records.count
        let answer =
            switch command {
            case .reserveRetry: send(reservation, key: Self.key)
            case .lockPrice: send(.lockPrice(id, tier: nil))
            case .extend: send(.extend(id, seconds: 60))
            case .confirm: send(.confirm(id, paymentReference: "payment", amount: nil))
            case .release: send(.release(id))
            case .refund: send(.refund(id, tickets: [], restock: true))
            case .expire: send(.expire(id.reference), principal: .empty)
            }
        if case .reservedOne(let hold, _, _, _) = answer, firstAnswer == nil {
            firstAnswer = answer
            id = HoldID(event: id.event, reference: hold.reference, secret: hold.secret)
        }
        let facts = try subject.records[records...].flatMap { try EventRecord(bytes: $0).facts.map(ModelRun.caseName) }
        if case .rejected(let rejection) = answer { return .refused(rejection) }
        if !facts.isEmpty { return .facts(facts) }
        return answer == firstAnswer ? .firstAnswer : .unchanged
    }

    private var reservation: Command {
        .reserve(ReserveRequest(customer: Self.customer, first: .init(section: 0, quantity: 2)))
    }

    private mutating func send(
        _ command: Command,
        principal: ShortText = customer,
        key: IdempotencyKey? = nil
    ) -> Answer {
        random += 1
        let context = CommandContext(
            tenant: Self.tenant,
            principal: principal,
            now: now,
            random: (random, ~random),
            idempotency: key
        )
        return subject.perform(command, context)
    }

    /// Somebody else's reservation takes the slot that this one had.
    private mutating func takeSlot() throws {
        let answer = send(.reserve(ReserveRequest(first: .init(section: 0, quantity: 2))), principal: .empty)
        guard case .reservedOne(let hold, _, _, _) = answer, hold.reference.slot == id.reference.slot,
            hold.reference.generation != id.reference.generation
        else { throw SlotNotTaken(answer: answer) }
    }

    struct SlotNotTaken: Error { var answer: Answer }
}

extension EventRecord {
    init(bytes: [UInt8]) throws { self = try bytes.withUnsafeBytes { try EventRecord($0) } }
}
