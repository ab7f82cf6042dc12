import WAL

extension RecordBuffer {
    mutating func write(_ details: EventDetails) {
        write(details.id)
        write(details.name)
        write(details.currency)
        write(optional: details.startsAt)
        write(optional: details.salesStartAt)
        write(optional: details.salesEndAt)
        write(details.holdTimeSeconds)
        write(details.holdTimeMaxSeconds)
        write(details.openHoldsPerCustomerMax)
        write(details.attributes)
    }

    mutating func write(_ details: SectionDetails) {
        write(details.id)
        write(details.name)
        write(details.code)
        write(details.total)
        write(details.buffer)
        write(details.minimumPurchase)
        write(details.maximumPurchase)
        write(details.isActive)
        write(details.isVisible)
    }

    mutating func write(_ details: PriceTierDetails) {
        write(details.name)
        write(details.basePrice)
        write(details.serviceFee)
        write(details.facilityFee)
        write(details.taxBasisPoints)
        write(details.isDynamic)
        write(optional: details.minPrice)
        write(optional: details.maxPrice)
        write(optional: details.currentPrice)
        write(optional: details.earlyBirdPrice)
        write(optional: details.earlyBirdEndsAt)
        write(optional: details.lastMinutePrice)
        write(optional: details.lastMinuteStartsAt)
        write(details.groupSizeMin)
        write(details.groupDiscountBasisPoints)
        write(optional: details.salesStartAt)
        write(optional: details.salesEndAt)
        write(details.maxPerOrder)
        write(details.maxPerCustomer)
        write(optional: details.section)
        write(details.isActive)
        write(details.isVisible)
    }

    mutating func write(_ event: EventRestored) {
        write(event.tenant)
        write(event.details)
        write(event.createdAt)
        write(event.status.rawValue)
        write(event.version)
        write(event.lastCommandAt)
    }

    mutating func write(_ view: EventView) {
        write(view.details)
        write(view.status.rawValue)
        write(view.version)
        write(view.createdAt)
    }
}

extension RecordDecoder {
    mutating func readEventDetails() throws(Malformed) -> EventDetails {
        let id = try readShortText()
        let name = try readString()
        var details = EventDetails(id: id, name: name, currency: try readShortText())
        details.startsAt = try readOptional()
        details.salesStartAt = try readOptional()
        details.salesEndAt = try readOptional()
        details.holdTimeSeconds = try read()
        details.holdTimeMaxSeconds = try read()
        details.openHoldsPerCustomerMax = try read()
        details.attributes = try readString()
        return details
    }

    mutating func readSectionDetails(leavesNoSingleSeat: Bool = false) throws(Malformed) -> SectionDetails {
        let id = try readShortText()
        let name = try readString()
        let code = try readString()
        var details = SectionDetails(id: id, name: name, total: try read())
        details.code = code
        details.buffer = try read()
        details.minimumPurchase = try read()
        details.maximumPurchase = try read()
        details.isActive = try readBool()
        details.isVisible = try readBool()
        details.leavesNoSingleSeat = leavesNoSingleSeat
        return details
    }

    mutating func readTierDetails() throws(Malformed) -> PriceTierDetails {
        let name = try readString()
        var details = PriceTierDetails(name: name, basePrice: try read())
        details.serviceFee = try read()
        details.facilityFee = try read()
        details.taxBasisPoints = try read()
        details.isDynamic = try readBool()
        details.minPrice = try readOptional()
        details.maxPrice = try readOptional()
        details.currentPrice = try readOptional()
        details.earlyBirdPrice = try readOptional()
        details.earlyBirdEndsAt = try readOptional()
        details.lastMinutePrice = try readOptional()
        details.lastMinuteStartsAt = try readOptional()
        details.groupSizeMin = try read()
        details.groupDiscountBasisPoints = try read()
        details.salesStartAt = try readOptional()
        details.salesEndAt = try readOptional()
        details.maxPerOrder = try read()
        details.maxPerCustomer = try read()
        details.section = try readOptional()
        details.isActive = try readBool()
        details.isVisible = try readBool()
        return details
    }

    mutating func readEventRestored() throws(Malformed) -> EventRestored {
        let tenant = try readShortText()
        let details = try readEventDetails()
        let createdAt = try read(Milliseconds.self)
        let status = try readCase(EventStatus.self)
        let version = try read(UInt32.self)
        let lastCommandAt = try read(Milliseconds.self)
        return EventRestored(
            tenant: tenant,
            details: details,
            createdAt: createdAt,
            status: status,
            version: version,
            lastCommandAt: lastCommandAt
        )
    }

    mutating func readEventView() throws(Malformed) -> EventView {
        EventView(
            details: try readEventDetails(),
            status: try readCase(),
            version: try read(),
            createdAt: try read()
        )
    }
}
