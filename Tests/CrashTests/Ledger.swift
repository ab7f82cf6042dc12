import Foundation

/// The outside record of everything the server has answered, over all of its lives.
struct Ledger: Sendable {
    private(set) var purchases: [Purchase] = []
    private(set) var edits: [Edit] = []
    /// What contradicted itself while the load was running.
    private(set) var contradictions: [Contradiction] = []
    private var loadEnded = ""
    private(set) var retriedCount = 0
    /// Of those retried, the ones that had become durable before the server died without answering.
    private(set) var survivedUnansweredCount = 0

    /// The first purchase that may have no answer; all before it are counted in `stock`.
    private var firstUnsettled = 0
    private var stock: [String: Stock] = [:]
    /// What a read has shown must stay.
    private var revisionShown = 0

    private struct Stock {
        var sold = 0
        var held = 0
    }

    var requestCount: Int { purchases.reduce(edits.count) { $0 + $1.steps.count } }
    var saleCount: Int { purchases.count { $0.status == "confirmed" && !$0.isPending } }
    var nextRevision: Int { (edits.last?.revision ?? 0) + 1 }

    /// Takes what a load made, once it has ended.
    mutating func add(_ made: Load.Made) {
        purchases += made.purchases
        edits += made.edits
        contradictions += made.contradictions
        loadEnded = Date.ISO8601FormatStyle(includingFractionalSeconds: true).format(.now)
    }

    mutating func add(_ purchase: Purchase) { purchases.append(purchase) }

    /// What a buyer would know if the power had failed when the disk had completed `flushes` and not one more.
    func asOf(flushes: UInt64) -> Ledger {
        var past = Ledger()
        past.purchases = purchases.compactMap { $0.asOf(flushes: flushes) }
        past.edits = edits.filter { $0.flushesWhenSent <= flushes }
        for index in past.edits.indices where (past.edits[index].flushesWhenAnswered ?? .max) > flushes {
            past.edits[index].flushesWhenAnswered = nil
        }
        return past
    }

    /// Sends every request without an answer again, under its key, and counts what all answers add up to.
    /// - Parameter flushes: how many the disk has completed.
    mutating func settle(_ port: UInt16, flushes: () -> UInt64 = { 0 }) throws {
        let connection = try Connection(port: port)
        for index in firstUnsettled..<purchases.count {
            if let step = purchases[index].steps.last, purchases[index].isPending {
                purchases[index].end(try step.send(connection), flushes: flushes())
                retriedCount += 1
                if let created = purchases[index].creation, created < loadEnded { survivedUnansweredCount += 1 }
            }
            let purchase = purchases[index]
            switch purchase.status {
            case "confirmed": stock[purchase.section, default: Stock()].sold += purchase.quantity
            case "held": stock[purchase.section, default: Stock()].held += purchase.quantity
            default: break
            }
        }
        firstUnsettled = purchases.count
    }

    /// Compares `chosen` purchases with the server, in every answered field and, with `retries`, every answered byte.
    func contradictions(_ chosen: [Purchase], _ port: UInt16, retries: Bool) -> [Contradiction] {
        Crew(threads: 4) { thread in
            do {
                let connection = try Connection(port: port)
                return try stride(from: thread, to: chosen.count, by: 4).flatMap {
                    try chosen[$0].contradictions(connection)
                        + (retries ? chosen[$0].retryContradictions(connection) : [])
                }
            } catch {
                return [.changed("\(error)")]
            }
        }.join()
    }

    /// The stock of every section, to the place: nothing sold twice, nothing given back twice, nothing beyond the total.
    func stockContradictions(_ port: UInt16) throws -> [Contradiction] {
        struct Capacity: Decodable {
            let id: String
            let totalCapacity, bufferCapacity, availableCapacity, reservedCapacity, soldCount: Int
        }
        let connection = try Connection(port: port)
        var contradictions: [Contradiction] = []
        for event in 0..<Venue.eventCount {
            let answer = try connection.get("/api/v1/events/\(Venue.event(event))/capacity?limit=200")
            let body = try Decoding.snakeCase.decode([String: [Capacity]?].self, from: Data(answer.body.utf8))
            let sections = (body["capacity"] ?? []) ?? []
            if sections.count != 1 + Venue.scarceSectionCount / Venue.eventCount {
                contradictions.append(.lost("\(Venue.event(event)) has \(sections.count) sections"))
            }
            for found in sections {
                let expected = stock[found.id] ?? Stock()
                let sentence = "\(found.id): answered \(expected), now \(found)"
                if found.soldCount > expected.sold || expected.sold + expected.held > Venue.places(found.id) {
                    contradictions.append(.doubled(sentence))
                } else if found.soldCount < expected.sold || found.reservedCapacity < expected.held {
                    contradictions.append(.lost(sentence))
                } else if found.reservedCapacity > expected.held
                    || found.availableCapacity + found.reservedCapacity + found.soldCount + found.bufferCapacity
                        != Venue.places(found.id)
                {
                    contradictions.append(.changed(sentence))
                }
            }
        }
        return contradictions
    }

    /// The newest answered edit is there, or one that was sent behind it.
    mutating func editContradictions(_ port: UInt16) throws -> [Contradiction] {
        let shown = try Edit.shown(Connection(port: port))
        let answered = edits.last { $0.flushesWhenAnswered != nil }?.revision ?? 0
        let sent = edits.last?.revision ?? 0
        let least = max(answered, revisionShown)
        revisionShown = max(revisionShown, shown)
        return (least...max(least, sent)).contains(shown)
            ? [] : [.lost("revision \(shown) of the text; \(least) was shown, \(sent) sent")]
    }

    func ticketsIssuedTwice() throws -> Int {
        let tickets = try purchases.flatMap { try $0.sale()?.tickets.map(\.id) ?? [] }
        return tickets.count - Set(tickets).count
    }
}
