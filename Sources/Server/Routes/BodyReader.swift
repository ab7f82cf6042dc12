import Engine

/// Reads the members of a request's JSON and notes every value that a field can't take, so that one answer names
/// them all. Only a body that isn't JSON at all ends the reading early, by throwing.
///
/// An absent body reads as an object without members.
struct BodyReader {
    typealias FieldError = ProblemDetails.FieldError

    /// Errors noted; a body with more is wrong throughout.
    static let errorsMax = 64

    private(set) var errors: [FieldError] = []
    /// For a line of a batch: the members that a single request has elsewhere.
    var line: BatchLineMembers?
    private var json: JSONReader
    private let isAbsent: Bool

    /// - Parameter body: must outlive the reader and what it gives out.
    init(_ body: UnsafeRawBufferPointer) {
        json = JSONReader(body)
        isAbsent = body.isEmpty
    }

    // MARK: - Members

    /// Opens the object of the body.
    mutating func begin() throws(JSONError) {
        guard !isAbsent, line == nil else { return }
        guard try json.peekKind() == .object else { throw json.malformed("the body must be an object,") }
        try json.beginObject()
    }

    /// The key of the body's next member; nil behind the last one, and then the body has been read to its end.
    mutating func nextKey() throws(JSONError) -> JSONString? {
        guard !isAbsent else { return nil }
        while let key = try json.nextKey() {
            if line == nil { return key }
            if try !takeLineMember(key) { return key }
        }
        try json.finish()
        return nil
    }

    /// Refuses a member that came before; `bit`, 0 to 63, stands for it in `seen`.
    mutating func once(_ bit: UInt64, _ seen: inout UInt64) throws(JSONError) { try json.once(bit, &seen) }

    /// Passes over a member that means nothing here.
    mutating func skip() throws(JSONError) { try json.skipValue() }

    /// A place between the body's members, to come back to before its end is reached.
    var place: JSONReader.Mark { json.mark }

    mutating func goBack(to place: JSONReader.Mark) { json.rewind(to: place) }

    /// Passes over all members.
    mutating func readOver() throws(JSONError) {
        try begin()
        while try nextKey() != nil { try skip() }
    }

    /// Reads a body of which one member only means something, with `read`.
    /// - Returns: its value; nil, with an error noted, where that is none or a required member isn't there.
    mutating func onlyMember<Value>(
        _ name: StaticString,
        isRequired: Bool = true,
        _ read: (inout BodyReader) throws(JSONError) -> Value?
    ) throws(JSONError) -> Value? {
        var value: Value?
        var seen: UInt64 = 0
        try begin()
        while let key = try nextKey() {
            guard name ~= key else {
                try skip()
                continue
            }
            try once(0, &seen)
            value = try read(&self)
        }
        if isRequired { require(value != nil, name) }
        return value
    }

    /// The member's value as it came.
    mutating func raw() throws(JSONError) -> UnsafeRawBufferPointer { try json.readRaw() }

    func duplicateKey() -> JSONError { json.error(.duplicateKey) }

    /// Opens the list that is the member's value; notes an error and says false when it is none.
    mutating func beginList() throws(JSONError) -> Bool {
        guard try json.peekKind() == .array else {
            note("must be a list")
            try json.skipValue()
            return false
        }
        try json.beginArray()
        return true
    }

    mutating func nextElement() throws(JSONError) -> Bool { try json.nextElement() }

    /// Whether what comes next is an object.
    mutating func isObject() throws(JSONError) -> Bool { try json.peekKind() == .object }

    /// Opens the object that is a list's element; notes an error and says false when it is none.
    mutating func beginElement() throws(JSONError) -> Bool {
        guard try json.peekKind() == .object else {
            note("must be an object")
            try json.skipValue()
            return false
        }
        try json.beginObject()
        return true
    }

    /// The key of the element's next member; nil behind the last one.
    mutating func nextElementKey() throws(JSONError) -> JSONString? { try json.nextKey() }

    /// Where the reader stands, as in `items[1].quantity`.
    var fieldPath: String { json.fieldPath }

    // MARK: - Errors

    /// Notes an error of the member that was read last.
    mutating func note(_ message: String) { note(json.fieldPath, message) }

