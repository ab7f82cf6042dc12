import Engine

// Refusals for a value out of its range, and for a table that is full.

extension Problem {
    /// A value that the engine holds against the rest of the thing, such as a buffer larger than its total.
    init(_ field: Rejection.Field) {
        let (name, message): (String, String) =
            switch field {
            case .name: ("name", "must have 1 to \(InventoryLimits.nameBytesMax) bytes")
            case .currency: ("currency", "must be a code of ISO 4217: three capital letters")
            case .salesWindow: ("sales_end_at", "must be later than sales_start_at")
            case .holdTime: ("hold_time_seconds", "must be 1 to hold_time_max_seconds, and that at most 86400")
            case .attributes:
                (
                    "attributes",
                    "must have at most \(InventoryLimits.attributesBytesMax) bytes together on an event, and "
                        + "\(InventoryLimits.partAttributesBytesMax) on anything else"
                )
            case .total: ("total_capacity", "must be 0 to \(InventoryLimits.placesPerSectionMax)")
            case .buffer: ("buffer_capacity", "must be 0 to total_capacity")
            case .purchaseRange: ("minimum_purchase", "must be 1 to maximum_purchase, and that at most 1000")
            case .price: ("base_price", "prices and fees must be 0 to 100000000000 minor units, min_price ≤ max_price")
            case .taxRate: ("tax_rate", "must be 0 to 1 with at most 4 decimals")
            case .groupDiscount: ("group_discount_percentage", "must be 0 to 100 with at most 2 decimals")
            case .quantity: ("quantity", "must be 1 to \(InventoryLimits.quantityPerLineMax)")
            case .lines: ("items", "must have 1 to \(InventoryLimits.linesPerHoldMax) items")
            case .paymentReference:
                ("payment_reference", "must have 1 to \(InventoryLimits.paymentReferenceBytesMax) bytes")
            case .seats: ("seats", "must be labels and numbers of seats within their ranges, none of them twice")
            case .scheduleTimes: ("ends_at", "must be later than starts_at, and doors_open_at not later than starts_at")
            case .venueCapacity: ("max_capacity", "must be 1 to \(InventoryLimits.venueCapacityMax)")
            case .earlyBird:
                ("early_bird_ends_at", "is required with early_bird_price, which is for the time before it")
            case .lastMinute:
                ("last_minute_starts_at", "is required with last_minute_price, which is for the time from then on")
            case .groupSize:
                ("group_size_min", "must be 1 or more with group_discount_percentage, which is for groups of that size")
            case .address: ("address", "its parts must have at most \(InventoryLimits.nameBytesMax) bytes each")
            case .identifier: ("id", "must be 1 to 64 of A-Z a-z 0-9 . _ ~ : -")
            }
        self = .validationFailed([ProblemDetails.FieldError(field: name, message: message)])
    }

    init(_ limit: Rejection.Limit) {
        switch limit {
        case .sections:
            self.init(
                .conflict,
                "LIMIT_REACHED",
                "Limit reached",
                "An event has at most \(InventoryLimits.sectionsPerEventMax) capacities."
            )
        case .tiers:
            self.init(
                .conflict,
                "LIMIT_REACHED",
                "Limit reached",
                "An event has at most \(InventoryLimits.tiersPerEventMax) pricings."
            )
        case .schedules:
            self.init(
                .conflict,
                "LIMIT_REACHED",
                "Limit reached",
                "An event has at most \(InventoryLimits.schedulesPerEventMax) schedules."
            )
        case .venues:
            self.init(
                .conflict,
                "LIMIT_REACHED",
                "Limit reached",
                "A tenant has at most \(InventoryLimits.venuesPerTenantMax) venues."
            )
        case .holds:
            self.init(
                .serviceUnavailable,
                "LIMIT_REACHED",
                "Limit reached",
                "The event has as many reservations as it can hold; ended ones make room soon."
            )
            retryAfterSeconds = 1
        case .events:
            self.init(
                .serviceUnavailable,
                "LIMIT_REACHED",
                "Limit reached",
                "This server has as many events as it can hold; another one has to take it."
            )
            retryAfterSeconds = 1
        case .idempotencyKeys:
            self.init(
                .serviceUnavailable,
                "LIMIT_REACHED",
                "Limit reached",
                "The event remembers as many idempotency keys as it can; old ones make room soon."
            )
            retryAfterSeconds = 1
        }
    }
}
