import Testing

@testable import Server

/// Runs `body` over a document, and checks that it has been read to its end.
func readJSON<R>(_ document: String, _ body: (inout JSONReader) throws -> R) throws -> R {
    try Array(document.utf8).withUnsafeBytes { bytes in
        var reader = JSONReader(bytes)
        let result = try body(&reader)
        try reader.finish()
        return result
    }
}

/// The error of reading, nil when there is none.
private func failure(_ bytes: [UInt8], _ body: (inout JSONReader) throws -> Void) -> JSONError? {
    do {
        try bytes.withUnsafeBytes { bytes in
            var reader = JSONReader(bytes)
            try body(&reader)
            try reader.finish()
        }
        return nil
    } catch {
        return error as? JSONError
    }
}

@Suite struct JSONReaderTests {
    @Test func aReservationIsReadFieldByField() throws {
        struct Item: Equatable {
            var section = ""
            var quantity: Int64 = 0
            var seats: [String] = []
        }
        let document = """
             { "event_id" : "evt_1", "extra": {"a": [1, {"b": null}], "c": -0.5e+3},\t"hold_seconds":900,
              "amount": 50.5, "gift": true, "note": null,
              "items": [ {"capacity_id":"sec_1","quantity":2}, {"\\u0063apacity_id":"s\\u00e9c \\ud83c\\udfab\\n","seats":["A-1","A-2"]} ] }\r\n
            """
        var eventId = ""
        var holdSeconds: Int64 = 0
        var amount: Int64 = 0
        var isGift = false
        var items: [Item] = []
        try readJSON(document) { reader in
            var seen: UInt64 = 0
            try reader.beginObject()
            while let key = try reader.nextKey() {
                switch key {
                case "event_id":
                    try reader.once(0, &seen)
                    eventId = try reader.readString(bytesMax: 64).makeString()
                case "hold_seconds": holdSeconds = try reader.readInteger(in: 1...3_600)
                case "amount": amount = try reader.readDecimal(fractionDigitsMax: 2)
                case "gift": isGift = try reader.readBoolean()
                case "note":
                    let isNull = try reader.readNullIfPresent()
                    #expect(isNull)
                case "items":
                    try reader.beginArray()
                    while try reader.nextElement() { items.append(try readItem(&reader)) }
                default: try reader.skipValue()
                }
            }
        }
        func readItem(_ reader: inout JSONReader) throws -> Item {
            var item = Item()
            try reader.beginObject()
            while let key = try reader.nextKey() {
                switch key {
                case "capacity_id": item.section = try reader.readString().makeString()
                case "quantity": item.quantity = try reader.readInteger(in: 1...10)
                case "seats":
                    try reader.beginArray()
                    while try reader.nextElement() { item.seats.append(try reader.readString().makeString()) }
                default: try reader.skipValue()
                }
            }
            return item
        }
        #expect(eventId == "evt_1")
        #expect(holdSeconds == 900)
        #expect(amount == 5050)
        #expect(isGift)
        #expect(
            items == [
                Item(section: "sec_1", quantity: 2),
                Item(section: "séc 🎫\n", seats: ["A-1", "A-2"]),
            ]
        )
    }

    @Test(arguments: [
        "0", "-0", "1.5e-3", "\"\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\"", "\"\\ud83c\\udfab\"", "\"é🎫\u{10FFFF}\"",
        "[]", "{}", " [ ] ", "[[],{}]", "{\"a\":{\"a\":[]}}", "true", "[null,false]", "\"\u{7F}\"",
    ])
    func wellFormedDocuments(document: String) {
        #expect(failure(Array(document.utf8)) { try $0.skipValue() } == nil)
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}",
        "{\"a\":1 \"b\":2}", "{1:2}", "[1}", "{]", "01", "-", "+1", "1.", ".5", "1e", "1e+", "-01", "0x1", "NaN",
        "tru", "True", "nul", "'a'", "\"", "\"a", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "\"\u{1F}\"",
        "1 2", "{}{}", "[] x", "\u{FEFF}{}", "/**/1", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\ud800\"",
        "\"\\ud800x\"",
    ])
    func malformedDocuments(document: String) throws {
        let error = try #require(failure(Array(document.utf8)) { try $0.skipValue() })
        #expect(error.isMalformed)
        #expect(error.offset <= document.utf8.count)
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0xAF], [0xC1, 0xBF], [0xE0, 0x80, 0xAF], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x8E],
            [0xC3, 0x41],
        ] as [[UInt8]]
    )
    func brokenUTF8(sequence: [UInt8]) {
        // At every distance from a word's end, since eight bytes are looked at together.
        for blanks in 0..<9 {
            let document = [0x22] + Array(repeating: UInt8(0x61), count: blanks) + sequence + [0x22]
            #expect(failure(document) { try $0.skipValue() }?.kind == .invalidUTF8)
            #expect(failure(document) { try $0.skipValue() }?.offset == blanks + 1)
        }
    }

    @Test func depthIsLimited() {
        let deepest = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        #expect(failure(Array(deepest.utf8)) { try $0.skipValue() } == nil)
        let tooDeep = String(repeating: "[", count: 100_000)
        #expect(failure(Array(tooDeep.utf8)) { try $0.skipValue() }?.kind == .tooDeep)
    }

    @Test func errorsNameTheField() throws {
        let document = "{\"a\":1,\"items\":[{\"quantity\":1},{\"x\":{\"y\":0},\"quantity\":11}]}"
        let error = failure(Array(document.utf8)) { reader in
            try reader.beginObject()
            while let key = try reader.nextKey() {
                guard case "items" = key else {
                    try reader.skipValue()
                    continue
                }
                try reader.beginArray()
                while try reader.nextElement() {
                    try reader.beginObject()
                    while let key = try reader.nextKey() {
                        switch key {
                        case "quantity": _ = try reader.readInteger(in: 1...10)
                        default: try reader.skipValue()
                        }
                    }
                }
            }
        }
        #expect(error?.field == "items[1].quantity")
        #expect(error?.message == "must be from 1 to 10")
        #expect(error?.isMalformed == false)
    }

    @Test func aKnownKeyComesOnce() {
        let error = failure(Array("{\"a\":1,\"\\u0061\":2}".utf8)) { reader in
            var seen: UInt64 = 0
            try reader.beginObject()
            while let key = try reader.nextKey() {
                guard case "a" = key else { return }
                try reader.once(63, &seen)
                try reader.skipValue()
            }
        }
        #expect(error?.kind == .duplicateKey)
    }

    @Test func rawValuesComeWithoutBlanks() throws {
        let raw = try readJSON("{ \"a\" :  [ 1 , {\"b\":\"]\"} ]  , \"c\":2}") { reader in
            try reader.beginObject()
            _ = try reader.nextKey()
            let raw = try reader.readRaw()
            _ = try reader.nextKey()
            try reader.skipValue()
            _ = try reader.nextKey()
            return String(decoding: raw, as: UTF8.self)
        }
        #expect(raw == "[ 1 , {\"b\":\"]\"} ]")
    }

    @Test func stringsAreMeasuredWithoutTheirEscapes() {
        #expect(failure(Array("\"\\u00e9\\n\"".utf8)) { _ = try $0.readString(bytesMax: 3) } == nil)
        #expect(
            failure(Array("\"\\u00e9\\n\"".utf8)) { _ = try $0.readString(bytesMax: 2) }?.kind
                == .stringTooLong(bytesMax: 2)
        )
    }
}

