import Engine

// Reports as JSON: `{"report": {"type", "data", "generated_at"}}`. Money is exact, in the currency of its event; sums of
// different currencies stand side by side.

extension ResponseWriter {
    mutating func write(_ report: Report, of request: borrowing ReportRequest, at now: Milliseconds) -> Range<Int> {
        begin(.ok, .json)
        echo(request.reply)
        beginBody()
        bytes.beginObject()
        bytes.key("report")
        bytes.beginObject()
        bytes.field("type", request.question.name)
        bytes.key("data")
        bytes.beginObject()
        bytes.data(of: report, request)
        bytes.endObject()
        bytes.field("generated_at", epochMilliseconds: now)
        bytes.endObject()
        bytes.endObject()
        return end(omitBody: request.reply.isHead)
    }
}

extension ByteWriter {
    fileprivate mutating func data(of report: Report, _ request: borrowing ReportRequest) {
        switch report {
        case .eventSales(let sales): eventSales(sales, request.days)
        case .tenantSales(let sales):
            days(request.days)
            currencies(sales.currencies, withDays: true)
        case .venues(let sales):
            guard case .venues(_, let limit) = request.question else { return }
            days(request.days)
            venues(sales, limit: Int(limit))
        case .venue(let id, let sales):
            days(request.days)
            field("venue_id", id)
            field("events", count: sales.events)
            currencies(sales.currencies, withDays: true)
        case .dashboard(let dashboard): self.dashboard(dashboard)
        case .analytics(let sales): analytics(sales)
        case .topCustomers(let event, let customers): topCustomers(event, customers)
        case .customer(let id, let insight): self.insight(id, insight)
        }
    }

    // MARK: - Sales

    private mutating func eventSales(_ sales: EventSales, _ range: DayRange?) {
        let digits = Currency.minorDigits(of: sales.event.details.currency)
        event(sales.event)
        days(range)
        sums(sales.total, digits)
        key("undated_refunds")
        if sales.undatedRefunds.refundedTickets > 0 { refunds(sales.undatedRefunds, digits) } else { null() }
        key("earlier")
        if let earlier = sales.earlier { sumsObject(earlier.orders, earlier.sums, digits) } else { null() }
        byDay(sales.days, digits)
        guard range == nil else {
            key("by_section")
            null()
            key("by_price_tier")
            null()
            return nextCursor(nil)
        }
        list("by_section", sales.sections) { bytes, section in
            bytes.field("capacity_id", section.id)
            bytes.field("section_name", section.name)
            bytes.sums(nil, section.sums, digits)
        }
        list("by_price_tier", sales.tiers) { bytes, tier in
            bytes.field("pricing_id", tier: tier.number, of: sales.key)
            bytes.field("name", tier.name)
            bytes.sums(nil, tier.sums, digits)
        }
        nextCursor(sales.next.map { Cursor.text(start: UInt32($0)) })
    }

    private mutating func venues(_ sales: VenuesSales, limit: Int) {
        let (page, hasMore) = sales.page(limit)
        list("venues", page) { bytes, venue in
            bytes.field("venue_id", venue.id)
            bytes.field("events", count: venue.sales.events)
            bytes.currencies(venue.sales.currencies, withDays: false)
        }
        nextCursor(hasMore ? page.last.map { Cursor.text(after: $0.id) } : nil)
    }

    private mutating func currencies(_ currencies: [ShortText: CurrencySales], withDays: Bool) {
        list("currencies", currencies.inOrder) { bytes, entry in
            let digits = Currency.minorDigits(of: entry.key)
            bytes.field("currency", entry.key)
            bytes.field("events", count: entry.value.events)
            bytes.sums(entry.value.total, digits)
            guard withDays else { return }
            let days = entry.value.days.values.sorted { $0.day < $1.day }
            bytes.byDay(days.suffix(Self.daysMax), digits)
        }
    }

    /// Of more days the latest are shown.
    private static let daysMax = 1_024

    // MARK: - Dashboard

