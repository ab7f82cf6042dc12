// Refunds and gifts.

extension Season {
    /// Every fifteenth order is given back whole, and of every tenth one ticket.
    mutating func refund() throws {
        begin("Refunds")
        var whole = 0
        var single = 0
        for number in books.orders.indices where number % 15 == 0 || number % 10 == 0 {
            let order = books.orders[number]
            let isWhole = number % 15 == 0
            // Of single tickets the places stay off sale, as a shop does that has promised them to somebody.
            let body = isWhole ? "{}" : #"{"tickets":["\#(order.tickets[0].id)"],"restock":false}"#
            let answer = try office.make("/api/v1/orders/\(order.id)/refund", body)
            guard let amount = answer["refunded_amount"].decimal else {
                throw SeasonClient.Unexpected(description: "a refund without its amount")
            }
            if isWhole {
                try expect(amount == order.total, "a whole refund of \(order.total) came to \(amount)")
                whole += 1
                books.restockedTickets += order.tickets.count
            } else {
                single += 1
            }
            books.refundedAmount += amount
            books.change(number) { order in
                for index in order.tickets.indices where isWhole || index == 0 {
                    order.tickets[index].isRefunded = true
                }
            }
        }
        tell("\(whole) orders whole, \(single) single tickets: \(books.refundedAmount) EUR back")
    }

    /// A ticket of every seventh order changes hands.
    /// - Returns: what scanners would read of the tickets' old codes.
    mutating func give() throws -> [String] {
        begin("Gifts")
        try readScanCodes()
        var void: [String] = []
        for number in books.orders.indices where number % 7 == 3 {
            guard let index = books.orders[number].tickets.firstIndex(where: { !$0.isRefunded }) else { continue }
            let ticket = books.orders[number].tickets[index]
            let path = "/api/v1/tickets/\(ticket.id)/transfer"
            let friend = "friend-\(number)"
            let offer = try office.make(path, #"{"recipient":"\#(friend)"}"#)
            let code = offer["ticket", "transfer", "code"].string ?? ""
            let accepted = try office.make("\(path)/accept", #"{"code":"\#(code)","customer_id":"\#(friend)"}"#)
            let scanCode = accepted["ticket", "scan_code"].string ?? ""
            try expect(scanCode != ticket.scanCode, "a ticket that changed hands has its old code")
            void.append(ticket.scanCode)
            books.change(number) {
                $0.tickets[index].holder = friend
                $0.tickets[index].scanCode = scanCode
            }
        }
        tell("\(void.count) tickets have a new holder and a new code; the old ones are void")
        return void
    }

    private mutating func readScanCodes() throws {
        for number in books.orders.indices {
            for index in books.orders[number].tickets.indices {
                let ticket = try office.find("/api/v1/tickets/\(books.orders[number].tickets[index].id)")
                let code = ticket["ticket", "scan_code"].string ?? ""
                books.change(number) { $0.tickets[index].scanCode = code }
            }
        }
    }
}
