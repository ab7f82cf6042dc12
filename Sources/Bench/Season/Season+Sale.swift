import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

// On sale: everybody at once. Most pay, some think better of it, some never come back.

extension Season {
    mutating func sell(_ pricing: Pricing) throws {
        begin("On sale: \(buyers) buyers over \(connections) connections")
        let told = Mutex(SeasonBooks())
        let season = Selling(event: event, floor: floor, lower: lower, upper: upper, pricing: pricing, seed: seed)
        try SeasonCrowd.run(buyers, connections: connections, endpoint, name: "\(prefix)-buy") { number, client in
            try season.buy(number, client, told)
        }
        books = told.withLock { $0 }
        books.sort()
        tell("\(books.orders.count) orders with \(books.ticketCount) tickets for \(books.total) EUR")
        tell("\(books.released) gave their places back, \(books.abandoned) left theirs to expire")
        for (code, count) in books.refused.sorted(by: { $0.key < $1.key }) { tell("\(count) × \(code)") }
        tell("\(books.retriedAlike) paid twice over a shaky line, and heard the same answer twice")
        try expect(!books.orders.isEmpty, "nobody got a ticket")
    }
}

/// What a buyer knows.
private struct Selling: Sendable {
    let event: String
    let floor: String
    let lower: String
    let upper: String
    let pricing: Season.Pricing
    let seed: UInt64

    func buy(_ number: Int, _ client: SeasonClient, _ books: borrowing Mutex<SeasonBooks>) throws {
        var random = SplitMix64(seed: seed &+ UInt64(number) &* 0x9E37_79B9_7F4A_7C15)
        let customer = "buyer-\(number)"
        guard let reservation = try reserve(number, customer, client, &random, books) else { return }
        let id = reservation["id"].string ?? ""
        let tickets = reservation["items"].elements.reduce(0) { $0 + ($1["quantity"].integer ?? 0) }
        switch number % 24 {
        case 5:
            try client.make("/api/v1/reservations/\(id)/release")
            books.withLock { $0.release() }
        case 11: books.withLock { $0.abandon(tickets: tickets) }
        default: try pay(number, customer, id, reservation, client, books)
        }
    }

    /// - Returns: nil where there was nothing for the buyer.
    private func reserve(
        _ number: Int,
        _ customer: String,
        _ client: SeasonClient,
        _ random: inout SplitMix64,
        _ books: borrowing Mutex<SeasonBooks>
    ) throws -> JSONText? {
        let quantity = Int(random.next() % 5) + 1
        var wishes = [String]()
        switch number % 10 {
        case 0...3: wishes = [line(floor, pricing.floor, "\"quantity\":\(quantity)")]
        case 4...6: wishes = [line(lower, pricing.lower, "\"quantity\":\(quantity)")]
        // Everybody wants the middle of the first rows; who comes too late takes what is left.
        case 7...8:
            let first = 40 + Int(random.next() % 16)
            let row = Int(random.next() % 3) + 2
            let seats = (first..<first + 2).map { "\"\(row)-\($0)\"" }.joined(separator: ",")
            wishes = [
                line(lower, pricing.lower, "\"seats\":[\(seats)]"), line(upper, pricing.upper, "\"quantity\":2"),
            ]
        default:
            wishes = [
                line(floor, pricing.floor, "\"quantity\":2") + "," + line(upper, pricing.upper, "\"quantity\":1")
            ]
        }
        for wish in wishes {
            let body = #"{"event_id":"\#(event)","customer_id":"\#(customer)","items":[\#(wish)]}"#
            let answer = try client.post("/api/v1/reservations", body)
            if answer.isSuccess { return answer.body["reservation"] }
            books.withLock { $0.refuse(answer.code) }
        }
        return nil
    }

    private func line(_ section: String, _ pricing: String, _ what: String) -> String {
        #"{"capacity_id":"\#(section)","pricing_id":"\#(pricing)",\#(what)}"#
    }

    private func pay(
        _ number: Int,
        _ customer: String,
        _ id: String,
        _ reservation: JSONText,
        _ client: SeasonClient,
        _ books: borrowing Mutex<SeasonBooks>
    ) throws {
        guard let total = reservation["total"].decimal else {
            throw SeasonClient.Unexpected(description: "a reservation without its total")
        }
        let path = "/api/v1/reservations/\(id)/confirm"
        let body = #"{"payment_reference":"card-\#(number)","amount":\#(total)}"#
        let key = "pay-\(id)"
        let answer = try client.post(path, body, key: key)
        guard answer.isSuccess, let order = answer.body["order", "id"].string else {
            throw SeasonClient.Unexpected(description: "a payment in time was refused: \(answer.code)")
        }
        if number % 20 == 0 {
            guard try client.post(path, body, key: key).bytes == answer.bytes else {
                throw SeasonClient.Unexpected(description: "a retry heard another answer")
            }
            books.withLock { $0.retryAlike() }
        }
        let tickets = answer.body["tickets"].elements.map {
            SeasonBooks.Ticket(
                id: $0["id"].string ?? "",
                section: $0["capacity_id"].string ?? "",
                holder: customer
            )
        }
        books.withLock { $0.add(.init(id: order, customer: customer, total: total, tickets: tickets)) }
    }
}