    private mutating func dashboard(_ dashboard: Dashboard) {
        key("events")
        beginObject()
        field("total", count: dashboard.events.values.reduce(0, +))
        field("draft", count: dashboard.events[.draft] ?? 0)
        field("published", count: dashboard.events[.published] ?? 0)
        field("cancelled", count: dashboard.events[.cancelled] ?? 0)
        endObject()
        let tickets = dashboard.tickets
        field("date", day: dashboard.today)
        field("tickets_sold", count: tickets.sold)
        field("tickets_sold_today", count: tickets.soldToday)
        field("refunded_tickets", count: tickets.refunded)
        field("open_reservations", count: dashboard.openHolds)
        list("revenue", dashboard.revenue.inOrder) { bytes, entry in
            let digits = Currency.minorDigits(of: entry.key)
            bytes.field("currency", entry.key)
            bytes.sums(entry.value.all, digits)
            bytes.key("today")
            bytes.sumsObject(entry.value.today.orders, entry.value.today.sums, digits)
        }
        list("top_events", dashboard.topEvents) { bytes, event in
            bytes.field("event_id", event.id)
            bytes.field("name", event.name)
            bytes.field("currency", event.currency)
            bytes.sums(event.total, Currency.minorDigits(of: event.currency))
        }
    }

    // MARK: - Analytics

    private mutating func analytics(_ sales: EventSales) {
        let (details, total, holds) = (sales.event.details, sales.total, sales.holds)
        let digits = Currency.minorDigits(of: details.currency)
        event(sales.event)
        field("sales_start_at", orNull: details.salesStartAt)
        field("sales_end_at", orNull: details.salesEndAt)
        sums(total, digits)
        key("average_order")
        if let average = total.average { money(wide: average, fractionDigits: digits) } else { null() }
        key("reservations")
        beginObject()
        field("made", count: holds.placed)
        field("open", count: holds.open)
        field("confirmed", count: holds.confirmed)
        field("released", count: holds.released)
        field("expired", count: holds.expired)
        field("ended_before", count: holds.endedBefore)
        share("conversion_rate", of: holds.confirmed, in: holds.placed)
        endObject()
        list("by_hour", sales.hours) { bytes, hour in
            bytes.field("hour", epochMilliseconds: hour.hour * 3_600_000)
            bytes.field("orders", count: hour.orders)
            bytes.field("tickets_sold", count: hour.tickets)
            bytes.field("total", wide: hour.total, digits)
        }
        byDay(sales.days, digits)
        sellThrough(sales)
        nextCursor(sales.next.map { Cursor.text(start: UInt32($0)) })
    }

    private mutating func sellThrough(_ sales: EventSales) {
        list("by_section", sales.sections) { bytes, section in
            let counts = section.counts
            bytes.field("capacity_id", section.id)
            bytes.field("section_name", section.name)
            bytes.field("total_capacity", Int64(counts.total))
            bytes.field("buffer_capacity", Int64(counts.buffer))
            bytes.field("reserved_capacity", Int64(counts.reserved))
            bytes.field("sold_count", Int64(counts.sold))
            bytes.share("sell_through", of: UInt64(counts.sold), in: UInt64(counts.total - counts.buffer))
        }
        list("by_price_tier", sales.tiers) { bytes, tier in
            bytes.field("pricing_id", tier: tier.number, of: sales.key)
            bytes.field("name", tier.name)
            bytes.field("tickets_sold", count: tier.sums.tickets)
            bytes.field("refunded_tickets", count: tier.sums.refundedTickets)
            bytes.share("share_of_tickets", of: tier.sums.tickets, in: sales.total.sums.tickets)
        }
    }

    // MARK: - Customers

    private mutating func topCustomers(_ event: EventView, _ customers: [TopCustomer]) {
        let digits = Currency.minorDigits(of: event.details.currency)
        self.event(event)
        list("customers", customers) { bytes, customer in
            bytes.field("customer_id", customer.id)
            bytes.field("orders", count: customer.orders)
            bytes.field("tickets", count: customer.tickets)
            bytes.field("spent", wide: customer.total, digits)
        }
    }

