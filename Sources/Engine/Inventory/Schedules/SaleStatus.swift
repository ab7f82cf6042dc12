/// What has become of an event's sale: worked out from its status, the time and the stock, and written nowhere.
public enum SaleStatus: UInt8, Sendable, CaseIterable {
    case draft = 1
    /// Published, and its sale has not begun, or there is nothing to sell yet.
    case published = 2
    case onSale = 3
    /// There are sections for sale, and none of them has a place left.
    case soldOut = 4
    /// Its sales window is over, or no section is for sale.
    case closed = 5
    /// Nothing is sold any more, and its dates are over.
    case completed = 6
    case cancelled = 7
}

extension EventInventory {
    /// The sale at `now`. Looks at sections until one has a place to sell.
    /// - Parameter lookedAt: grows by the sections that were looked at.
    func saleStatus(at now: Milliseconds, _ lookedAt: inout Int) -> SaleStatus {
        switch status {
        case .draft: return .draft
        case .cancelled: return .cancelled
        case .published: break
        }
        if let start = details.salesStartAt, now < start { return .published }
        let isClosed = details.salesEndAt.map { now >= $0 } ?? false
        var isForSale = false
        if !isClosed {
            for number in sections.indices {
                lookedAt += 1
                guard self.isForSale(SectionNumber(number), at: now) else { continue }
                if sections[number].counts.available > 0 { return .onSale }
                isForSale = true
            }
        }
        if let end = endOfDates, now >= end { return .completed }
        if isForSale { return .soldOut }
        return isClosed || !sections.isEmpty ? .closed : .published
    }

    /// Whether the section's places are sold, as long as there are some.
    private func isForSale(_ number: SectionNumber, at now: Milliseconds) -> Bool {
        let section = Int(number)
        guard sections[section].details.isActive, sections[section].details.isVisible else { return false }
        return (try? checkDate(sections[section].details.schedule, of: number, at: now)) != nil
    }

    /// The event with what has become of its sale.
    func eventView(at now: Milliseconds, _ lookedAt: inout Int) -> EventView {
        var view = eventView
        view.saleStatus = saleStatus(at: now, &lookedAt)
        return view
    }
}
