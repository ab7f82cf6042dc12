import Foundation

@testable import Server

/// Documents. What our reader accepts, Foundation's must accept, with the same values; what it has read, our writer must
/// write so that it reads the same again.
///
/// Two differences are known and left out: Foundation refuses numbers beyond a Double, which are JSON nevertheless, and
/// of a key that is given twice it keeps one (a route refuses such a document).
enum JSONTarget {
    static func run(_ input: UnsafeRawBufferPointer) throws(Finding) {
        scanKinds(input)
        var reader = JSONReader(input)
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue(&reader)
            try reader.finish()
        } catch {
            // An error must be able to say what is wrong, and where.
            guard !error.message.isEmpty, error.offset <= input.count else { throw Finding("an error beyond the end") }
            return
        }
        guard !value.hasHugeNumber else { return }
        let theirs: Any
        do {
            theirs = try JSONSerialization.jsonObject(with: Data(input), options: .fragmentsAllowed)
        } catch {
            throw Finding("Foundation refuses it: \(error)")
        }
        try value.check(against: theirs)
        try value.checkStrings()
    }

    /// Reads the document as each kind of value: one of them fits at most, none may trap.
    private static func scanKinds(_ input: UnsafeRawBufferPointer) {
        func attempt(_ read: (inout JSONReader) throws -> Void) {
            var reader = JSONReader(input)
            try? read(&reader)
        }
        attempt { _ = try $0.readInteger(in: .min ... .max) }
        attempt { _ = try $0.readInteger(in: 1...10) }
        attempt { _ = try $0.readDecimal(fractionDigitsMax: 18) }
        attempt { _ = try DecimalNumber(&$0) }
        attempt { _ = try $0.readString(bytesMax: 4) }
        attempt { _ = Timestamp.parse(try $0.readString().content) }
        attempt { _ = try $0.readRaw() }
    }

    static let seeds: [[UInt8]] = [
        "{\"quantity\":2,\"pricing_id\":\"prc_1\",\"customer_id\":null}",
        "{\"items\":[{\"capacity_id\":\"sec_1\",\"seats\":[\"A\\u002d1\",\"é\"]},{\"quantity\":10}],\"a\":-1.25e2}",
        "[true,false,null,0,-0.5,\"\\ud83c\\udfab\",{},[]]",
        " \"a string long enough for the scan of eight bytes \\\"\\\\\\/\\b\\f\\n\\r\\t\" ",
        "-9223372036854775808", "9223372036854775807", "0.000000000000000001", "1E+2", "123456.75",
        "\"2026-11-21T08:00:00.123456+02:00\"", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    ].map { Array($0.utf8) }
}

/// A document as our reader gives it.
enum JSONValue {
    case null
    case boolean(Bool)
    case number(String, integer: Int64?, decimal: Int64?)
    case string(String)
    case list([JSONValue])
    case object([(String, JSONValue)])

    init(_ reader: inout JSONReader) throws(JSONError) {
        switch try reader.peekKind() {
        case .null:
            _ = try reader.readNullIfPresent()
            self = .null
        case .boolean: self = .boolean(try reader.readBoolean())
        case .string: self = .string(try reader.readString().makeString())
        case .number:
            let start = reader.position
            let text = String(decoding: try reader.readRaw(), as: UTF8.self)
            var (first, second) = (reader, reader)
            (first.position, second.position) = (start, start)
            let integer = try? first.readInteger(in: .min ... .max)
            self = .number(text, integer: integer, decimal: try? second.readDecimal(fractionDigitsMax: 4))
        case .array:
            try reader.beginArray()
            var values: [JSONValue] = []
            while try reader.nextElement() { values.append(try JSONValue(&reader)) }
            self = .list(values)
        case .object:
            try reader.beginObject()
            var members: [(String, JSONValue)] = []
            while let key = try reader.nextKey() { members.append((key.makeString(), try JSONValue(&reader))) }
            self = .object(members)
        }
    }

    /// Whether a number in it has an exponent or so many digits that a Double may not reach it.
    var hasHugeNumber: Bool {
        switch self {
        case .number(let text, _, _): text.utf8.count > 200 || text.contains { $0 == "e" || $0 == "E" }
        case .list(let values): values.contains { $0.hasHugeNumber }
        case .object(let members): members.contains { $1.hasHugeNumber }
        case .null, .boolean, .string: false
        }
    }

    func check(against theirs: Any) throws(Finding) {
        switch self {
        case .null: guard theirs is NSNull else { throw Finding("null is \(theirs) to Foundation") }
        case .boolean(let value):
            guard (theirs as? Bool) == value else { throw Finding("\(value) is \(theirs) to Foundation") }
        case .string(let text):
            guard let string = theirs as? String, Array(string.utf8) == Array(text.utf8) else {
                throw Finding("\(text.debugDescription) is \(theirs) to Foundation")
            }
        case .number(let text, let integer, let decimal):
            guard let number = theirs as? NSNumber else { throw Finding("\(text) is \(theirs) to Foundation") }
            try Self.check(text, integer, decimal, number)
        case .list(let values):
            guard let list = theirs as? [Any], list.count == values.count else {
                throw Finding("a list of another length")
            }
            for (value, theirs) in zip(values, list) { try value.check(against: theirs) }
        case .object(let members):
            guard let object = theirs as? [String: Any] else { throw Finding("an object is \(theirs) to Foundation") }
            // Swift compares keys by their characters: two spellings of one character may count as one.
            guard Set(members.map(\.0)).count == members.count, object.count == members.count else { return }
            for (key, value) in members {
                guard let theirs = object[key] else { throw Finding("Foundation has no \(key.debugDescription)") }
                try value.check(against: theirs)
            }
        }
    }

    /// The exact values against Foundation's decimal of the same text.
    private static func check(
        _ text: String,
        _ integer: Int64?,
        _ decimal: Int64?,
        _ number: NSNumber
    ) throws(Finding) {
        // Foundation goes through a decimal of its own, and is off by a last bit then.
        guard let double = Double(text), abs(double - number.doubleValue) <= abs(double) * 1e-14 else {
            throw Finding("\(text) is \(number) to Foundation")
        }
        if let integer, number.int64Value != integer { throw Finding("\(text) is the integer \(integer) to us") }
        guard let decimal, text.utf8.count <= 30, let exact = Decimal(string: text) else { return }
        guard exact * 10_000 == Decimal(decimal) else { throw Finding("\(text) is \(decimal) ten-thousandths to us") }
    }

    /// What is written of a string reads the same.
    func checkStrings() throws(Finding) {
        switch self {
        case .string(let text):
            var writer = ByteWriter()
            writer.string(text)
            let isSame = writer.withBytes { bytes in
                var reader = JSONReader(bytes)
                let again = try? reader.readString().makeString()
                return again.map { Array($0.utf8) == Array(text.utf8) } ?? false
            }
            guard isSame else { throw Finding("\(text.debugDescription) is not what is read of it again") }
        case .list(let values): for value in values { try value.checkStrings() }
        case .object(let members): for (_, value) in members { try value.checkStrings() }
        case .null, .boolean, .number: return
        }
    }
}
