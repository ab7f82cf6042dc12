extension EventInventory {
    /// One page of orders: of everybody for somebody who acts for the tenant, else the customer's own.
    ///
    /// The work of a page is bounded, whatever there is to look through: a page may be short, or empty, and not the last.
    func orders(_ listing: OrderListing, _ context: CommandContext) -> OrderPage {
        var page = OrderPage(orders: [], isEventCancelled: cancelledAt != nil)
        var work = 0
        if context.principal.isEmpty {
            for slot in listing.start..<max(listing.start, UInt32(holds.count)) {
                guard list(slot, listing, &work, &page) else { break }
            }
        } else if let customer = customers.find(context.principal) {
            for slot in orderSlots(of: customer, from: listing.start) {
                guard list(slot, listing, &work, &page) else { break }
            }
        }
        return page
    }

    /// Puts the order in the slot, if there is one, on the page.
    /// - Returns: false where the page is full, or has cost enough, and the next one begins with the slot.
    private func list(_ slot: UInt32, _ listing: OrderListing, _ work: inout Int, _ page: inout OrderPage) -> Bool {
        guard work < InventoryLimits.orderPageWorkMax, page.orders.count < Int(listing.limit) else {
            page.next = slot
            return false
        }
        work += 1
        guard holds[slot].status == .confirmed, let order = holds.order(slot) else { return true }
        work += order.refunded.count
        let status = order.status(of: ticketCount(of: slot), isEventCancelled: page.isEventCancelled)
        if listing.status.map({ $0 == status }) ?? true { page.orders.append(holdState(slot).withoutTickets()) }
        return true
    }

    /// Where the customer's orders are, ascending, from the slot `start` on: found in their own chain, which has
    /// `InventoryLimits.holdsPerCustomerMax` reservations at the most.
    private func orderSlots(of customer: UInt32, from start: UInt32) -> [UInt32] {
        var slots: [UInt32] = []
        var slot = customers[customer].firstHold
        while slot != HoldSlab.none {
            if slot >= start, holds[slot].status == .confirmed { slots.append(slot) }
            slot = holds[slot].next
        }
        return slots.sorted()
    }
}
