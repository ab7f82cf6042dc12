import Engine
import WAL

/// Events on sale, and reservations of them: one ticket with its price locked, for a customer never seen before, under
/// an idempotency key of its own. The same seed gives the same sequence.
struct ReservationWorkload: Sendable {
    /// Long enough that nothing expires while something is measured.
    private static let holdSeconds: UInt32 = 6 * 3_600
    private static let tenant: ShortText = "bench"

    let events: [EventKey]
    let sectionsPerEvent: UInt32
    private var random: SplitMix64
    private(set) var made: UInt64 = 0

    init(seed: UInt64, events: Int, sectionsPerEvent: UInt32) {
        random = SplitMix64(seed: seed)
        self.sectionsPerEvent = sectionsPerEvent
        self.events = (0..<events).map { EventKey(tenant: Self.tenant, event: Self.eventID($0)) }
    }

    private static func eventID(_ number: Int) -> ShortText { ShortText("evt-\(number)")! }

    /// What puts the events on sale, in order.
    func visitSetup(_ body: (Submission) -> Void) {
        for (number, key) in events.enumerated() {
            let id = Self.eventID(number)
            var details = EventDetails(id: id, name: "Event \(number)", currency: "EUR")
            details.holdTimeSeconds = Self.holdSeconds
            details.holdTimeMaxSeconds = Self.holdSeconds
            body(submission(key, .createEvent(details)))
            var tier = PriceTierDetails(name: "Standard", basePrice: 50_00)
            tier.serviceFee = 5_00
            tier.facilityFee = 2_50
            tier.taxBasisPoints = 800
            body(submission(key, .addTier(tier)))
            for section in 0..<sectionsPerEvent {
                let sectionID = ShortText("evt-\(number)-s\(section)")!
                let places = InventoryLimits.placesPerSectionMax
                body(submission(key, .addSection(SectionDetails(id: sectionID, name: "Section", total: places))))
            }
            body(submission(key, .publishEvent))
        }
    }

    /// What makes every section one of numbered seats, in rows of 100, before anything is sold.
    func visitSeats(rowsPerSection: Int, _ body: (Submission) -> Void) {
        for key in events {
            for section in 0..<sectionsPerEvent {
                for first in stride(from: 0, to: rowsPerSection, by: 1_000) {
                    let rows = (first..<min(first + 1_000, rowsPerSection)).map {
                        SeatRow(label: ShortText("Row \($0)")!, from: 1, to: 100)
                    }
                    body(submission(key, .addSeats(section, rows)))
                }
            }
        }
    }

    private func submission(_ event: EventKey, _ command: Command) -> Submission {
        Submission(
            event: event,
            work: .command(command),
            context: CommandContext(tenant: Self.tenant, now: 0, random: (0, 0)),
            tag: ReplyTag(loop: 0, connection: 0, sequence: 0)
        )
    }

    /// The next buyer's reservation. `sequence` comes back with the answer.
    mutating func nextReservation(sequence: UInt32) -> Submission {
        made += 1
        let event = events[Int(random.next(below: UInt64(events.count)))]
        let section = UInt32(truncatingIfNeeded: random.next(below: UInt64(sectionsPerEvent)))
        let request = ReserveRequest(
            customer: Self.customer(made),
            first: .init(section: section, quantity: 1, tier: 0)
        )
        return keyed(event, .reserve(request), sequence)
    }

    mutating func nextConfirmation(of hold: HoldID, sequence: UInt32) -> Submission {
        keyed(hold.event, .confirm(hold, paymentReference: "payment", amount: nil), sequence)
    }

    mutating func nextRelease(of hold: HoldID, sequence: UInt32) -> Submission {
        keyed(hold.event, .release(hold), sequence)
    }

    private mutating func keyed(_ event: EventKey, _ command: Command, _ sequence: UInt32) -> Submission {
        let key = IdempotencyKey(high: random.next(), low: random.next(), fingerprint: random.next())
        let context = CommandContext(
            tenant: Self.tenant,
            now: 0,
            random: (random.next(), random.next()),
            idempotency: key
        )
        let tag = ReplyTag(loop: 0, connection: 0, sequence: sequence)
        return Submission(event: event, work: .command(command), context: context, tag: tag)
    }

    /// `c-` and ten digits, without touching the heap.
    private static func customer(_ number: UInt64) -> ShortText {
        withUnsafeTemporaryAllocation(byteCount: 12, alignment: 1) { bytes in
            bytes[0] = UInt8(ascii: "c")
            bytes[1] = UInt8(ascii: "-")
            var rest = number
            for place in 0..<10 {
                bytes[11 - place] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            return ShortText(utf8: UnsafeRawBufferPointer(bytes))!
        }
    }
}
