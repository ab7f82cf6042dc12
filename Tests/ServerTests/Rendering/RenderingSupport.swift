import Foundation
import Testing

@testable import Engine
@testable import Server

/// What never changes of an event, without the stock behind it.
struct KnownEvent: EventConstants {
    var key = KnownSections.event
    var id: ShortText = "show"
    var currency: ShortText = "EUR"

    func sectionID(_ number: SectionNumber) -> ShortText { number == 0 ? "floor" : "balcony" }
    func seatName(_ section: SectionNumber, _ position: UInt32) -> ShortText { ShortText("A-\(position)")! }

    func scheduleID(_ number: ScheduleNumber) -> ShortText { number == 0 ? "friday" : "saturday" }
    func scheduleNumber(id: ShortText) -> ScheduleNumber? { id == "friday" ? 0 : id == "saturday" ? 1 : nil }

    /// 2025-11-21T08:00:00.000Z.
    static let now: Milliseconds = 1_763_712_000_000

    static let view: EventView = {
        var details = EventDetails(id: "show", name: "Töne \"live\"", currency: "EUR")
        details.startsAt = now + 86_400_000
        details.attributes = #""artist":{"name":"X", "tags":[1, 2]}"#
        return EventView(details: details, status: .published, version: 3, createdAt: now - 1)
    }()

    static let section: SectionView = {
        var details = SectionDetails(id: "floor", name: "Floor", total: 100)
        details.code = "F"
        details.buffer = 10
        details.maximumPurchase = 8
        return SectionView(
            number: 0,
            details: details,
            counts: SectionCounts(total: 100, buffer: 10, reserved: 5, sold: 20)
        )
    }()

    static let venue: VenueView = {
        var details = VenueDetails(id: "arena", name: "Arena", maximumCapacity: 9_000)
        details.address.city = "Ulm"
        details.attributes = #""doors":[1, 2]"#
        return VenueView(details: details, version: 2, createdAt: now)
    }()

    static let schedule: ScheduleView = {
        var details = ScheduleDetails(id: "friday", startsAt: now, endsAt: now + 7_200_000)
        details.doorsOpenAt = now - 3_600_000
        details.attributes = #""act":"X""#
        return ScheduleView(details: details, version: 5)
    }()
    static let availability = SectionAvailability(number: 0, id: section.details.id, counts: section.counts)

    static let tier: TierView = {
        var details = PriceTierDetails(name: "Standard", basePrice: 5_000)
        details.serviceFee = 500
        details.facilityFee = 250
        details.taxBasisPoints = 800
        details.isDynamic = true
        details.maxPrice = 9_000
        details.maxPerCustomer = 6
        return TierView(number: 2, version: 4, details: details)
    }()

    static let lock = PriceLock(
        tierVersion: 4,
        unitPrice: 5_000,
        serviceFee: 500,
        facilityFee: 250,
        taxBasisPoints: 800,
        lockedAt: now
    )

    static func hold(
        status: HoldStatus = .held,
        locked: Bool = true,
        rest: [HoldLine] = [],
        order: OrderState? = nil
    ) -> HoldState {
        HoldState(
            reference: KnownIDs.hold.reference,
            secret: KnownIDs.hold.secret,
            customer: "ann",
            status: status,
            createdAt: now,
            expiresAt: now + 900_000,
            endedAt: 0,
            first: HoldLine(section: 0, quantity: 2, tier: locked ? 2 : nil, lock: locked ? lock : nil),
            rest: rest,
            order: order.map { OrderBox($0) }
        )
    }

    static func order(refunded: [UInt32] = []) -> OrderState {
        OrderState(
            confirmedAt: now + 1_000,
            total: 12_420,
            paymentReference: "pi_1",
            ticketSecret: (0x1111_2222_3333_4444, 0x5555_6666_7777_8888),
            refunded: refunded,
            restocked: refunded
        )
    }
}

/// A response taken apart.
struct Response {
    let status: Int
    let fields: [String: String]
    let body: String

    init(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let split = text.range(of: "\r\n\r\n") else { throw TestFailure("no end of the head: \(text)") }
        body = String(text[split.upperBound...])
        let lines = text[..<split.lowerBound].components(separatedBy: "\r\n")
        status = Int(lines[0].split(separator: " ")[1])!
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let colon = line.range(of: ": ")!
            let name = String(line[..<colon.lowerBound])
            #expect(fields[name] == nil, "\(name) twice")
            fields[name] = String(line[colon.upperBound...])
        }
        self.fields = fields
    }

    func json() throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(body.utf8))
        guard let object = value as? [String: Any] else { throw TestFailure("not an object: \(body)") }
        return object
    }
}

func reply(_ shape: ReplyContext.Shape = .ok, known: String? = nil, isHead: Bool = false) -> ReplyContext {
    var reply = ReplyContext(shape: shape, requestID: RequestID(IdempotencyKey(high: 1, low: 0xAB, fingerprint: 0)))
    reply.isHead = isHead
    if let known {
        var known = known
        known.withUTF8 { reply.known = EntityTags(UnsafeRawBufferPointer($0), weak: true) }
    }
    return reply
}

func bytes(
    _ outcome: Outcome,
    _ reply: ReplyContext = reply(),
    of event: KnownEvent? = KnownEvent()
) -> [UInt8] {
    var writer = ResponseWriter()
    let range = writer.write(outcome, reply, of: event)
    return writer.bytes.withBytes(in: range) { Array($0) }
}

func response(
    _ outcome: Outcome,
    _ context: ReplyContext = reply(),
    of event: KnownEvent? = KnownEvent()
) throws -> Response {
    try Response(bytes(outcome, context, of: event))
}
