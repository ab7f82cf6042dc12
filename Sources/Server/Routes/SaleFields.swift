import Engine

/// The body of a reservation. Where `BodyReader.check` finds no error, the quantities, and the event and sections of
/// several lines, are there.
struct ReserveFields {
    struct Item {
        var section: ShortText?
        var quantity: UInt32?
        var pricing: PricingReference?
        /// Their names; none for the best there are.
        var seats: [ShortText] = []
    }

    static let holdMinutesMax = Int64(InventoryLimits.holdTimeMaxSeconds / 60)

    var event: ShortText?
    var customer: ShortText?
    var holdSeconds: UInt32?
    var first = Item()
    var rest: [Item] = []

    /// `{quantity | seats, reservation_minutes?, pricing_id?, customer_id?}`
    init(single body: inout BodyReader) throws(JSONError) {
        var seen: UInt64 = 0
        try body.begin()
        while let key = try body.nextKey() {
            switch key {
            case "quantity":
                try body.once(0, &seen)
                first.quantity = try body.quantity()
            case "reservation_minutes":
                try body.once(1, &seen)
                if try body.isNull() { continue }
                holdSeconds = try body.integer(in: 1...Self.holdMinutesMax).map { $0 * 60 }
            case "pricing_id":
                try body.once(2, &seen)
                first.pricing = try body.pricing()
            case "customer_id":
                try body.once(3, &seen)
                customer = try body.customer()
            case "seats":
                try body.once(4, &seen)
                try first.readSeats(&body)
            default: try body.skip()
            }
        }
        first.countSeats("seats", &body)
        body.require(first.quantity != nil, "quantity")
    }

    /// `{event_id, customer_id?, hold_seconds?, items:[{capacity_id, quantity | seats, pricing_id?}]}`
    init(several body: inout BodyReader) throws(JSONError) {
        var seen: UInt64 = 0
        try body.begin()
        while let key = try body.nextKey() {
            switch key {
            case "event_id":
                try body.once(0, &seen)
                event = try body.name()
            case "hold_seconds":
                try body.once(1, &seen)
                if try body.isNull() { continue }
                holdSeconds = try body.integer(in: 1...Int64(InventoryLimits.holdTimeMaxSeconds))
            case "items":
                try body.once(2, &seen)
                try readItems(&body)
            case "customer_id":
                try body.once(3, &seen)
                customer = try body.customer()
            default: try body.skip()
            }
        }
        body.require(event != nil, "event_id")
        body.require(seen & 1 << 2 != 0, "items")
    }

    private mutating func readItems(_ body: inout BodyReader) throws(JSONError) {
        guard try body.beginList() else { return }
        var count = 0
        while try body.nextElement() {
            count += 1
            guard count <= InventoryLimits.linesPerHoldMax else {
                try body.skip()
                continue
            }
            let item = try readItem(&body)
            if count == 1 { first = item } else { rest.append(item) }
        }
        if !(1...InventoryLimits.linesPerHoldMax).contains(count) {
            body.note("items", "must have 1 to \(InventoryLimits.linesPerHoldMax) items")
        }
    }

    private func readItem(_ body: inout BodyReader) throws(JSONError) -> Item {
        var item = Item()
        var seen: UInt64 = 0
        let path = body.fieldPath
        guard try body.beginElement() else { return item }
        while let key = try body.nextElementKey() {
            switch key {
            case "capacity_id":
                try body.once(0, &seen)
                item.section = try body.name()
            case "quantity":
                try body.once(1, &seen)
                item.quantity = try body.quantity()
            case "pricing_id":
                try body.once(2, &seen)
                item.pricing = try body.pricing()
            case "seats":
                try body.once(3, &seen)
                try item.readSeats(&body)
            default: try body.skip()
            }
        }
        if seen & 1 == 0 { body.note("\(path).capacity_id", "is required") }
        item.countSeats("\(path).seats", &body)
        if seen & 2 == 0, item.seats.isEmpty { body.note("\(path).quantity", "is required") }
        return item
    }
}

extension ReserveFields.Item {
    fileprivate mutating func readSeats(_ body: inout BodyReader) throws(JSONError) {
        if try body.isNull() { return }
        seats = try body.seatNames(max: Int(InventoryLimits.quantityPerLineMax))
    }

