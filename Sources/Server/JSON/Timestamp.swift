/// Points in time as RFC 3339 text and as milliseconds since 1970-01-01T00:00:00Z, years 1970 to 9999.
enum Timestamp {
    /// 9999-12-31T23:59:59.999Z.
    static let epochMillisecondsMax: Int64 = 253_402_300_799_999

    /// Writes `2026-11-21T08:00:00.000Z`.
    /// - Precondition: 0 up to `epochMillisecondsMax`.
    static func append(epochMilliseconds: Int64, to bytes: inout ByteWriter) {
        precondition(epochMilliseconds >= 0 && epochMilliseconds <= epochMillisecondsMax)
        let date = CivilDate(daysSinceEpoch: epochMilliseconds / 86_400_000)
        let millisecond = UInt64(epochMilliseconds % 86_400_000)
        bytes.append(decimal: UInt64(date.year), digitsMin: 4)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(decimal: UInt64(date.month), digitsMin: 2)
        bytes.append(UInt8(ascii: "-"))
        bytes.append(decimal: UInt64(date.day), digitsMin: 2)
        bytes.append(UInt8(ascii: "T"))
        bytes.append(decimal: millisecond / 3_600_000, digitsMin: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(decimal: millisecond / 60_000 % 60, digitsMin: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.append(decimal: millisecond / 1_000 % 60, digitsMin: 2)
        bytes.append(UInt8(ascii: "."))
        bytes.append(decimal: millisecond % 1_000, digitsMin: 3)
        bytes.append(UInt8(ascii: "Z"))
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
