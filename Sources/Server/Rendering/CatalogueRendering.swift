import Engine

// The catalogue: events, capacity and pricing, one by one and in lists.

// MARK: - Events

extension ResponseWriter {
    mutating func write(_ view: EventView, _ reply: borrowing ReplyContext) -> Range<Int> {
        if let known = beginThing(reply, entityTag: view.entityTag) { return known }
        if reply.shape == .created { location("/api/v1/events/", view.details.id) }
        beginBody()
        bytes.beginObject()
        bytes.key("event")
        bytes.event(view)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    /// Writes one page of a tenant's events.
    @discardableResult
    mutating func write(_ page: EventPage, _ listing: borrowing EventListing) -> Range<Int> {
        let cursor = page.next.map { Cursor.text(after: $0) }
        begin(.ok, .json)
        echo(listing.reply)
        if let cursor { header("Link", "<\(Self.path(of: listing.filter))&cursor=\(cursor)>; rel=\"next\"") }
        beginBody()
        bytes.beginObject()
        bytes.key("events")
        bytes.beginArray()
        for view in page.views { bytes.event(view) }
        bytes.endArray()
        bytes.nextCursor(cursor)
        bytes.endObject()
        return end(omitBody: listing.reply.isHead)
    }

    private static func path(of filter: EventFilter) -> String {
        var path = "/api/v1/events?limit=\(filter.limit)"
        if let status = filter.status { path += "&status=\(status.text)" }
        if !filter.venue.isEmpty { path += "&venue_id=\(PercentText.encoding(filter.venue))" }
        if let time = filter.startsAfter { path += "&starts_after=\(Timestamp.text(time))" }
        if let time = filter.startsBefore { path += "&starts_before=\(Timestamp.text(time))" }
        if !filter.name.isEmpty { path += "&q=\(PercentText.encoding(filter.name))" }
        return path
    }
}

extension ByteWriter {
    fileprivate mutating func event(_ view: EventView) {
        let details = view.details
        beginObject()
        field("id", details.id)
        field("name", details.name)
        field("currency", details.currency)
        field("status", view.status.text)
        var members = details.attributes
        if let sale = view.saleStatus {
            field("sale_status", sale.text)
            // It was a member like any other before the engine told it.
            members = Attributes.without("sale_status", in: members)
        }
        field("version", Int64(view.version))
        if !details.venue.isEmpty { field("venue_id", details.venue) }
        eventRules(details)
        field("created_at", epochMilliseconds: view.createdAt)
        attributes(members)
        endObject()
    }

    mutating func eventRules(_ details: EventDetails) {
        field("starts_at", orNull: details.startsAt)
        field("sales_start_at", orNull: details.salesStartAt)
        field("sales_end_at", orNull: details.salesEndAt)
        field("hold_time_seconds", Int64(details.holdTimeSeconds))
        field("hold_time_max_seconds", Int64(details.holdTimeMaxSeconds))
        field("max_open_reservations_per_customer", limit: details.openHoldsPerCustomerMax)
    }

