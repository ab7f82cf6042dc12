import Foundation

/// SplitMix64: one seed replays every choice of a run.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

enum Deed: Sendable {
    case reserve, lock, confirm, release
}

/// One request under its own key. `answer` is nil while nobody knows whether it took effect.
struct Step: Sendable {
    let deed: Deed
    let key: String
    let path: String
    /// The same as a line of a batch.
    let line: String
    let body: String
    var answer: Answer?
    /// Flushes that the disk had completed before the request was sent, and when its answer had come; 0 where no disk
    /// is watched.
    var flushesWhenSent: UInt64 = 0
    var flushesWhenAnswered: UInt64 = 0

    /// - Parameter subject: the section to reserve in, else the reservation.
    init(_ deed: Deed, _ subject: String, quantity: Int, key: String) {
        self.deed = deed
        self.key = key
        let (operation, name, members) =
            switch deed {
            case .reserve: ("reserve", "capacity_id", "\"quantity\":\(quantity)")
            case .lock: ("price-lock", "reservation_id", "")
            case .confirm: ("confirm", "reservation_id", "\"payment_reference\":\"\(key)\"")
            case .release: ("release", "reservation_id", "")
            }
        path = "/api/v1/\(deed == .reserve ? "capacity" : "reservations")/\(subject)/\(operation)"
        body = "{\(members)}"
        line =
            "{\"op\":\"\(operation)\",\"\(name)\":\"\(subject)\",\"idempotency_key\":\"\(key)\""
            + (members.isEmpty ? "}" : ",\(members)}")
    }

    func send(_ connection: Connection) throws -> Answer {
        let answer = try connection.post(path, body, key: key)
        guard answer.isRemembered else { throw Unanswered() }
        return answer
    }
}

extension Answer {
    /// 429 and 503 are never kept for a key, so they are no answer to it.
    var isRemembered: Bool { status != 503 && status != 429 }
}

enum Decoding {
    static var snakeCase: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }
}

/// The fields of a reservation that only an answered request may change.
struct Reservation: Decodable, Equatable {
    struct Item: Decodable, Equatable {
        struct Price: Decodable, Equatable {
            let pricingId: String
            let lockedPrice, serviceFee, facilityFee, taxRate: Decimal
            let lockedAt: String
        }
        let capacityId: String
        let quantity: Int
        var lockedPrice: Price?
    }
    let id, createdAt, expiresAt: String
    var status: String
    var items: [Item]
    var total: Decimal?
}

private struct ReservationAnswer: Decodable {
    let reservation: Reservation
}

struct Sale: Decodable {
    struct Order: Decodable {
        let id, createdAt: String
    }
    struct Ticket: Decodable {
        let id: String
    }
    let order: Order
    let tickets: [Ticket]
}

/// One buyer's requests, in order, as the buyer knows them: the record that the server can't touch.
struct Purchase: Sendable {
    let key: String
    let section: String
    let quantity: Int
    private let plan: [Deed]
    private(set) var steps: [Step] = []

