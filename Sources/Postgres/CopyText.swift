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
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { text in
            var rest = value.magnitude
            var start = text.count
            while rest > 0 || text.count - start < width {
                start -= 1
                text[start] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start...]))
        }
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
    private mutating func identity(_ prefix: StaticString, _ write: (inout Base64) -> Void) {
        value(prefix)
        var text = Base64()
        write(&text)
        precondition(text.isWhole)
        let (digits, count) = (text.digits, text.count)
        withUnsafeBytes(of: digits) { bytes.append(contentsOf: $0[..<count]) }
    }

    /// Up to 48 digits, six bits each.
    private struct Base64 {
        private(set) var digits: InlineArray<48, UInt8> = .init(repeating: 0)
        private(set) var count = 0
        private var word = 0
        private var byteCount = 0

        /// Whether three bytes were written, or six, and so on.
        var isWhole: Bool { byteCount == 0 }

        /// The lowest bytes of the value, the highest first.
        mutating func add(_ value: UInt64, bytes: Int) {
            for index in (0..<bytes).reversed() {
                word = word << 8 | Int(value >> (8 * index) & 0xff)
                byteCount += 1
                if byteCount == 3 { endWord() }
            }
        }

        private mutating func endWord() {
            for place in 0..<4 { digits[count + place] = CopyText.digits64.utf8Start[word >> (18 - 6 * place) & 63] }
            count += 4
            word = 0
            byteCount = 0
        }
    }

    private static let digits64: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    mutating func reservation(_ id: HoldID) { hold(id, "rsv_") }
    mutating func order(_ id: HoldID) { hold(id, "ord_") }

    private mutating func hold(_ id: HoldID, _ prefix: StaticString) {
        let (slot, generation) = (UInt64(id.reference.slot), UInt64(id.reference.generation))
        identity(prefix) { text in
            text.add(id.event.rawValue, bytes: 8)
            text.add(slot, bytes: 4)
            text.add(generation, bytes: 4)
            text.add(id.secret, bytes: 8)
        }
    }

    mutating func ticket(_ id: TicketID) {
        let (slot, generation) = (UInt64(id.reference.slot), UInt64(id.reference.generation))
        identity("tkt_") { text in
            text.add(id.event.rawValue, bytes: 8)
            text.add(slot, bytes: 4)
            text.add(generation, bytes: 4)
            text.add(UInt64(id.index), bytes: 3)
            text.add(id.check, bytes: 8)
        }
    }

    mutating func tier(_ number: TierNumber, of event: EventKey) {
        identity("prc_") { text in
            text.add(event.rawValue, bytes: 8)
            text.add(UInt64(number), bytes: 4)
        }
    }
}
