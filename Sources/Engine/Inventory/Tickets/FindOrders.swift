extension EventInventory {
    /// One page of orders: of everybody for somebody who acts for the tenant, else the customer's own.
    ///
    /// The work of a page is bounded, whatever there is to look through: a page may be short, or empty, and not the last.
    func orders(_ listing: OrderListing, _ context: CommandContext) -> OrderPage {
        var page = OrderPage(orders: [], isEventCancelled: cancelledAt != nil)
        var work = 0
        var slot = listing.start
        let customer = context.principal.isEmpty ? nil : customers.find(context.principal)
        if customer == nil, !context.principal.isEmpty { return page }
        while slot < UInt32(holds.count) {
            guard work < InventoryLimits.orderPageWorkMax, page.orders.count < Int(listing.limit) else {
                page.next = slot
                break
            }
            work += 1
            if holds[slot].status == .confirmed, customer.map({ holds[slot].customer == $0 }) ?? true,
                let order = holds.order(slot)
            {
                work += order.refunded.count
                let status = order.status(of: ticketCount(of: slot), isEventCancelled: page.isEventCancelled)
                if listing.status.map({ $0 == status }) ?? true {
                    page.orders.append(holdState(slot).withoutTickets())
                }
            }
            slot += 1
        }
        return page
    }
}
