import Foundation
import Synchronization

/// Eight buyers who buy until the server is gone, or until they are told to stop.
final class Load: Sendable {
    private let isStopped = Atomic(false)
    private let crew = Mutex<Crew<Purchase>?>(nil)

    init(port: UInt16, seed: UInt64, name: String) {
        let buyers = Crew(threads: 8) { thread in
            guard let connection = try? Connection(port: port) else { return [Purchase]() }
            var random = SeededRandom(state: seed &+ UInt64(thread))
            var purchases: [Purchase] = []
            while !self.isStopped.load(ordering: .relaxed) {
                let key = "\(name)-\(thread)-\(purchases.count)"
                purchases.append(Purchase.make(connection, key: key, random: &random))
                if purchases[purchases.count - 1].isPending { break }
            }
            return purchases
        }
        crew.withLock { $0 = buyers }
    }

    /// Every answered request is in what this returns.
    func finish() -> [Purchase] {
        isStopped.store(true, ordering: .relaxed)
        return crew.withLock { $0 }!.join()
    }
}

/// The outside record of everything the server has answered, over all of its lives.
struct Ledger {
    static let placesTotal = 10_000_000
    private(set) var purchases: [Purchase] = []
    private var loadEnded = ""
    private(set) var retriedCount = 0
    /// Of those retried, the ones that had become durable before the server died without answering.
    private(set) var survivedUnansweredCount = 0

    var requestCount: Int { purchases.reduce(0) { $0 + $1.steps.count } }

    static func openSale(_ port: UInt16) throws {
        let connection = try Connection(port: port)
        let event = "/api/v1/events"
        let requests = [
            (event, #"{"id":"war","name":"War","currency":"EUR"}"#),
            ("\(event)/war/capacity", #"{"id":"floor","section_name":"Floor","total_capacity":\#(placesTotal)}"#),
            (
                "\(event)/war/pricing",
                #"{"name":"Standard","base_price":50.00,"service_fee":5.00,"facility_fee":2.50,"tax_rate":0.08}"#
            ),
            ("\(event)/war/publish", ""),
        ]
        for (path, body) in requests {
            let answer = try connection.post(path, body, key: path)
            guard answer.status < 300 else { throw ServerFailure(description: "\(path): \(answer)") }
        }
    }

    /// Takes what a load made, once the server it ran against is gone.
    mutating func add(_ made: [Purchase]) {
        purchases += made
        loadEnded = Date.ISO8601FormatStyle(includingFractionalSeconds: true).format(.now)
    }

    /// Sends every request without an answer again, under its key.
    mutating func settle(_ port: UInt16) throws {
        let connection = try Connection(port: port)
        for index in purchases.indices where purchases[index].isPending {
            let last = purchases[index].steps.count - 1
            let answer = try purchases[index].steps[last].send(connection)
            purchases[index].steps[last].answer = answer
            retriedCount += 1
            if let created = purchases[index].creation, created < loadEnded { survivedUnansweredCount += 1 }
        }
    }

    /// Compares `chosen` purchases with the server, in every answered field and in every answered byte.
    func contradictions(_ chosen: [Purchase], _ port: UInt16, retries: Bool) -> [String] {
        Crew(threads: 4) { thread in
            do {
                let connection = try Connection(port: port)
                return try stride(from: thread, to: chosen.count, by: 4).flatMap {
                    try chosen[$0].contradictions(connection)
                        + (retries ? chosen[$0].retryContradictions(connection) : [])
                }
            } catch {
                return ["\(error)"]
            }
        }.join()
    }

    /// The stock, to the place: nothing sold twice, nothing given back twice.
    func stockContradictions(_ port: UInt16) throws -> [String] {
        struct Capacity: Decodable {
            let totalCapacity, bufferCapacity, availableCapacity, reservedCapacity, soldCount: Int
        }
        let answer = try Connection(port: port).get("/api/v1/events/war/capacity")
        let body = try Decoding.snakeCase.decode([String: [Capacity]?].self, from: Data(answer.body.utf8))
        guard let stock = body["capacity"]??.first else { return ["no stock: \(answer)"] }
        func places(_ status: String) -> Int {
            purchases.filter { $0.status == status }.reduce(0) { $0 + $1.quantity }
        }
        let expected = [places("confirmed"), places("held"), Self.placesTotal]
        let found = [
            stock.soldCount, stock.reservedCapacity,
            stock.availableCapacity + stock.reservedCapacity + stock.soldCount + stock.bufferCapacity,
        ]
        return expected == found ? [] : ["sold, reserved, total: answered \(expected), now \(found)"]
    }

    func ticketsIssuedTwice() throws -> Int {
        let tickets = try purchases.flatMap { try $0.sale()?.tickets.map(\.id) ?? [] }
        return tickets.count - Set(tickets).count
    }
}
