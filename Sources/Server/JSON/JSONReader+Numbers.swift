/// The parts of a number that `scanNumber` has checked, as offsets into the document.
struct JSONNumber {
    var start = 0
    var isNegative = false
    var integer = 0..<0
    /// Empty without a decimal point.
    var fraction = 0..<0
    var hasExponent = false
}

extension JSONReader {
    /// Reads an integer. `5.0` and `5e0` are none.
    mutating func readInteger(in range: ClosedRange<Int64>) throws(JSONError) -> Int64 {
        try expect(.number)
        let number = try scanNumber()
        guard number.fraction.isEmpty, !number.hasExponent else { throw error(.notAnInteger, at: number.start) }
        return try value(of: number, fractionDigits: 0, in: range)
    }

    /// Reads a decimal exactly, in units of its last allowed digit: `50`, `50.0` and `50.00` are 5000 with 2 digits.
    ///
    /// More digits than allowed are refused, zeros too: nothing is ever rounded. So are exponents.
    /// - Parameters:
    ///   - fractionDigitsMax: 0 to 18.
    ///   - range: in the same units as the result.
    mutating func readDecimal(
        fractionDigitsMax: Int,
        in range: ClosedRange<Int64> = .min ... .max
    ) throws(JSONError) -> Int64 {
        try expect(.number)
        let number = try scanNumber()
        guard !number.hasExponent else { throw error(.exponent, at: number.start) }
        guard number.fraction.count <= fractionDigitsMax else {
            throw error(.tooManyFractionDigits(max: fractionDigitsMax), at: number.start)
        }
        return try value(of: number, fractionDigits: fractionDigitsMax, in: range)
    }

    /// Reads the form of a number (RFC 8259, 6): no plus, no zeros in front, digits on both sides of the point.
    mutating func scanNumber() throws(JSONError) -> JSONNumber {
        var number = JSONNumber()
        number.start = position
        if bytes[position] == UInt8(ascii: "-") {
            number.isNegative = true
            position += 1
        }
        number.integer = try scanDigits()
        guard number.integer.count == 1 || bytes[number.integer.lowerBound] != UInt8(ascii: "0") else {
            throw error(.malformed("a number begins with a zero"), at: number.start)
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            number.fraction = try scanDigits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            number.hasExponent = true
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            _ = try scanDigits()
        }
        return number
    }

    private mutating func scanDigits() throws(JSONError) -> Range<Int> {
        let start = position
        while position < bytes.count, bytes[position].isDigit { position += 1 }
        guard position > start else { throw malformed("expected a digit") }
        return start..<position
    }

    /// Gathers the digits below zero, where there is one more value than above.
    private func value(
        of number: JSONNumber,
        fractionDigits: Int,
        in range: ClosedRange<Int64>
    ) throws(JSONError) -> Int64 {
        let outOfRange = JSONError.Kind.outOfRange(
            min: range.lowerBound,
            max: range.upperBound,
            fractionDigits: fractionDigits
        )
        var negated: Int64 = 0
        var overflows = false
        func gather(_ digit: UInt8) {
            let (product, tooLarge) = negated.multipliedReportingOverflow(by: 10)
            let (sum, stillTooLarge) = product.subtractingReportingOverflow(Int64(digit & 0x0F))
            overflows = overflows || tooLarge || stillTooLarge
            negated = sum
        }
        for index in number.integer { gather(bytes[index]) }
        for index in number.fraction { gather(bytes[index]) }
        for _ in number.fraction.count..<fractionDigits { gather(UInt8(ascii: "0")) }
        if !number.isNegative, negated == .min { overflows = true }
        guard !overflows else { throw error(outOfRange, at: number.start) }
        let value = number.isNegative ? negated : -negated
        guard range.contains(value) else { throw error(outOfRange, at: number.start) }
        return value
    }
}
