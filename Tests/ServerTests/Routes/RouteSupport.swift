import Engine
import Foundation
import Testing

@testable import Server

/// The tenant's sections as these tests know them, by tenant and id.
struct KnownSections: SectionLookup {
    static let event = EventKey(tenant: "default", event: "show")
    static let otherEvent = EventKey(tenant: "default", event: "other")

    /// How often somebody asked. Not empty for a reason: the thread sanitizer stops at an `inout` of an empty struct,
    /// which has no address.
    private(set) var count = 0

    mutating func find(tenant: ShortText, section: ShortText) -> (EventKey, SectionNumber)? {
        count += 1
        return switch (tenant.description, section.description) {
        case ("default", "floor"): (Self.event, 0)
        case ("default", "balcony"): (Self.event, 1)
        case ("default", "elsewhere"): (Self.otherEvent, 0)
        case ("shop", "floor"): (EventKey(tenant: "shop", event: "show"), 7)
        default: nil
        }
    }
}

/// A request as it comes over the wire, and what the router makes of it.
struct TestRequest {
    var method = "GET"
    var target: String
    var fields: [(String, String)] = []
    var body: String?
    var random: (UInt64, UInt64) = (0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210)

    init(
        _ method: String,
        _ target: String,
        _ body: String? = nil,
        key: String? = nil,
        tenant: String? = nil,
        customer: String? = nil,
        fields: [(String, String)] = []
    ) {
        self.method = method
        self.target = target
        self.body = body
        self.fields = fields
        if let key { self.fields.append(("Idempotency-Key", key)) }
        if let tenant { self.fields.append(("X-Tenant-Id", tenant)) }
        if let customer { self.fields.append(("X-Customer-Id", customer)) }
    }

    static let now: Milliseconds = 1_763_712_000_000

    func route(_ router: Router = Router(), caller: Authorization = .anybody) throws -> RoutedRequest {
        var sections = KnownSections()
        return try route(router, now: Self.now, caller: caller, sections: &sections)
    }

    func route(
        _ router: Router = Router(),
        now: Milliseconds,
        caller: Authorization = .anybody,
        sections: inout some SectionLookup
    ) throws -> RoutedRequest {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: test\r\n"
        let hasType = fields.contains { $0.0 == "Content-Type" }
        if body != nil, !hasType { text += "Content-Type: application/json\r\n" }
        for (name, value) in fields { text += "\(name): \(value)\r\n" }
        text += "Content-Length: \(body?.utf8.count ?? 0)\r\n\r\n\(body ?? "")"
        return try Array(text.utf8).withUnsafeBytes { bytes in
            var parser = RequestParser(limits: RequestLimits())
            guard case .request(let request, _) = parser.parse(bytes) else {
                throw TestFailure("not a request: \(text)")
            }
            return router.route(
                request,
                bytes,
                now: now,
                random: random,
                caller: caller,
                sections: &sections
            )
        }
    }

    func submission() throws -> RoutedSubmission {
        guard case .submission(let submission) = try route() else { throw TestFailure("no submission: \(try route())") }
        return submission
    }

    func command() throws -> Command {
        guard case .command(let command) = try submission().work else { throw TestFailure("no command") }
        return command
    }

    func query() throws -> Query {
        guard case .query(let query) = try submission().work else { throw TestFailure("no query") }
        return query
    }

    func change() throws -> ReadThenWrite {
        guard case .readThenWrite(let change) = try route() else { throw TestFailure("no change: \(try route())") }
        return change
    }

    func problem(_ router: Router = Router()) throws -> Problem {
        guard case .problem(let problem, _) = try route(router) else {
            throw TestFailure("no problem: \(try route(router))")
        }
        return problem
    }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension Problem {
    var summary: String { "\(status.rawValue) \(code)" }
    var fieldNames: [String] { errors.map(\.field) }
}

/// Reservation, order, tier and ticket ids as clients would have them.
enum KnownIDs {
    static let hold = HoldID(
        event: KnownSections.event,
        reference: HoldReference(slot: 7, generation: 3),
        secret: 0xDEAD_BEEF_0BAD_F00D
    )
    static let reservation = text(36) { PublicIdentifiers.write(hold, as: .reservation, into: $0) }
    static let order = text(36) { PublicIdentifiers.write(hold, as: .order, into: $0) }
    static let pricing = tier(2, of: KnownSections.event)
    static let otherPricing = tier(2, of: KnownSections.otherEvent)

    static func tier(_ number: TierNumber, of event: EventKey) -> String {
        text(20) { PublicIdentifiers.writeTier(number, of: event, into: $0) }
    }

    static func ticket(_ index: UInt32, of order: HoldID = hold) -> String {
        text(40) { PublicIdentifiers.writeTicket(index, of: order, into: $0) }
    }

    private static func text(_ count: Int, _ write: (UnsafeMutableRawBufferPointer) -> Void) -> String {
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBytes { write($0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
