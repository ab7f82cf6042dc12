/// Which budget a request is paid from.
enum RouteBudget: Sendable {
    /// What is asked of the server itself.
    case unlimited
    /// Reservations, orders and tickets, and scans: changes of them and looks at them. Each line of a batch counts.
    case sale
    /// Everything else of a tenant: reports, lists, the catalogue and its changes, feeds, and the beginning of a stream.
    case reporting
}

// Every route is in here, as in the table of roles: a new one doesn't build before somebody has decided who pays for it.

extension Endpoint {
    var budget: RouteBudget {
        switch self {
        case .health, .ready, .metrics, .openAPI, .docs: .unlimited
        case .capacityReserve, .reservations, .reservation, .reservationPriceLock, .reservationExtend,
            .reservationConfirm, .reservationRelease, .order, .orderRefund, .batch, .ticket, .ticketQR, .ticketTransfer,
            .ticketTransferAccept, .ticketsValidate:
            .sale
        case .events, .event, .eventPublish, .eventRestore, .eventCancel, .eventOrders, .eventGates, .venues, .venue,
            .eventSchedules, .eventSchedule, .eventSchedulesUpcoming, .eventSchedulesNext, .eventCapacity,
            .eventCapacityTotal, .eventPricing, .eventPricingActive, .capacity, .capacityCheck, .capacitySeats,
            .capacitySeatsBlock, .capacitySeatsUnblock, .eventSeats, .pricing, .pricingCalculate, .reportSales,
            .reportVenues, .reportVenue, .reportDashboard, .reportAnalytics, .reportCustomers, .reportCustomer, .feed,
            .eventAudit, .eventAvailability, .eventAvailabilityStream:
            .reporting
        }
    }
}