    /// As many places as seats; a quantity beside them must say the same.
    fileprivate mutating func countSeats(_ path: @autoclosure () -> String, _ body: inout BodyReader) {
        guard !seats.isEmpty else { return }
        if let quantity, quantity != UInt32(seats.count) { body.note(path(), "must be as many as quantity says") }
        quantity = UInt32(seats.count)
    }
}

/// `{pricing_id?}`
struct PriceLockFields {
    var pricing: PricingReference?

    init(_ body: inout BodyReader) throws(JSONError) {
        pricing = try body.onlyMember("pricing_id", isRequired: false) { body throws(JSONError) in try body.pricing() }
    }
}

/// `{seconds}`
struct ExtensionFields {
    var seconds: UInt32?

    init(_ body: inout BodyReader) throws(JSONError) {
        seconds = try body.onlyMember("seconds") { body throws(JSONError) in
            try body.integer(in: 1...Int64(InventoryLimits.holdTimeMaxSeconds))
        }
    }
}

/// `{payment_reference, amount?}`
struct ConfirmFields {
    var paymentReference: String?
    var amount: DecimalNumber?

    init(_ body: inout BodyReader) throws(JSONError) {
        var seen: UInt64 = 0
        try body.begin()
        while let key = try body.nextKey() {
            switch key {
            case "payment_reference":
                try body.once(0, &seen)
                paymentReference = try body.text(bytesMax: InventoryLimits.paymentReferenceBytesMax)
            case "amount":
                try body.once(1, &seen)
                if try body.isNull() { continue }
                amount = try body.decimal()
            default: try body.skip()
            }
        }
        body.require(paymentReference != nil, "payment_reference")
    }
}

/// `{tickets?, restock?}`
struct RefundFields {
    /// Indexes; empty for all that are left.
    var tickets: [UInt32] = []
    var restock = true

    init(_ body: inout BodyReader, order: HoldID) throws(JSONError) {
        var seen: UInt64 = 0
        try body.begin()
        while let key = try body.nextKey() {
            switch key {
            case "tickets":
                try body.once(0, &seen)
                if try body.isNull() { continue }
                try readTickets(&body, order)
            case "restock":
                try body.once(1, &seen)
                restock = try body.boolean() ?? true
            default: try body.skip()
            }
        }
    }

    private mutating func readTickets(_ body: inout BodyReader, _ order: HoldID) throws(JSONError) {
        let ticketsMax = InventoryLimits.linesPerHoldMax * Int(InventoryLimits.quantityPerLineMax)
        guard try body.beginList() else { return }
        var isEmpty = true
        while try body.nextElement() {
            isEmpty = false
            guard let text = try body.string() else { continue }
            guard let index = PublicIdentifiers.ticketIndex(text.content, of: order) else {
                body.note("must be the id of a ticket of this order")
                continue
            }
            if tickets.count < ticketsMax { tickets.append(index) }
        }
        // An empty list would mean every ticket to the engine, and none to whoever sent it.
        if isEmpty { body.note("tickets", "must name at least one ticket, or be left out to refund all") }
    }
}

/// A `pricing_id` as it came: a text that is none is told apart later, where a tier of another event is too.
struct PricingReference {
    let event: EventKey
    let tier: TierNumber
    let isValid: Bool

    /// - Throws: there is no such tier in the event.
    func number(in event: EventKey) throws(Problem) -> TierNumber {
        guard isValid, self.event == event else { throw .pricingNotFound }
        return tier
    }
}

extension BodyReader {
    mutating func quantity() throws(JSONError) -> UInt32? {
        try integer(in: 1...Int64(InventoryLimits.quantityPerLineMax))
    }

    mutating func customer() throws(JSONError) -> ShortText? {
        if try isNull() { return nil }
        return try name()
    }

    mutating func pricing() throws(JSONError) -> PricingReference? {
        if try isNull() { return nil }
        guard let text = try string() else { return nil }
        guard let (event, number) = PublicIdentifiers.tier(text.content) else {
            return PricingReference(event: EventKey(rawValue: 0), tier: 0, isValid: false)
        }
        return PricingReference(event: event, tier: number, isValid: true)
    }
}