    init(key: String, section: String, random: inout SeededRandom) {
        self.key = key
        self.section = section
        quantity = Int.random(in: 1...4, using: &random)
        var plan: [Deed] = Bool.random(using: &random) ? [.reserve, .lock] : [.reserve]
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<6: plan.append(.confirm)
        case 6..<8: plan.append(.release)
        default: break
        }
        self.plan = plan
    }

    // MARK: Making

    /// What the buyer does next; nil when it has what it wanted, was refused, or waits for an answer.
    func nextStep() -> Step? {
        guard steps.count < plan.count, !isPending, !isRefused else { return nil }
        let deed = plan[steps.count]
        guard let subject = deed == .reserve ? section : (try? answeredReservation())?.id else { return nil }
        return Step(deed, subject, quantity: quantity, key: "\(key)-\(steps.count)")
    }

    mutating func begin(_ step: Step, flushes: UInt64) {
        steps.append(step)
        steps[steps.count - 1].flushesWhenSent = flushes
    }

    mutating func end(_ answer: Answer, flushes: UInt64) {
        steps[steps.count - 1].answer = answer
        steps[steps.count - 1].flushesWhenAnswered = flushes
    }

    // MARK: What the answers say

    var isPending: Bool { !steps.isEmpty && steps[steps.count - 1].answer == nil }

    /// No places were left; the one refusal that a buyer has to reckon with.
    var isRefused: Bool {
        guard let answer = steps.first?.answer else { return false }
        return answer.status == 409 && answer.body.contains("\"SOLD_OUT\"")
    }

    /// `held`, `confirmed`, `released` or `refused` by the answers; meaningful once nothing is pending.
    var status: String {
        if isRefused { return "refused" }
        switch steps.last?.deed {
        case .confirm: return "confirmed"
        case .release: return "released"
        default: return "held"
        }
    }

    /// The reservation as the newest answer that shows it whole said.
    func answeredReservation() throws -> Reservation? {
        guard !isRefused, let step = steps.last(where: { $0.deed != .confirm && $0.answer != nil }) else { return nil }
        return try Decoding.snakeCase.decode(ReservationAnswer.self, from: Data(step.answer!.body.utf8)).reservation
    }

    func sale() throws -> Sale? {
        guard let step = steps.last, step.deed == .confirm, let answer = step.answer else { return nil }
        return try Decoding.snakeCase.decode(Sale.self, from: Data(answer.body.utf8))
    }

    /// When the last step took effect, where its answer says so.
    var creation: String? {
        switch steps.last?.deed {
        case .reserve: (try? answeredReservation())?.createdAt
        case .confirm: (try? sale())?.order.createdAt
        default: nil
        }
    }

    /// What was known of this purchase when the disk had completed `flushes` and not one more; nil if nothing was sent.
    func asOf(flushes: UInt64) -> Purchase? {
        var past = self
        past.steps.removeAll { $0.flushesWhenSent > flushes }
        if past.steps.isEmpty { return nil }
        let last = past.steps.count - 1
        if past.steps[last].flushesWhenAnswered > flushes { past.steps[last].answer = nil }
        return past
    }

    // MARK: What the server says now, against that

    func contradictions(_ connection: Connection) throws -> [Contradiction] {
        if isRefused { return [] }
        if let refused = steps.compactMap(\.answer).first(where: { $0.status != 200 }) {
            return [.changed("a request was answered \(refused.status): \(refused.body)")]
        }
        guard let answered = try answeredReservation() else { return [] }
        let answer = try connection.get("/api/v1/reservations/\(answered.id)")
        guard answer.status == 200 else { return [.lost("reservation \(answered.id) is lost: \(answer.status)")] }
        var expected = answered
        var found = try Decoding.snakeCase.decode(ReservationAnswer.self, from: Data(answer.body.utf8)).reservation
        expected.status = status
        if status == "confirmed", answered.total == nil {
            // Confirming locks the prices that were not locked yet; the order below has the total.
            found.items = found.items.map { Reservation.Item(capacityId: $0.capacityId, quantity: $0.quantity) }
            found.total = nil
        }
        var contradictions: [Contradiction] = []
        if expected != found {
            let sentence = "answered \(expected), now \(found)"
            contradictions.append(expected.status == found.status ? .changed(sentence) : .lost(sentence))
        }
        if let sale = try sale() {
            let order = try connection.get("/api/v1/orders/\(sale.order.id)")
            if order.status != 200 || !order.shows(steps.last?.answer?.body ?? "") {
                contradictions.append(.lost("order \(sale.order.id) is lost or changed: \(order)"))
            }
            if sale.tickets.count != quantity {
                contradictions.append(.changed("\(sale.tickets.count) tickets for \(quantity)"))
            }
        }
        return contradictions
    }

    /// The same keys again must give the same bytes again, singly also where they came in a batch.
    func retryContradictions(_ connection: Connection) throws -> [Contradiction] {
        try steps.compactMap { step in
            let again = try step.send(connection)
            return again == step.answer
                ? nil : .changed("key \(step.key): first \(String(describing: step.answer)), then \(again)")
        }
    }
}

extension Answer {
    /// Whether everything that an earlier answer said is in this one, unchanged. A read may say more than a change did.
    func shows(_ earlier: String) -> Bool {
        func value(_ text: String) -> NSObject? {
            try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSObject
        }
        guard let earlier = value(earlier), let now = value(body) else { return false }
        return Self.isPart(earlier, of: now)
    }

    private static func isPart(_ part: NSObject, of whole: NSObject) -> Bool {
        switch (part, whole) {
        case (let part as [String: NSObject], let whole as [String: NSObject]):
            part.allSatisfy { name, value in whole[name].map { isPart(value, of: $0) } ?? false }
        case (let part as [NSObject], let whole as [NSObject]):
            part.count == whole.count && zip(part, whole).allSatisfy { isPart($0, of: $1) }
        default: part == whole
        }
    }
}

/// Where the server says otherwise than it had answered.
enum Contradiction: Sendable, CustomStringConvertible {
    /// An answered change isn't there any more.
    case lost(String)
    /// A place was given to two, or more places than there are.
    case doubled(String)
    /// An answer given twice, and not the same.
    case changed(String)

    var description: String {
        switch self {
        case .lost(let sentence): "lost: \(sentence)"
        case .doubled(let sentence): "sold twice: \(sentence)"
        case .changed(let sentence): "changed: \(sentence)"
        }
    }

    var isLoss: Bool { if case .lost = self { true } else { false } }
    var isDouble: Bool { if case .doubled = self { true } else { false } }
}
