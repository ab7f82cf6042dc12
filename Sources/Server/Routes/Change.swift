/// What a PUT says of one field that may be without a value.
enum Change<Value> {
    /// Nothing: the field keeps what it has.
    case kept
    /// `null`.
    case removed
    case set(Value)

    func applied(to current: Value?) -> Value? {
        switch self {
        case .kept: current
        case .removed: nil
        case .set(let value): value
        }
    }
}

extension Change: Equatable where Value: Equatable {}
extension Change: Sendable where Value: Sendable {}

extension BodyReader {
    /// Reads a value that may be `null`; one that the field can't take is noted and changes nothing.
    mutating func change<Value>(
        _ read: (inout BodyReader) throws(JSONError) -> Value?
    ) throws(JSONError) -> Change<Value> {
        if try isNull() { return .removed }
        guard let value = try read(&self) else { return .kept }
        return .set(value)
    }

    mutating func timeChange() throws(JSONError) -> Change<Int64> {
        try change { body throws(JSONError) in try body.time() }
    }

    mutating func decimalChange() throws(JSONError) -> Change<DecimalNumber> {
        try change { body throws(JSONError) in try body.decimal() }
    }

    mutating func integerChange(in range: ClosedRange<Int64>) throws(JSONError) -> Change<UInt32> {
        try change { body throws(JSONError) in try body.integer(in: range) }
    }
}
