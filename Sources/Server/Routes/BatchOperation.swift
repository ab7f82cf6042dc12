import Engine

/// What a line of a batch asks for: the value of its `op`.
enum BatchOperation: UInt8, CaseIterable, Sendable {
    case reserve, reservations, priceLock, extend, confirm, release, refund, transfer, accept, validate

    init?(_ name: JSONString) {
        switch name {
        case "reserve": self = .reserve
        case "confirm": self = .confirm
        case "price-lock": self = .priceLock
        case "release": self = .release
        case "extend": self = .extend
        case "reservations": self = .reservations
        case "refund": self = .refund
        case "validate": self = .validate
        case "transfer": self = .transfer
        case "accept": self = .accept
        default: return nil
        }
    }

    /// The names as a client writes them, for telling what an `op` can be.
    static let names =
        "reserve, reservations, price-lock, extend, confirm, release, refund, transfer, accept or validate"

    /// The member that stands for the id in a single request's path; nil where the path has none.
    var target: StaticString? {
        switch self {
        case .reserve: "capacity_id"
        case .reservations, .validate: nil
        case .priceLock, .extend, .confirm, .release: "reservation_id"
        case .refund: "order_id"
        case .transfer, .accept: "ticket_id"
        }
    }

    var subject: ReplyContext.Subject {
        switch self {
        case .reserve: .capacity
        case .reservations: .event
        case .priceLock, .extend, .confirm, .release: .reservation
        case .refund: .order
        case .transfer, .accept, .validate: .ticket
        }
    }
}

/// The members of a line that a single request has in its path and its header fields.
struct BatchLineMembers {
    let operation: BatchOperation
    /// The value of `idempotency_key`.
    var key: JSONString?
    /// The value of the member that `operation.target` names.
    var target: JSONString?
    fileprivate var seen: UInt64 = 0

    fileprivate init(_ operation: BatchOperation) { self.operation = operation }
}

extension BodyReader {
    /// Opens a line of a batch. Its own members are read on the way from member to member: whoever reads the fields
    /// of the operation doesn't meet them.
    /// - Returns: nil, with an error noted, when it has no `op`, or one that there isn't.
    mutating func beginLine() throws(JSONError) -> BatchOperation? {
        try begin()
        guard let operation = try findOperation() else { return nil }
        line = BatchLineMembers(operation)
        return operation
    }

    /// Reads the member if it is one of a line's own.
    mutating func takeLineMember(_ key: JSONString) throws(JSONError) -> Bool {
        guard var members = line else { return false }
        if key.equals("op") {
            try once(0, &members.seen)
            try skip()
        } else if key.equals("idempotency_key") {
            try once(1, &members.seen)
            if try !isNull() { members.key = try string() }
        } else if let target = members.operation.target, key.equals(target) {
            try once(2, &members.seen)
            members.target = try string()
        } else {
            return false
        }
        line = members
        return true
    }

    /// Notes what a line lacks.
    mutating func requireTarget() {
        if let members = line, let target = members.operation.target {
            require(members.target != nil, target)
        }
    }

    /// Looks ahead for the `op`: a client may write the members in any order.
    private mutating func findOperation() throws(JSONError) -> BatchOperation? {
        let place = place
        while let key = try nextKey() {
            guard key.equals("op") else {
                try skip()
                continue
            }
            let operation = try string().flatMap { BatchOperation($0) }
            if operation == nil, errors.isEmpty { note("op", "must be \(BatchOperation.names)") }
            goBack(to: place)
            return operation
        }
        require(false, "op")
        return nil
    }
}