    private mutating func insight(_ id: ShortText, _ insight: CustomerInsight) {
        field("customer_id", id)
        field("events", count: insight.events)
        list("currencies", insight.currencies.inOrder) { bytes, entry in
            let (sales, digits) = (entry.value, Currency.minorDigits(of: entry.key))
            bytes.field("currency", entry.key)
            bytes.field("orders", count: sales.orders)
            bytes.field("tickets", count: sales.sums.tickets)
            bytes.field("spent", wide: sales.sums.sold.total, digits)
            bytes.key("refunds")
            bytes.refunds(sales.sums, digits)
            bytes.field("net", wide: sales.sums.net, digits)
            bytes.field("open_reservations", count: sales.openHolds)
            bytes.field("open_places", count: sales.openPlaces)
        }
    }
}

// MARK: - Parts

extension ByteWriter {
    private mutating func event(_ view: EventView) {
        field("event_id", view.details.id)
        field("name", view.details.name)
        field("status", view.status.text)
        field("currency", view.details.currency)
    }

    /// The days that were asked for, as far as they were.
    private mutating func days(_ range: DayRange?) {
        key("from")
        if let range { day(range.lowerBound) } else { null() }
        key("to")
        if let range { day(range.upperBound) } else { null() }
    }

    private mutating func byDay(_ days: some Sequence<DaySales>, _ digits: Int) {
        list("by_day", days) { bytes, day in
            bytes.field("date", day: day.day)
            bytes.sums(day.orders, day.sums, digits)
        }
    }

    private mutating func sums(_ total: OrderSums, _ digits: Int) { sums(total.orders, total.sums, digits) }

    private mutating func sumsObject(_ orders: UInt64?, _ sums: SalesSums, _ digits: Int) {
        beginObject()
        self.sums(orders, sums, digits)
        endObject()
    }

    /// Members for what was sold: prices by themselves, fees and tax apart, refunds apart from all of it.
    private mutating func sums(_ orders: UInt64?, _ sums: SalesSums, _ digits: Int) {
        if let orders { field("orders", count: orders) }
        field("tickets_sold", count: sums.tickets)
        amounts(sums.sold, digits)
        key("refunds")
        refunds(sums, digits)
        field("net", wide: sums.net, digits)
    }

    private mutating func refunds(_ sums: SalesSums, _ digits: Int) {
        beginObject()
        field("tickets", count: sums.refundedTickets)
        amounts(sums.refunded, digits)
        endObject()
    }

    private mutating func amounts(_ amounts: SalesAmounts, _ digits: Int) {
        field("gross", wide: amounts.base, digits)
        field("service_fee", wide: amounts.serviceFee, digits)
        field("facility_fee", wide: amounts.facilityFee, digits)
        field("tax", wide: amounts.tax, digits)
        field("total", wide: amounts.total, digits)
    }

    private mutating func list<T>(
        _ name: StaticString,
        _ things: some Sequence<T>,
        _ write: (inout ByteWriter, T) -> Void
    ) {
        key(name)
        beginArray()
        for thing in things {
            beginObject()
            write(&self, thing)
            endObject()
        }
        endArray()
    }

    private mutating func field(_ name: StaticString, count: UInt64) { field(name, Int64(clamping: count)) }

    private mutating func field(_ name: StaticString, wide minorUnits: Int128, _ digits: Int) {
        key(name)
        money(wide: minorUnits, fractionDigits: digits)
    }

    private mutating func field(_ name: StaticString, day number: Int64) {
        key(name)
        day(number)
    }

    private mutating func day(_ number: Int64) {
        let date = CivilDate(daysSinceEpoch: max(0, number))
        func padded(_ number: Int, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        string("\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))")
    }

    /// A part of a whole, 0 to 1 with up to four decimals, rounded half up; null where there is no whole.
    private mutating func share(_ name: StaticString, of part: UInt64, in whole: UInt64) {
        key(name)
        guard whole > 0 else { return null() }
        rate(basisPoints: Int64((Int128(part) * 10_000 + Int128(whole) / 2) / Int128(whole)))
    }
}

extension OrderSums {
    /// What an order came to, rounded half up; nil where there is none.
    fileprivate var average: Int128? { orders == 0 ? nil : (sums.sold.total + Int128(orders) / 2) / Int128(orders) }
}

extension Dictionary where Key == ShortText {
    fileprivate var inOrder: [(key: ShortText, value: Value)] { sorted { $0.key.precedes($1.key) } }
}