@Suite struct JSONNumberTests {
    @Test(
        arguments: [
            ("0", 2, 0), ("-0.00", 2, 0), ("50", 2, 5000), ("50.0", 2, 5000), ("50.00", 2, 5000), ("0.07", 2, 7),
            ("-1.5", 2, -150), ("500", 0, 500), ("0.08", 4, 800), ("92233720368547758.07", 2, .max),
            ("-92233720368547758.08", 2, .min), ("9.223372036854775807", 18, .max),
        ] as [(String, Int, Int64)]
    )
    func decimalsAreExact(given: (String, Int, Int64)) throws {
        #expect(try readJSON(given.0) { try $0.readDecimal(fractionDigitsMax: given.1) } == given.2)
    }

    @Test(
        arguments: [
            ("50.000", 2, .tooManyFractionDigits(max: 2)), ("50.0", 0, .tooManyFractionDigits(max: 0)),
            ("5e1", 2, .exponent), ("5.0E1", 2, .exponent), ("\"50\"", 2, .wrongType(expected: .number)),
            ("92233720368547758.08", 2, .outOfRange(min: .min, max: .max, fractionDigits: 2)),
            ("99999999999999999999999", 2, .outOfRange(min: .min, max: .max, fractionDigits: 2)),
        ] as [(String, Int, JSONError.Kind)]
    )
    func decimalsThatCanNotBeTaken(given: (String, Int, JSONError.Kind)) {
        #expect(failure(Array(given.0.utf8)) { _ = try $0.readDecimal(fractionDigitsMax: given.1) }?.kind == given.2)
    }

    @Test func boundsAreToldInTheUnitOfTheField() {
        let error = failure(Array("50.01".utf8)) { _ = try $0.readDecimal(fractionDigitsMax: 2, in: 0...5_000) }
        #expect(error?.message == "must be from 0.00 to 50.00")
    }

    @Test func integersStayInRange() throws {
        #expect(try readJSON("9223372036854775807") { try $0.readInteger(in: .min ... .max) } == .max)
        #expect(try readJSON("-9223372036854775808") { try $0.readInteger(in: .min ... .max) } == .min)
        for document in ["9223372036854775808", "-9223372036854775809", "100000000000000000000000000000000"] {
            let kind = failure(Array(document.utf8)) { _ = try $0.readInteger(in: .min ... .max) }?.kind
            #expect(kind == .outOfRange(min: .min, max: .max, fractionDigits: 0))
        }
        for document in ["1.0", "1e0", "1.5"] {
            #expect(failure(Array(document.utf8)) { _ = try $0.readInteger(in: 0...9) }?.kind == .notAnInteger)
        }
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func moneyComesBackAsItWasWritten(seed: UInt64) throws {
        var random = SeededBytes(seed: seed)
        for _ in 0..<2_000 {
            let digits = Int.random(in: 0...18, using: &random)
            let shift = Int64.random(in: 0...62, using: &random)
            let amount = Int64.random(in: .min ... .max, using: &random) >> shift
            var writer = ByteWriter()
            writer.money(minorUnits: amount, fractionDigits: digits)
            let written = writer.withBytes { String(decoding: $0, as: UTF8.self) }
            #expect(try readJSON(written) { try $0.readDecimal(fractionDigitsMax: digits) } == amount, "\(written)")
        }
    }
}
