import Foundation
import Glibc
import Synchronization

/// A request with its key, and what it was answered.
struct KeptExchange: Sendable {
    let path, body, key: String
    let answer: Answer
}

/// Two buyers who buy as fast as they can while something else goes on, and ask again when they are told to.
final class HonestBuyers: Sendable {
    static let placesTotal = 10_000_000

    private let isStopped = Atomic(false)
    private let soldCount = Atomic(0)
    private let troubles = Mutex<[String]>([])
    private let crew = Mutex<Crew<KeptExchange>?>(nil)

    /// Puts the event `show` with its section `floor` on sale.
    static func openSale(_ port: UInt16) throws {
        let connection = try Connection(port: port)
        let events = "/api/v1/events"
        for (path, body) in [
            (events, #"{"id":"show","name":"Show","currency":"EUR"}"#),
            ("\(events)/show/capacity", #"{"id":"floor","section_name":"Floor","total_capacity":\#(placesTotal)}"#),
            ("\(events)/show/pricing", #"{"name":"Standard","base_price":50.00,"tax_rate":0.08}"#),
            ("\(events)/show/publish", "{}"),
        ] {
            let answer = try connection.post(path, body, key: path)
            guard answer.status < 300 else { throw ServerFailure(description: "\(path): \(answer)") }
        }
    }

    init(port: UInt16, name: String) {
        let crew = Crew(threads: 2) { thread in
            var made: [KeptExchange] = []
            do {
                let connection = try Connection(port: port)
                while !self.isStopped.load(ordering: .relaxed) {
                    made += try self.buy("\(name)-\(thread)-\(made.count)", connection)
                    self.soldCount.add(1, ordering: .relaxed)
                }
            } catch {
                self.troubles.withLock { $0.append("\(name): \(error)") }
            }
            return made
        }
        self.crew.withLock { $0 = crew }
    }

    /// Sells for a moment.
    static func sell(_ port: UInt16, _ name: String) throws -> [KeptExchange] {
        let buyers = HonestBuyers(port: port, name: name)
        buyers.wait(forPurchases: 50)
        let (made, troubles) = buyers.finish()
        guard troubles.isEmpty else { throw ServerFailure(description: "\(troubles)") }
        return made
    }

    private func buy(_ key: String, _ connection: Connection) throws -> [KeptExchange] {
        let held = try send("/api/v1/capacity/floor/reserve", #"{"quantity":2}"#, key, connection)
        guard let id = held.answer.body.firstMatch(of: /"id":"(rsv_[^"]*)"/)?.1 else {
            throw ServerFailure(description: "not held: \(held)")
        }
        let confirm = "/api/v1/reservations/\(id)/confirm"
        return [held, try send(confirm, #"{"payment_reference":"\#(key)"}"#, key + "-pay", connection)]
    }

    private func send(_ path: String, _ body: String, _ key: String, _ connection: Connection) throws -> KeptExchange {
        for _ in 0..<500 {
            let answer = try connection.post(path, body, key: key)
            if answer.status == 200 { return KeptExchange(path: path, body: body, key: key, answer: answer) }
            guard answer.status == 503 else { throw ServerFailure(description: "\(path): \(answer)") }
            usleep(20_000)
        }
        throw ServerFailure(description: "\(path) is answered 503 for 10 s")
    }

    /// Returns early when something has gone wrong, and after a minute in any case.
    func wait(forPurchases count: Int) {
        for _ in 0..<60_000 where purchaseCount < count && troubles.withLock(\.isEmpty) { usleep(1_000) }
    }

    var purchaseCount: Int { soldCount.load(ordering: .relaxed) }

    /// Every answered request is in what this returns.
    func finish() -> (made: [KeptExchange], troubles: [String]) {
        isStopped.store(true, ordering: .relaxed)
        let made = crew.withLock { $0 }!.join()
        return (made, troubles.withLock { $0 })
    }

    /// Holds a server against what was answered: the same keys, the orders, the stock.
    /// - Returns: what differs.
    static func contradictions(_ made: [KeptExchange], _ port: UInt16) throws -> [String] {
        let connection = try Connection(port: port)
        var found: [String] = []
        var sold = 0
        for exchange in made {
            let again = try connection.post(exchange.path, exchange.body, key: exchange.key)
            if again != exchange.answer { found.append("\(exchange) is answered \(again) now") }
            guard let order = exchange.answer.body.firstMatch(of: /"id":"(ord_[^"]*)"/)?.1 else { continue }
            sold += 2
            let shown = try connection.get("/api/v1/orders/\(order)")
            if shown.status != 200 || !shown.shows(exchange.answer.body) {
                found.append("order \(order) is \(shown) now")
            }
        }
        let stock = try connection.get("/api/v1/events/show/capacity/total").body
        if !stock.contains(#""sold_count":\#(sold)}"#) { found.append("\(sold) were sold: \(stock)") }
        return found
    }
}
