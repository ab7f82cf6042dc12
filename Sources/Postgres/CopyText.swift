import Engine

/// Rows in the text form of COPY: values with tabs between them, a line a row, `\N` for null.
///
/// By hand, because a flush writes some ten values for each thing that has changed.
struct CopyText {
    private(set) var bytes: [UInt8] = []
    private(set) var rowCount = 0
    private var isRowEmpty = true

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        rowCount = 0
    }

    mutating func endRow() {
        bytes.append(UInt8(ascii: "\n"))
        rowCount += 1
        isRowEmpty = true
    }

    private mutating func begin() {
        if !isRowEmpty { bytes.append(UInt8(ascii: "\t")) }
        isRowEmpty = false
    }

    mutating func null() {
        begin()
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(UInt8(ascii: "N"))
    }

    mutating func value(_ value: (some BinaryInteger)?) {
        guard let value else { return null() }
        begin()
        digits(Int64(value))
    }

    mutating func value(_ value: Bool) {
        begin()
        bytes.append(UInt8(ascii: value ? "t" : "f"))
    }

    mutating func value(_ key: EventKey) { value(Int64(bitPattern: key.rawValue)) }

    mutating func value(_ text: String) {
        begin()
        var text = text
        text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
    }

    /// Null for the empty text, where that stands for none.
    mutating func value(orNull text: ShortText) {
        if text.isEmpty { null() } else { value(text) }
    }

    mutating func value(_ text: ShortText) {
        begin()
        text.withBytes { add($0) }
    }

    mutating func value(_ text: StaticString) {
        begin()
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// An array of plain words.
    mutating func value(words: [StaticString]) {
        begin()
        bytes.append(UInt8(ascii: "{"))
        for (index, word) in words.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// Bytes as `\x…`, the backslash doubled.
    mutating func value(bytes raw: UnsafeRawBufferPointer) {
        begin()
        bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "\\"), UInt8(ascii: "x")])
        bytes.reserveCapacity(bytes.count + 2 * raw.count + 1)
        for byte in raw {
            bytes.append(Self.hexDigits.utf8Start[Int(byte >> 4)])
            bytes.append(Self.hexDigits.utf8Start[Int(byte & 15)])
        }
    }

    private static let hexDigits: StaticString = "0123456789abcdef"

    private mutating func add(_ text: UnsafeRawBufferPointer) {
        for byte in text {
            switch byte {
            // The one character that a text of Postgres can't have; the engine's own record beside it has it.
            case 0: bytes.append(contentsOf: [0xef, 0xbf, 0xbd])
            case UInt8(ascii: "\\"): bytes.append(contentsOf: [byte, byte])
            case UInt8(ascii: "\n"): bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
            case UInt8(ascii: "\r"): bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "r")])
            case UInt8(ascii: "\t"): bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
            default: bytes.append(byte)
            }
        }
    }

    // MARK: - Numbers and times

    private mutating func digits(_ value: Int64, width: Int = 1) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        while bytes.count - start < width { bytes.append(UInt8(ascii: "0")) }
        bytes[start...].reverse()
    }

    /// A timestamp with its zone, UTC.
    mutating func value(at time: Milliseconds?) {
        guard let time else { return null() }
        // What Postgres can tell goes from 4713 BC to 294276; no clock and no organiser means anything outside of these.
        let clamped = min(max(time, -62_135_596_800_000), 253_402_300_799_999)
        begin()
        let days = (clamped >= 0 ? clamped : clamped - 86_399_999) / 86_400_000
        let ofDay = clamped - days * 86_400_000
        date(days)
        bytes.append(UInt8(ascii: " "))
        digits(ofDay / 3_600_000, width: 2)
        bytes.append(UInt8(ascii: ":"))
        digits(ofDay / 60_000 % 60, width: 2)
        bytes.append(UInt8(ascii: ":"))
        digits(ofDay / 1_000 % 60, width: 2)
        bytes.append(UInt8(ascii: "."))
        digits(ofDay % 1_000, width: 3)
        bytes.append(contentsOf: "+00".utf8)
    }

    /// The day's date in the Gregorian calendar, counted in eras of 400 years that begin with a March.
    private mutating func date(_ days: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let ofEra = shifted - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * ofYear + 2) / 153
        let isNextYear = month >= 10
        digits(yearOfEra + era * 400 + (isNextYear ? 1 : 0), width: 4)
        bytes.append(UInt8(ascii: "-"))
        digits(isNextYear ? month - 9 : month + 3, width: 2)
        bytes.append(UInt8(ascii: "-"))
        digits(ofYear - (153 * month + 2) / 5 + 1, width: 2)
    }
}

// MARK: - Identities as callers know them

extension CopyText {
    /// What a text of the API stands for: a type, then base64url of big-endian numbers.
    private mutating func identity(_ prefix: StaticString, _ parts: [(value: UInt64, bytes: Int)]) {
        value(prefix)
        var raw: [UInt8] = []
        for part in parts {
            for index in (0..<part.bytes).reversed() {
                raw.append(UInt8(truncatingIfNeeded: part.value >> (8 * index)))
            }
        }
        precondition(raw.count % 3 == 0)
        for start in stride(from: 0, to: raw.count, by: 3) {
            let word = Int(raw[start]) << 16 | Int(raw[start + 1]) << 8 | Int(raw[start + 2])
            for shift in [18, 12, 6, 0] { bytes.append(Self.digits64.utf8Start[word >> shift & 63]) }
        }
    }

    private static let digits64: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    mutating func reservation(_ id: HoldID) { hold(id, "rsv_") }
    mutating func order(_ id: HoldID) { hold(id, "ord_") }

    private mutating func hold(_ id: HoldID, _ prefix: StaticString) {
        let (slot, generation) = (UInt64(id.reference.slot), UInt64(id.reference.generation))
        identity(prefix, [(id.event.rawValue, 8), (slot, 4), (generation, 4), (id.secret, 8)])
    }

    mutating func ticket(_ id: TicketID) {
        let (slot, generation) = (UInt64(id.reference.slot), UInt64(id.reference.generation))
        identity("tkt_", [(id.event.rawValue, 8), (slot, 4), (generation, 4), (UInt64(id.index), 3), (id.check, 8)])
    }

    mutating func tier(_ number: TierNumber, of event: EventKey) {
        identity("prc_", [(event.rawValue, 8), (UInt64(number), 4)])
    }
}
