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
    let body: String
    var answer: Answer?

    func send(_ connection: Connection) throws -> Answer {
        let answer = try connection.post(path, body, key: key)
        // Never remembered, so never an answer to this key.
        if answer.status == 503 || answer.status == 429 { throw Unanswered() }
        return answer
    }
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
    let quantity: Int
    var steps: [Step] = []

    /// Goes on until the buyer has what it wants or the connection dies; then the last step has no answer.
    static func make(_ connection: Connection, key: String, random: inout SeededRandom) -> Purchase {
        var purchase = Purchase(quantity: Int.random(in: 1...4, using: &random))
        var deeds: [Deed] = Bool.random(using: &random) ? [.lock] : []
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<6: deeds.append(.confirm)
        case 6..<8: deeds.append(.release)
        default: break
        }
        for deed in [.reserve] + deeds {
            purchase.steps.append(purchase.step(deed, key: "\(key)-\(purchase.steps.count)"))
            guard let answer = try? purchase.steps[purchase.steps.count - 1].send(connection) else { break }
            purchase.steps[purchase.steps.count - 1].answer = answer
            if answer.status != 200 { break }
        }
        return purchase
    }

    private func step(_ deed: Deed, key: String) -> Step {
        let reservation = "/api/v1/reservations/\((try? answeredReservation())?.id ?? "?")"
        switch deed {
        case .reserve:
            return Step(
                deed: deed,
                key: key,
                path: "/api/v1/capacity/floor/reserve",
                body: "{\"quantity\":\(quantity)}"
            )
        case .lock: return Step(deed: deed, key: key, path: reservation + "/price-lock", body: "{}")
        case .confirm:
            return Step(
                deed: deed,
                key: key,
                path: reservation + "/confirm",
                body: "{\"payment_reference\":\"\(key)\"}"
            )
        case .release: return Step(deed: deed, key: key, path: reservation + "/release", body: "{}")
        }
    }

    var isPending: Bool { steps.last?.answer == nil }

    /// `held`, `confirmed` or `released` by the answers; meaningful once nothing is pending.
    var status: String {
        switch steps.last?.deed {
        case .confirm: "confirmed"
        case .release: "released"
        default: "held"
        }
    }

    /// The reservation as the newest answer that shows it whole said.
    func answeredReservation() throws -> Reservation? {
        guard let step = steps.last(where: { $0.deed != .confirm && $0.answer != nil }) else { return nil }
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

    /// What the server says now against what it had answered; empty when they agree.
    func contradictions(_ connection: Connection) throws -> [String] {
        if let refused = steps.compactMap(\.answer).first(where: { $0.status != 200 }) {
            return ["a request was answered \(refused.status): \(refused.body)"]
        }
        guard let answered = try answeredReservation() else { return [] }
        let answer = try connection.get("/api/v1/reservations/\(answered.id)")
        guard answer.status == 200 else { return ["reservation \(answered.id) is lost: \(answer.status)"] }
        var expected = answered
        var found = try Decoding.snakeCase.decode(ReservationAnswer.self, from: Data(answer.body.utf8)).reservation
        expected.status = status
        if status == "confirmed", answered.total == nil {
            // Confirming locks the prices that were not locked yet; the order below has the total.
            found.items = found.items.map { Reservation.Item(capacityId: $0.capacityId, quantity: $0.quantity) }
            found.total = nil
        }
        var contradictions = expected == found ? [] : ["answered \(expected), now \(found)"]
        if let sale = try sale() {
            let order = try connection.get("/api/v1/orders/\(sale.order.id)")
            if order != steps.last?.answer {
                contradictions.append("order \(sale.order.id) is lost or changed: \(order)")
            }
            if sale.tickets.count != quantity { contradictions.append("\(sale.tickets.count) tickets for \(quantity)") }
        }
        return contradictions
    }

    /// The same keys again must give the same bytes again.
    func retryContradictions(_ connection: Connection) throws -> [String] {
        try steps.compactMap { step in
            let again = try step.send(connection)
            return again == step.answer
                ? nil : "key \(step.key): first \(String(describing: step.answer)), then \(again)"
        }
    }
}
