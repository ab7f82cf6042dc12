// What an order's state says of its tickets.

extension OrderState {
    /// What has happened to the ticket; nil where nothing has.
    public func history(of index: UInt32) -> TicketHistory? {
        let place = place(of: index)
        return place < tickets.count && tickets[place].index == index ? tickets[place] : nil
    }

    /// Changes what has happened to the ticket, from nothing where nothing has.
    mutating func change(_ index: UInt32, _ body: (inout TicketHistory) -> Void) {
        let place = place(of: index)
        if place == tickets.count || tickets[place].index != index {
            tickets.insert(TicketHistory(index: index), at: place)
        }
        body(&tickets[place])
        if tickets[place].isEmpty { tickets.remove(at: place) }
    }

    /// Checks in tickets that are not, each named once, in any order.
    mutating func checkIn(_ made: [(ticket: UInt32, checkIn: CheckIn)]) {
        guard made.count > 1 else {
            for (ticket, checkIn) in made { change(ticket) { $0.checkIn = checkIn } }
            return
        }
        let made = made.sorted { $0.ticket < $1.ticket }
        var merged: [TicketHistory] = []
        merged.reserveCapacity(tickets.count + made.count)
        var next = 0
        for (ticket, checkIn) in made {
            let place = place(of: ticket)
            merged += tickets[next..<place]
            next = place
            var history = TicketHistory(index: ticket)
            if place < tickets.count, tickets[place].index == ticket {
                history = tickets[place]
                next += 1
            }
            history.checkIn = checkIn
            merged.append(history)
        }
        merged += tickets[next...]
        tickets = merged
    }

    /// Where the ticket's history stands, or would.
    private func place(of index: UInt32) -> Int {
        var range = 0..<tickets.count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            if tickets[middle].index < index {
                range = middle + 1..<range.upperBound
            } else {
                range = range.lowerBound..<middle
            }
        }
        return range.lowerBound
    }

    func isRefunded(_ index: UInt32) -> Bool {
        let place = refundsBefore(index)
        return place < refunded.count && refunded[place] == index
    }

    /// How many of these tickets are refunded.
    func refundedCount(_ tickets: Range<UInt32>) -> UInt32 {
        refunded.isEmpty ? 0 : UInt32(refundsBefore(tickets.upperBound) - refundsBefore(tickets.lowerBound))
    }

    /// How many tickets of lower indexes are refunded.
    private func refundsBefore(_ index: UInt32) -> Int {
        var range = 0..<refunded.count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            if refunded[middle] < index {
                range = middle + 1..<range.upperBound
            } else {
                range = range.lowerBound..<middle
            }
        }
        return range.lowerBound
    }

    /// The ticket's code as it is now.
    func code(of index: UInt32, _ history: TicketHistory?) -> TicketCode {
        TicketCode(secret: ticketSecret, index: index, generation: history?.transfers.count ?? 0)
    }

    func status(of index: UInt32, _ history: TicketHistory?, at now: Milliseconds) -> TicketStatus {
        if isRefunded(index) { return .refunded }
        guard let history else { return .issued }
        if history.checkIn != nil { return .checkedIn }
        return history.offer?.isOpen(at: now) == true ? .transferOffered : .issued
    }

    /// Every ticket that the order's page shows as something else than issued, ascending.
    public func marks(at now: Milliseconds) -> [TicketMark] {
        var marks: [TicketMark] = []
        marks.reserveCapacity(refunded.count + tickets.count)
        var refunds = refunded[...]
        for history in tickets {
            while let first = refunds.first, first < history.index {
                marks.append(TicketMark(index: first, status: .refunded))
                refunds.removeFirst()
            }
            if refunds.first == history.index { refunds.removeFirst() }
            var status = status(of: history.index, history, at: now)
            if status != .refunded, !history.transfers.isEmpty { status = .transferred }
            if status != .issued { marks.append(TicketMark(index: history.index, status: status)) }
        }
        return marks + refunds.map { TicketMark(index: $0, status: .refunded) }
    }

    /// - Parameter quantity: tickets of the order.
    public func status(of quantity: UInt32, isEventCancelled: Bool) -> OrderStatus {
        if refunded.count == quantity { return .refunded }
        if isEventCancelled { return .refundDue }
        return refunded.isEmpty ? .confirmed : .partiallyRefunded
    }
}

extension HoldState {
    /// What the refund of these tickets comes to, in minor units: their shares of what their lines were sold for, fees and
    /// tax included. Refunded in whatever parts, an order gives back its total, to the unit.
    /// - Parameter tickets: ascending, each once, none beyond the order's last.
    public func refundedAmount(_ tickets: [UInt32]) -> Int64 {
        var rest = tickets[...]
        var first: UInt32 = 0
        var amount: Int64 = 0
        for index in 0..<lineCount {
            let line = self[line: index]
            let shares = line.lock.map { TicketShares(lock: $0, quantity: line.quantity) }
            while let ticket = rest.first, ticket < first + line.quantity {
                if let shares { amount += shares[ticket - first].total }
                rest.removeFirst()
            }
            first += line.quantity
        }
        return amount
    }

    /// The same hold with nothing told of its tickets: they are told beside it, or not at all.
    func withoutTickets() -> HoldState {
        guard let order = order?.state, !order.tickets.isEmpty else { return self }
        var hold = self
        var plain = order
        plain.tickets = []
        hold.order = OrderBox(plain)
        return hold
    }
}