    mutating func nextCursor(_ cursor: String?) {
        key("next_cursor")
        if let cursor { string(cursor) } else { null() }
    }
}

// MARK: - Capacity

extension ResponseWriter {
    mutating func write(
        _ view: SectionView,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        if let known = beginThing(reply, entityTag: view.entityTag) { return known }
        if reply.shape == .created { location("/api/v1/capacity/", view.details.id) }
        beginBody()
        bytes.beginObject()
        bytes.key("capacity")
        bytes.section(view, of: event)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    /// One page of an event's sections.
    mutating func write(
        _ page: SectionPage,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        let filter = page.filter
        var query = ""
        if !filter.schedule.isEmpty { query += "&schedule_id=\(PercentText.encoding(filter.schedule))" }
        if let isActive = filter.isActive { query += "&is_active=\(isActive)" }
        beginPage(page.next, Page(start: filter.start, limit: filter.limit), "capacity", query, reply, of: event)
        for view in page.views { bytes.section(view, of: event) }
        return endPage(page.next, reply)
    }

    /// The sum of an event's sections.
    mutating func writeTotal(
        _ views: [SectionView],
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        func sum(_ number: (SectionCounts) -> UInt32) -> Int64 { views.reduce(0) { $0 + Int64(number($1.counts)) } }
        begin(.ok, .json)
        echo(reply)
        beginBody()
        bytes.beginObject()
        bytes.key("capacity")
        bytes.beginObject()
        bytes.field("event_id", event.id)
        bytes.field("total_capacity", sum(\.total))
        bytes.field("buffer_capacity", sum(\.buffer))
        bytes.field("available_capacity", sum(\.available))
        bytes.field("reserved_capacity", sum(\.reserved))
        bytes.field("sold_count", sum(\.sold))
        bytes.endObject()
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    mutating func writeCheck(
        _ view: SectionView,
        _ quantity: UInt32,
        _ isAvailable: Bool,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        begin(.ok, .json)
        echo(reply)
        beginBody()
        bytes.beginObject()
        bytes.field("available", isAvailable)
        bytes.field("quantity", Int64(quantity))
        bytes.key("capacity")
        bytes.section(view, of: event)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }
}

extension ByteWriter {
    fileprivate mutating func section(_ view: SectionView, of event: some EventConstants) {
        beginObject()
        field("id", view.details.id)
        field("event_id", event.id)
        field("section_name", view.details.name)
        field("section_code", view.details.code)
        field("total_capacity", Int64(view.counts.total))
        field("buffer_capacity", Int64(view.counts.buffer))
        field("available_capacity", Int64(view.counts.available))
        field("reserved_capacity", Int64(view.counts.reserved))
        field("sold_count", Int64(view.counts.sold))
        sectionRules(view.details, of: event)
        endObject()
    }

    mutating func sectionRules(_ details: SectionDetails, of event: some EventConstants) {
        field("minimum_purchase", Int64(details.minimumPurchase))
        field("maximum_purchase", Int64(details.maximumPurchase))
        field("is_active", details.isActive)
        field("is_visible", details.isVisible)
        if details.leavesNoSingleSeat { field("leave_no_single_seat", true) }
        if let schedule = details.schedule { field("schedule_id", event.scheduleID(schedule)) }
        attributes(details.attributes)
    }
}

// MARK: - Pricing

extension ResponseWriter {
    mutating func write(
        _ view: TierView,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        if let known = beginThing(reply, entityTag: view.entityTag) { return known }
        beginBody()
        bytes.beginObject()
        bytes.key("pricing")
        bytes.tier(view, of: event)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }

    mutating func write(
        _ views: [TierView],
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        let page = if case .page(let page) = reply.shape { page } else { Page() }
        let (range, next) = page.slice(of: views.count)
        beginPage(next, page, "pricing", "", reply, of: event)
        for view in views[range] { bytes.tier(view, of: event) }
        return endPage(next, reply)
    }

    /// The price of a line, all for the whole line but `per_ticket`.
    mutating func write(
        _ quote: Quote,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) -> Range<Int> {
        let digits = Currency.minorDigits(of: event.currency)
        begin(.ok, .json)
        echo(reply)
        beginBody()
        bytes.beginObject()
        bytes.field("base_price", minorUnits: quote.base, fractionDigits: digits)
        bytes.field("service_fee", minorUnits: quote.serviceFee, fractionDigits: digits)
        bytes.field("facility_fee", minorUnits: quote.facilityFee, fractionDigits: digits)
        bytes.field("subtotal", minorUnits: quote.subtotal, fractionDigits: digits)
        bytes.field("tax", minorUnits: quote.tax, fractionDigits: digits)
        bytes.field("total", minorUnits: quote.total, fractionDigits: digits)
        bytes.field("per_ticket", minorUnits: quote.perTicket, fractionDigits: digits)
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }
}

extension ByteWriter {
    fileprivate mutating func tier(_ view: TierView, of event: some EventConstants) {
        let details = view.details
        let digits = Currency.minorDigits(of: event.currency)
        beginObject()
        field("id", tier: view.number, of: event.key)
        field("event_id", event.id)
        field("capacity_id", orNull: details.section.map { event.sectionID($0) } ?? .empty)
        field("name", details.name)
        field("currency", event.currency)
        field("version", Int64(view.version))
        tierRules(details, fractionDigits: digits)
        endObject()
    }

    mutating func tierRules(_ details: PriceTierDetails, fractionDigits digits: Int) {
        field("base_price", minorUnits: details.basePrice, fractionDigits: digits)
        field("service_fee", minorUnits: details.serviceFee, fractionDigits: digits)
        field("facility_fee", minorUnits: details.facilityFee, fractionDigits: digits)
        field("tax_rate", basisPoints: Int64(details.taxBasisPoints))
        field("is_dynamic", details.isDynamic)
        field("min_price", orNull: details.minPrice, fractionDigits: digits)
        field("max_price", orNull: details.maxPrice, fractionDigits: digits)
        field("current_price", orNull: details.currentPrice, fractionDigits: digits)
        field("early_bird_price", orNull: details.earlyBirdPrice, fractionDigits: digits)
        field("early_bird_ends_at", orNull: details.earlyBirdEndsAt)
        field("last_minute_price", orNull: details.lastMinutePrice, fractionDigits: digits)
        field("last_minute_starts_at", orNull: details.lastMinuteStartsAt)
        field("group_size_min", limit: details.groupSizeMin)
        field("group_discount_percentage", minorUnits: Int64(details.groupDiscountBasisPoints), fractionDigits: 2)
        field("sales_start_at", orNull: details.salesStartAt)
        field("sales_end_at", orNull: details.salesEndAt)
        field("max_per_order", limit: details.maxPerOrder)
        field("max_per_customer", limit: details.maxPerCustomer)
        field("is_active", details.isActive)
        field("is_visible", details.isVisible)
        attributes(details.attributes)
    }
}

// MARK: - Pages

extension Page {
    /// The page's part of `count` things, and where the next page starts, if there is one.
    func slice(of count: Int) -> (range: Range<Int>, next: UInt32?) {
        let first = min(Int(start), count)
        let end = min(first + Int(limit), count)
        return (first..<end, end < count ? UInt32(end) : nil)
    }
}

extension ResponseWriter {
    private mutating func beginPage(
        _ next: UInt32?,
        _ page: Page,
        _ collection: StaticString,
        _ query: String,
        _ reply: borrowing ReplyContext,
        of event: some EventConstants
    ) {
        begin(.ok, .json)
        echo(reply)
        if let next {
            let path = "/api/v1/events/\(event.id)/\(collection)"
            header("Link", "<\(path)?limit=\(page.limit)\(query)&cursor=\(Cursor.text(start: next))>; rel=\"next\"")
        }
        beginBody()
        bytes.beginObject()
        bytes.key(collection)
        bytes.beginArray()
    }

    private mutating func endPage(_ next: UInt32?, _ reply: borrowing ReplyContext) -> Range<Int> {
        bytes.endArray()
        bytes.nextCursor(next.map { Cursor.text(start: $0) })
        bytes.endObject()
        return end(omitBody: reply.isHead)
    }
}
