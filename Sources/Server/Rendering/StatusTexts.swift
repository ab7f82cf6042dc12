import Engine

// How the engine's states are called outside.

extension EventStatus {
    var text: StaticString {
        switch self {
        case .draft: "DRAFT"
        case .published: "PUBLISHED"
        case .cancelled: "CANCELLED"
        }
    }
}

extension SaleStatus {
    var text: StaticString {
        switch self {
        case .draft: "draft"
        case .published: "published"
        case .onSale: "on_sale"
        case .soldOut: "sold_out"
        case .closed: "closed"
        case .completed: "completed"
        case .cancelled: "cancelled"
        }
    }
}

extension HoldStatus {
    var text: StaticString {
        switch self {
        case .held: "held"
        case .confirmed: "confirmed"
        case .released: "released"
        case .expired: "expired"
        }
    }
}
