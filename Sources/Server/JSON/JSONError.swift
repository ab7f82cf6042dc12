/// What is wrong with a JSON document, where, and in which field.
struct JSONError: Error, Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        // Not JSON, or not JSON that this server reads at all.
        case malformed(StaticReason)
        case invalidUTF8
        case loneSurrogate
        case tooDeep
        case trailingBytes
        case duplicateKey
        // JSON, but not what the field takes.
        case wrongType(expected: JSONKind)
        case notAnInteger
        case exponent
        /// The bounds are in minor units of `fractionDigits` decimal places.
        case outOfRange(min: Int64, max: Int64, fractionDigits: Int)
        case tooManyFractionDigits(max: Int)
        case stringTooLong(bytesMax: Int)
    }

    let kind: Kind
    /// Bytes from the beginning of the document.
    let offset: Int
    /// As in `items[1].quantity`; empty at the top.
    let field: String

    /// True when the document can't be read (400), false when a field has a value it can't take (422).
    var isMalformed: Bool {
        switch kind {
        case .malformed, .invalidUTF8, .loneSurrogate, .tooDeep, .trailingBytes, .duplicateKey: true
        case .wrongType, .notAnInteger, .exponent, .outOfRange, .tooManyFractionDigits, .stringTooLong: false
        }
    }

    /// For people.
    var message: String {
        switch kind {
        case .malformed(let reason): "\(reason.text) at byte \(offset)"
        case .invalidUTF8: "not valid UTF-8 at byte \(offset)"
        case .loneSurrogate: "half of a surrogate pair at byte \(offset)"
        case .tooDeep: "nested deeper than \(JSONReader.depthMax) levels"
        case .trailingBytes: "more than one value, from byte \(offset) on"
        case .duplicateKey: "given twice"
        case .wrongType(let expected): "must be \(expected.phrase)"
        case .notAnInteger: "must be an integer"
        case .exponent: "must be written without an exponent"
        case .outOfRange(let min, let max, let digits):
            "must be from \(Self.decimal(min, digits)) to \(Self.decimal(max, digits))"
        case .tooManyFractionDigits(let max):
            max == 0 ? "must have no decimal places" : "must have at most \(max) decimal places"
        case .stringTooLong(let bytesMax): "must be at most \(bytesMax) bytes long"
        }
    }

    private static func decimal(_ minorUnits: Int64, _ fractionDigits: Int) -> String {
        var text = ByteWriter(capacity: 64)
        text.money(minorUnits: minorUnits, fractionDigits: fractionDigits)
        return text.withBytes { String(decoding: $0, as: UTF8.self) }
    }
}

/// A `StaticString` that can be compared.
struct StaticReason: Equatable, Sendable, ExpressibleByStringLiteral {
    let text: StaticString

    init(stringLiteral text: StaticString) { self.text = text }

    static func == (left: StaticReason, right: StaticReason) -> Bool {
        left.text.description == right.text.description
    }
}

/// The kinds of JSON values, known from their first byte.
enum JSONKind: Sendable {
    case object, array, string, number, boolean, null

    var phrase: String {
        switch self {
        case .object: "an object"
        case .array: "a list"
        case .string: "a string"
        case .number: "a number"
        case .boolean: "true or false"
        case .null: "null"
        }
    }
}
