/// Points in time as RFC 3339 text and as milliseconds since 1970-01-01T00:00:00Z, years 1970 to 9999.
enum Timestamp {
    /// 9999-12-31T23:59:59.999Z.
    static let epochMillisecondsMax: Int64 = 253_402_300_799_999

    /// Writes `2026-11-21T08:00:00.000Z`. Of a time outside those years, which no client but a program that embeds the
    /// engine can have set, the nearest one within them.
    static func append(epochMilliseconds: Int64, to bytes: inout ByteWriter) {
        let epochMilliseconds = max(0, min(epochMilliseconds, epochMillisecondsMax))
        let date = CivilDate(daysSinceEpoch: epochMilliseconds / 86_400_000)
        let millisecond = Int(epochMilliseconds % 86_400_000)
        // Digit by digit in one place: four of these are in every answer to a reservation.
        bytes.append(atMost: 24) { text in
            func digits(_ value: Int, at offset: Int) {
                text[offset] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value / 10)
                text[offset + 1] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value % 10)
            }
            let pattern: StaticString = "0000-00-00T00:00:00.000Z"
            text.copyMemory(from: UnsafeRawBufferPointer(start: pattern.utf8Start, count: 24))
            digits(date.year / 100, at: 0)
            digits(date.year % 100, at: 2)
            digits(date.month, at: 5)
            digits(date.day, at: 8)
            digits(millisecond / 3_600_000, at: 11)
            digits(millisecond / 60_000 % 60, at: 14)
            digits(millisecond / 1_000 % 60, at: 17)
            digits(millisecond % 1_000 / 10, at: 20)
            text[22] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: millisecond % 10)
            return 24
        }
    }

    /// Reads `2026-11-21T08:00:00Z`, with up to 9 digits of a fraction (cut to milliseconds) and `Z` or an offset
    /// like `+02:00`. `T` and `Z` are uppercase; leap seconds are refused.
    /// - Returns: milliseconds since the epoch; nil for anything else, and outside the years 1970 to 9999.
    static func parse(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard text.count >= 20, text.count <= 35,
            let year = number(text, 0, 4), let month = number(text, 5, 2), let day = number(text, 8, 2),
            let hour = number(text, 11, 2), let minute = number(text, 14, 2), let second = number(text, 17, 2),
            text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"), text[10] == UInt8(ascii: "T"),
            text[13] == UInt8(ascii: ":"), text[16] == UInt8(ascii: ":"),
            let date = CivilDate(year: year, month: month, day: day), year >= 1969,
            hour < 24, minute < 60, second < 60
        else { return nil }
        var index = 19
        guard let milliseconds = fraction(text, &index), let offset = offsetMinutes(text, index) else { return nil }
        let minutes = Int64(hour * 60 + minute - offset)
        let total = date.daysSinceEpoch * 86_400_000 + minutes * 60_000 + Int64(second * 1_000 + milliseconds)
        return total >= 0 && total <= epochMillisecondsMax ? total : nil
    }

    private static func number(_ text: UnsafeRawBufferPointer, _ start: Int, _ digits: Int) -> Int? {
        guard start + digits <= text.count else { return nil }
        var value = 0
        for index in start..<(start + digits) {
            guard text[index].isDigit else { return nil }
            value = value * 10 + Int(text[index] - UInt8(ascii: "0"))
        }
        return value
    }

    /// The milliseconds of `.123…`, 0 where there is no fraction.
    private static func fraction(_ text: UnsafeRawBufferPointer, _ index: inout Int) -> Int? {
        guard text[index] == UInt8(ascii: ".") else { return 0 }
        index += 1
        var milliseconds = 0
        var digits = 0
        while index < text.count, text[index].isDigit {
            if digits < 3 { milliseconds = milliseconds * 10 + Int(text[index] - UInt8(ascii: "0")) }
            digits += 1
            index += 1
        }
        guard (1...9).contains(digits) else { return nil }
        for _ in digits..<max(digits, 3) { milliseconds *= 10 }
        return milliseconds
    }

    /// What the offset at the end adds to UTC, in minutes.
    private static func offsetMinutes(_ text: UnsafeRawBufferPointer, _ start: Int) -> Int? {
        guard start < text.count else { return nil }
        if text[start] == UInt8(ascii: "Z") { return start + 1 == text.count ? 0 : nil }
        guard start + 6 == text.count, text[start + 3] == UInt8(ascii: ":"),
            let hour = number(text, start + 1, 2), let minute = number(text, start + 4, 2), hour < 24, minute < 60
        else { return nil }
        switch text[start] {
        case UInt8(ascii: "+"): return hour * 60 + minute
        case UInt8(ascii: "-"): return -(hour * 60 + minute)
        default: return nil
        }
    }
}
