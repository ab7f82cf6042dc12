import Engine

extension Problem {
    /// How each refusal of the engine looks outside: status, stable code, title, and a sentence that says what was
    /// asked and what was there. Everything in it comes from the refusal and from what never changes of the event.
    init(_ rejection: Rejection, of event: some EventConstants) {
        func section(_ number: SectionNumber) -> ShortText { event.sectionID(number) }
        let key = event.key
        switch rejection {
        case .eventNotFound:
            self.init(.notFound, "EVENT_NOT_FOUND", "Event not found", "There is no such event.")
        case .eventExists:
            self.init(.conflict, "EVENT_EXISTS", "Event exists", "There is an event with this id already.")
        case .eventChanged(let expected, let version):
            self.init(
                .preconditionFailed,
                "EVENT_CHANGED",
                "Event has changed",
                "The change was for version \(expected) of the event, which is at version \(version)."
            )
        case .eventNotOnSale(let status):
            self.init(
                .conflict,
                "EVENT_NOT_ON_SALE",
                "Event not on sale",
                "Only a published event is on sale; this one is \(status.text)."
            )
        case .wrongEventStatus(let status):
            self.init(
                .conflict,
                "WRONG_EVENT_STATUS",
                "Wrong event status",
                "This can't be done with an event that is \(status.text)."
            )
        case .currencyFixed:
            self.init(
                .unprocessableContent,
                "CURRENCY_FIXED",
                "Currency is fixed",
                "An event keeps the currency it was created with."
            )
        case .salesNotStarted(let start):
            self.init(.conflict, "SALES_NOT_STARTED", "Sales not started", "Sales start at \(time: start).")
        case .salesEnded(let end):
            self.init(.conflict, "SALES_ENDED", "Sales ended", "Sales ended at \(time: end).")
        case .eventHasSales(let sold, let reserved):
            self.init(
                .conflict,
                "EVENT_HAS_SALES",
                "Event has sales",
                "The event can't be deleted: \(sold) tickets are sold and \(reserved) are reserved."
            )
        case .sectionNotFound:
            self.init(.notFound, "CAPACITY_NOT_FOUND", "Capacity not found", "There is no such capacity.")
        case .sectionExists:
            self.init(.conflict, "CAPACITY_EXISTS", "Capacity exists", "There is a capacity with this id already.")
        case .sectionInactive(let number):
            self.init(
                .conflict,
                "CAPACITY_INACTIVE",
                "Capacity inactive",
                "Capacity \(section(number)) is inactive or not visible: it is not for sale at the moment."
            )
        case .totalBelowCommitted(let asked, let committed):
            self.init(
                .conflict,
                "TOTAL_BELOW_COMMITTED",
                "Total below what is committed",
                "A total of \(asked) was asked for; sold, reserved and buffered places come to \(committed)."
            )
        case .soldOut(let number, let asked, let available, _):
            self.init(
                .conflict,
                "SOLD_OUT",
                "Sold out",
                "\(asked) places of capacity \(section(number)) were asked for; \(available) are available."
            )
        case .belowMinimumPurchase(let number, let asked, let minimum):
            self.init(
                .unprocessableContent,
                "BELOW_MINIMUM_PURCHASE",
                "Below the minimum purchase",
                "\(asked) places of capacity \(section(number)) were asked for; the minimum is \(minimum)."
            )
        case .aboveMaximumPurchase(let number, let asked, let maximum):
            self.init(
                .unprocessableContent,
                "ABOVE_MAXIMUM_PURCHASE",
                "Above the maximum purchase",
                "\(asked) places of capacity \(section(number)) were asked for; the maximum is \(maximum)."
            )
        case .sectionTwice(let number):
            self.init(
                .unprocessableContent,
                "CAPACITY_TWICE",
                "Capacity named twice",
                "Capacity \(section(number)) stands in more than one item; put its places into one."
            )
        case .tierNotFound:
            self.init(.notFound, "PRICING_NOT_FOUND", "Pricing not found", "There is no such pricing.")
        case .tierInactive(let tier):
            self.init(
                .conflict,
                "PRICING_INACTIVE",
                "Pricing inactive",
                "Pricing \(tier: tier, of: key) is inactive or not visible: it is not for sale at the moment."
            )
        case .tierNotForSection(let tier, let number):
            self.init(
                .unprocessableContent,
                "PRICING_NOT_FOR_CAPACITY",
                "Pricing not for this capacity",
                "Pricing \(tier: tier, of: key) doesn't price capacity \(section(number))."
            )
        case .overOrderLimit(let tier, let asked, let limit):
            self.init(
                .unprocessableContent,
                "OVER_ORDER_LIMIT",
                "Over the limit per order",
                "\(asked) tickets of pricing \(tier: tier, of: key) were asked for; one order may have \(limit)."
            )
        case .overCustomerLimit(let tier, let asked, let held, let limit):
            self.init(
                .conflict,
                "OVER_CUSTOMER_LIMIT",
                "Over the limit per customer",
                """
                \(asked) tickets of pricing \(tier: tier, of: key) were asked for; the customer has \(held) of the \
                \(limit) that one customer may have.
                """
            )
        case .tooManyOpenHolds(let held, let limit):
            self.init(
                .conflict,
                "TOO_MANY_OPEN_RESERVATIONS",
                "Too many open reservations",
                "The customer has \(held) open reservations of the \(limit) that one customer may have."
            )
        case .customerReservationLimit(let held, let limit):
            self.init(
                .conflict,
                "CUSTOMER_RESERVATION_LIMIT",
                "Too many reservations of one customer",
                """
                The customer has \(held) reservations and orders in this event, of the \(limit) that one customer may have. \
                Who sells for many leaves the customer away.
                """
            )
        case .customerMismatch: self = .customerMismatch
        case .holdTimeOutOfRange(let asked, let maximum):
            self.init(
                .unprocessableContent,
                "HOLD_TIME_OUT_OF_RANGE",
                "Hold time out of range",
                "\(asked) seconds were asked for; at most \(maximum) are possible here."
            )
        case .reservationNotFound:
            self.init(.notFound, "RESERVATION_NOT_FOUND", "Reservation not found", "There is no such reservation.")
        case .reservationExpired(let time):
            self.init(.gone, "RESERVATION_EXPIRED", "Reservation expired", "The reservation expired at \(time: time).")
        case .reservationNotHeld(let status):
            self.init(
                .conflict,
                "RESERVATION_NOT_HELD",
                "Reservation not held",
                "This can be done with a reservation that is held; this one is \(status.text)."
            )
        case .priceLockedOtherwise(let tier):
            self.init(
                .conflict,
                "PRICE_LOCKED_OTHERWISE",
                "Another price is locked",
                "The price of pricing \(tier: tier, of: key) is locked already; a locked price doesn't move."
            )
        case .noPrice(let number):
            self.init(
                .conflict,
                "NO_PRICE",
                "No price",
                "No active pricing of the event prices capacity \(section(number))."
            )
        case .amountMismatch(let given, let total):
            self.init(
                .conflict,
                "AMOUNT_MISMATCH",
                "Amount differs from the total",
                "The amount was \(given, in: event.currency); the total is \(total, in: event.currency)."
            )
        case .orderNotFound:
            self.init(.notFound, "ORDER_NOT_FOUND", "Order not found", "There is no such order.")
        case .ticketNotFound(let index):
            self.init(.notFound, "TICKET_NOT_FOUND", "Ticket not found", "The order has no ticket number \(index).")
        case .ticketRefunded(let index):
            self.init(
                .conflict,
                "TICKET_REFUNDED",
                "Ticket refunded already",
                "Ticket number \(index) of the order has been refunded before."
            )
        case .seatNotFound(let number, let index):
            self.init(
                .notFound,
                "SEAT_NOT_FOUND",
                "Seat not found",
                "Capacity \(section(number)) has no seat of the name at place \(index), counted from 0."
            )
        case .seatTaken(let number, let seat):
            self.init(
                .conflict,
                "SEAT_TAKEN",
                "Seat taken",
                "Seat \(event.seatName(number, seat)) of capacity \(section(number)) is not free."
            )
        case .seatTwice(let number, let seat):
            self.init(
                .unprocessableContent,
                "SEAT_TWICE",
                "Seat named twice",
                "Seat \(event.seatName(number, seat)) of capacity \(section(number)) is named twice."
            )
        case .noSeatsTogether(let number, let asked):
            self.init(
                .conflict,
                "NO_SEATS_TOGETHER",
                "No seats together",
                "No row of capacity \(section(number)) has \(asked) seats side by side to give."
            )
        case .singleSeatLeft(let number, let seat):
            self.init(
                .conflict,
                "SINGLE_SEAT_LEFT",
                "A single seat would be left",
                "Seat \(event.seatName(number, seat)) of capacity \(section(number)) would be left alone."
            )
        case .rowExists(let number, let index):
            self.init(
                .conflict,
                "ROW_EXISTS",
                "Row exists",
                "Capacity \(section(number)) has the row at place \(index), counted from 0, already."
            )
        case .sectionInUse(let number, let reserved, let sold):
            self.init(
                .conflict,
                "CAPACITY_IN_USE",
                "Capacity in use",
                "Capacity \(section(number)) sells places without numbers; \(reserved) are reserved and \(sold) sold."
            )
        case .sectionHasSales(let number, let reserved, let sold):
            self.init(
                .conflict,
                "CAPACITY_HAS_SALES",
                "Capacity has sales",
                "Capacity \(section(number)) keeps its date: \(reserved) places are reserved and \(sold) sold."
            )
        case .sectionHasSeats(let number):
            self.init(
                .conflict,
                "CAPACITY_HAS_SEATS",
                "Capacity has seats",
                "Total and buffer of capacity \(section(number)) are the numbers of its seats and of its blocked ones."
            )
        case .sectionWithoutSeats(let number):
            self.init(
                .conflict,
                "CAPACITY_WITHOUT_SEATS",
                "Capacity without seats",
                "Capacity \(section(number)) has no numbered seats."
            )
        case .tooManyRows(let asked, let limit):
            self.init(
                .conflict,
                "TOO_MANY_ROWS",
                "Too many rows",
                "The capacity would have \(asked) rows; it may have \(limit)."
            )
        case .tooManySeats(let asked, let limit):
            self.init(
                .conflict,
                "TOO_MANY_SEATS",
                "Too many seats",
                "The event would have \(asked) numbered seats; it may have \(limit)."
            )
        case .venueNotFound:
            self.init(.notFound, "VENUE_NOT_FOUND", "Venue not found", "There is no such venue.")
        case .venueExists:
            self.init(.conflict, "VENUE_EXISTS", "Venue exists", "There is a venue with this id already.")
        case .venueChanged(let expected, let version):
            self.init(
                .preconditionFailed,
                "VENUE_CHANGED",
                "Venue has changed",
                "The change was for version \(expected) of the venue, which is at version \(version)."
            )
        case .overVenueMaximum(let asked, let others, let maximum):
            self.init(
                .conflict,
                "OVER_VENUE_CAPACITY",
                "Over the venue's capacity",
                "\(asked) places were asked for beside \(others) of the same date; the venue takes \(maximum) in all."
            )
        case .scheduleNotFound:
            self.init(.notFound, "SCHEDULE_NOT_FOUND", "Schedule not found", "There is no such schedule.")
        case .scheduleExists:
            self.init(.conflict, "SCHEDULE_EXISTS", "Schedule exists", "The event has a schedule with this id already.")
        case .scheduleChanged(let expected, let version):
            self.init(
                .preconditionFailed,
                "SCHEDULE_CHANGED",
                "Schedule has changed",
                "The change was for version \(expected) of the schedule, which is at version \(version)."
            )
        case .scheduleCancelled(let number):
            self.init(
                .conflict,
                "SCHEDULE_CANCELLED",
                "Schedule cancelled",
                "Capacity \(section(number)) is of a date that was cancelled."
            )
        case .scheduleEnded(let number, let end):
            self.init(
                .conflict,
                "SCHEDULE_ENDED",
                "Schedule ended",
                "Capacity \(section(number)) is of a date that ended at \(time: end)."
            )
        case .eventOver(let end):
            self.init(
                .conflict,
                "EVENT_OVER",
                "Event is over",
                "The event can't be published: its last date was over at \(time: end)."
            )
        case .noSuchTicket, .ticketCheckedIn, .eventCancelled, .transferNotFound, .transferExpired, .transferPending,
            .tooManyTransfers, .transferDeadlinePassed, .tooManyGates, .tooManyGateSections, .gateWindowInvalid,
            .scansOutOfRange, .scanTimeOutOfRange, .cancelledWithSales, .cancellationUnfinished, .restockOfCheckedIn:
            self = .afterSale(rejection)
        case .earlier(let refusal): self.init(refusal, of: event)
        case .invalid(let field): self.init(field)
        case .limitReached(let limit): self.init(limit)
        case .idempotencyKeyReused:
            self.init(
                .unprocessableContent,
                "IDEMPOTENCY_KEY_REUSED",
                "Idempotency key reused",
                "This Idempotency-Key came before with another request; use a new key for a new request."
            )
        }
        numbers = ProblemNumbers(rejection, of: event)
    }
}