    mutating func note(_ field: String, _ message: String) {
        guard errors.count < Self.errorsMax else { return }
        errors.append(FieldError(field: field, message: message))
    }

    mutating func require(_ isPresent: Bool, _ field: StaticString) {
        guard !isPresent, !errors.contains(where: { $0.field == field.description }) else { return }
        note(field.description, "is required")
    }

    /// Throws all errors that were noted.
    func check() throws(Problem) {
        if !errors.isEmpty { throw .validationFailed(errors) }
    }
}

// MARK: - Values

extension BodyReader {
    /// `null` stands for a member that isn't there.
    mutating func isNull() throws(JSONError) -> Bool { try json.readNullIfPresent() }

    mutating func integer(in range: ClosedRange<Int64>) throws(JSONError) -> UInt32? {
        try value { json throws(JSONError) in UInt32(truncatingIfNeeded: try json.readInteger(in: range)) }
    }

    mutating func boolean() throws(JSONError) -> Bool? {
        try value { json throws(JSONError) in try json.readBoolean() }
    }

    mutating func text(bytesMax: Int, isEmptyAllowed: Bool = false) throws(JSONError) -> String? {
        let text = try value { json throws(JSONError) in try json.readString(bytesMax: bytesMax).makeString() }
        guard text != "" || isEmptyAllowed else {
            note("must not be empty")
            return nil
        }
        return text
    }

    /// Text of 1 to 64 bytes that names something there is already.
    mutating func name() throws(JSONError) -> ShortText? {
        let string = try value { json throws(JSONError) in try json.readString(bytesMax: ShortText.bytesMax) }
        guard let string else { return nil }
        let text = string.hasEscapes ? ShortText(string.makeString()) : ShortText(utf8: string.content)
        guard let text, !text.isEmpty else {
            note("must not be empty")
            return nil
        }
        return text
    }

    /// The name that a client gives to something new.
    mutating func newIdentifier() throws(JSONError) -> ShortText? {
        guard let text = try name() else { return nil }
        guard ClientIdentifier.isAllowed(text) else {
            note("must be 1 to 64 of A-Z a-z 0-9 . _ ~ : - and neither . nor ..")
            return nil
        }
        return text
    }

    /// A string's own bytes; for what is decoded at once, and allocates nothing.
    mutating func string() throws(JSONError) -> JSONString? {
        try value { json throws(JSONError) in try json.readString() }
    }

    mutating func time() throws(JSONError) -> Milliseconds? {
        guard let string = try self.string() else { return nil }
        guard let time = string.hasEscapes ? nil : Timestamp.parse(string.content) else {
            note("must be a time of RFC 3339, as in 2026-11-21T08:00:00Z")
            return nil
        }
        return time
    }

    /// A number with at most `fractionDigitsMax` digits behind the point, in units of the last of them.
    mutating func scaled(fractionDigitsMax: Int, in range: ClosedRange<Int64>) throws(JSONError) -> UInt32? {
        try value { json throws(JSONError) in
            UInt32(truncatingIfNeeded: try json.readDecimal(fractionDigitsMax: fractionDigitsMax, in: range))
        }
    }

    mutating func decimal() throws(JSONError) -> DecimalNumber? {
        try value { json throws(JSONError) in try DecimalNumber(&json) }
    }

    /// Reads one scalar; notes why the field can't take it, and goes on behind it.
    private mutating func value<T>(
        _ read: (inout JSONReader) throws(JSONError) -> T
    ) throws(JSONError) -> T? {
        json.skipBlanks()
        let start = json.position
        do {
            return try read(&json)
        } catch {
            guard !error.isMalformed else { throw error }
            note(error.field, error.message)
            json.position = start
            try json.skipValue()
            return nil
        }
    }
}

/// Names that clients give.
enum ClientIdentifier {
    /// Whether the text is 1 to 64 of `A-Z a-z 0-9 . _ ~ : -`, and not `.` or `..`: it stands in a path as it is.
    static func isAllowed(_ text: ShortText) -> Bool {
        text.withBytes { bytes in
            !bytes.isEmpty && !bytes.equals(".") && !bytes.equals("..") && characters.containsAll(of: bytes)
        }
    }

    private static let characters = ASCIISet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~:-")
}
