/// JSON, written straight into the bytes of a response.
///
/// Commas come by themselves: one is due unless the byte before opens an object or array, is a colon, or ends the
/// head of a response. Every value ends with another byte than these, so the last byte says it all.
extension ByteWriter {
    mutating func beginObject() {
        separate()
        append(UInt8(ascii: "{"))
    }

    mutating func endObject() { append(UInt8(ascii: "}")) }

    mutating func beginArray() {
        separate()
        append(UInt8(ascii: "["))
    }

    mutating func endArray() { append(UInt8(ascii: "]")) }

    /// - Parameter name: without characters that need escaping.
    mutating func key(_ name: StaticString) {
        separate()
        append(UInt8(ascii: "\""))
        append(name)
        append("\":")
    }

    mutating func integer(_ value: Int64) {
        separate()
        append(decimal: value)
    }

    mutating func boolean(_ value: Bool) {
        separate()
        append(value ? "true" : "false")
    }

    mutating func null() {
        separate()
        append("null")
    }

    /// - Parameter utf8: valid UTF-8.
    mutating func string(_ utf8: UnsafeRawBufferPointer) {
        separate()
        append(UInt8(ascii: "\""))
        appendEscaped(utf8)
        append(UInt8(ascii: "\""))
    }

    mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { string(UnsafeRawBufferPointer($0)) }
    }

    mutating func string(_ text: StaticString) {
        string(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// An exact decimal: 5000 with 2 digits is `50.00`, with none it is `5000`.
    /// - Parameter fractionDigits: 0 to 18.
    mutating func money(minorUnits: Int64, fractionDigits: Int) {
        separate()
        let scale = Self.powersOfTen[fractionDigits]
        let magnitude = minorUnits.magnitude
        if minorUnits < 0 { append(UInt8(ascii: "-")) }
        append(decimal: magnitude / scale, digitsMin: 1)
        guard fractionDigits > 0 else { return }
        append(UInt8(ascii: "."))
        append(decimal: magnitude % scale, digitsMin: fractionDigits)
    }

    /// The same of an amount that may be beyond 64 bits, such as the sum of many.
    mutating func money(wide minorUnits: Int128, fractionDigits: Int) {
        if let narrow = Int64(exactly: minorUnits) {
            return money(minorUnits: narrow, fractionDigits: fractionDigits)
        }
        separate()
        let (whole, fraction) = minorUnits.magnitude.quotientAndRemainder(
            dividingBy: UInt128(Self.powersOfTen[fractionDigits])
        )
        if minorUnits < 0 { append(UInt8(ascii: "-")) }
        append(String(whole))
        guard fractionDigits > 0 else { return }
        append(UInt8(ascii: "."))
        append(decimal: UInt64(fraction), digitsMin: fractionDigits)
    }

    /// A rate: 800 basis points are `0.08`, 10000 are `1`, without zeros at the end.
    mutating func rate(basisPoints: Int64) {
        separate()
        let magnitude = basisPoints.magnitude
        if basisPoints < 0 { append(UInt8(ascii: "-")) }
        append(decimal: magnitude / 10_000, digitsMin: 1)
        var fraction = magnitude % 10_000
        guard fraction > 0 else { return }
        var digits = 4
        while fraction % 10 == 0 {
            fraction /= 10
            digits -= 1
        }
        append(UInt8(ascii: "."))
        append(decimal: fraction, digitsMin: digits)
    }

    /// A point in time as a string: `"2026-11-21T08:00:00.000Z"`.
    /// - Parameter epochMilliseconds: within the years 1970 to 9999.
    mutating func timestamp(epochMilliseconds: Int64) {
        separate()
        append(UInt8(ascii: "\""))
        Timestamp.append(epochMilliseconds: epochMilliseconds, to: &self)
        append(UInt8(ascii: "\""))
    }

    /// A value that is JSON already, as `JSONReader.readRaw` gives it: without blanks around it.
    mutating func raw(_ json: UnsafeRawBufferPointer) {
        separate()
        append(json)
    }

    @inline(__always)
    private mutating func separate() {
        switch last {
        case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"), UInt8(ascii: "\n"): return
        default: append(UInt8(ascii: ","))
        }
    }

    private static let powersOfTen: [UInt64] = {
        var powers: [UInt64] = [1]
        for _ in 0..<18 { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()
}

// MARK: - Key and value in one call

extension ByteWriter {
    mutating func field(_ name: StaticString, _ value: Int64) {
        key(name)
        integer(value)
    }

    mutating func field(_ name: StaticString, _ value: Bool) {
        key(name)
        boolean(value)
    }

    mutating func field(_ name: StaticString, _ utf8: UnsafeRawBufferPointer) {
        key(name)
        string(utf8)
    }

    mutating func field(_ name: StaticString, _ text: String) {
        key(name)
        string(text)
    }

    mutating func field(_ name: StaticString, _ text: StaticString) {
        key(name)
        string(text)
    }

    mutating func field(_ name: StaticString, minorUnits: Int64, fractionDigits: Int) {
        key(name)
        money(minorUnits: minorUnits, fractionDigits: fractionDigits)
    }

    mutating func field(_ name: StaticString, basisPoints: Int64) {
        key(name)
        rate(basisPoints: basisPoints)
    }

    mutating func field(_ name: StaticString, epochMilliseconds: Int64) {
        key(name)
        timestamp(epochMilliseconds: epochMilliseconds)
    }
}

// MARK: - Escaping

extension ByteWriter {
    /// Copies runs that need no escape in one go: nearly always the whole string.
    private mutating func appendEscaped(_ utf8: UnsafeRawBufferPointer) {
        var runStart = 0
        for index in 0..<utf8.count {
            let byte = utf8[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            append(UnsafeRawBufferPointer(rebasing: utf8[runStart..<index]))
            appendEscape(byte)
            runStart = index + 1
        }
        append(UnsafeRawBufferPointer(rebasing: utf8[runStart..<utf8.count]))
    }

    private mutating func appendEscape(_ byte: UInt8) {
        append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): append(byte)
        case 0x08: append(UInt8(ascii: "b"))
        case 0x09: append(UInt8(ascii: "t"))
        case 0x0A: append(UInt8(ascii: "n"))
        case 0x0C: append(UInt8(ascii: "f"))
        case 0x0D: append(UInt8(ascii: "r"))
        default:
            append("u00")
            append(byte >> 4 == 0 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
            let low = byte & 0x0F
            append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        }
    }
}
