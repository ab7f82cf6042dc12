import Synchronization
import WAL

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What the buyers, friends and scanners of a season were told: held against the server's own books at the end.
struct SeasonBooks {
    struct Ticket {
        let id: String
        let section: String
        /// What scanners read of it.
        var scanCode = ""
        var isRefunded = false
        var holder: String
    }

    struct Order {
        let id: String
        let customer: String
        let total: Decimal
        var tickets: [Ticket]
    }

    private(set) var orders: [Order] = []
    private(set) var refused: [String: Int] = [:]
    private(set) var released = 0
    private(set) var abandoned = 0
    /// Tickets in reservations that nobody came back to.
    private(set) var abandonedTickets = 0
    private(set) var retriedAlike = 0
    var refundedAmount: Decimal = 0
    var restockedTickets = 0

    mutating func add(_ order: Order) { orders.append(order) }
    mutating func refuse(_ code: String) { refused[code, default: 0] += 1 }
    mutating func release() { released += 1 }
    mutating func retryAlike() { retriedAlike += 1 }

    mutating func abandon(tickets: Int) {
        abandoned += 1
        abandonedTickets += tickets
    }

    mutating func change(_ order: Int, _ change: (inout Order) -> Void) { change(&orders[order]) }

    /// The crowd's orders come as they come; in this order they are the same in every run.
    mutating func sort() { orders.sort { $0.customer < $1.customer } }

    var ticketCount: Int { orders.reduce(0) { $0 + $1.tickets.count } }
    var refundedTickets: Int { orders.reduce(0) { $0 + $1.tickets.count { $0.isRefunded } } }
    var total: Decimal { orders.reduce(0) { $0 + $1.total } }
}

/// People who all do something at once, each with a connection of their own.
enum SeasonCrowd {
    /// Runs `body` for each number below `count`, on `connections` threads.
    /// - Throws: the first failure; the others end what they are at.
    static func run(
        _ count: Int,
        connections: Int,
        _ endpoint: Endpoint,
        name: String,
        _ body: @escaping @Sendable (Int, SeasonClient) throws -> Void
    ) throws {
        let state = CrowdState()
        let threads = try (0..<min(connections, count)).map { number in
            try JoinableThread(name: name) {
                do {
                    let client = try SeasonClient(endpoint, name: "\(name)-\(number)")
                    while let next = state.next(below: count) { try body(next, client) }
                } catch {
                    state.fail(error)
                }
            }
        }
        for thread in threads { thread.join() }
        if let failure = state.failure { throw failure }
    }

    private final class CrowdState: Sendable {
        private let progress = Mutex<(next: Int, failure: (any Error)?)>((0, nil))

        /// Nil when there are no more, or somebody has failed.
        func next(below count: Int) -> Int? {
            progress.withLock { progress in
                guard progress.next < count, progress.failure == nil else { return nil }
                defer { progress.next += 1 }
                return progress.next
            }
        }

        func fail(_ error: any Error) { progress.withLock { $0.failure = $0.failure ?? error } }

        var failure: (any Error)? { progress.withLock { $0.failure } }
    }
}
