/// The entity tags of an If-Match or If-None-Match (RFC 9110, 13.1), as far as this server makes such tags itself:
/// a decimal number in quotes. Others can't match and are passed over.
struct EntityTags: Equatable, Sendable {
    /// Numbers kept; a client that sends more gets the thing whole.
    static let numbersMax = 4

    /// `*`: whatever is there matches.
    private(set) var isAny = false
    private(set) var count = 0
    private var numbers = InlineArray<4, UInt64>(repeating: 0)

    init() {}

    /// - Parameters:
    ///   - field: the value of the header field.
    ///   - weak: whether tags marked `W/` count, as they do for reading but not for changing.
    init(_ field: UnsafeRawBufferPointer, weak: Bool) {
        if field.equals("*") {
            isAny = true
            return
        }
        for element in field.split(separator: UInt8(ascii: ","), maxSplits: 16) {
            var tag = UnsafeRawBufferPointer(rebasing: element).trimmed
            if weak, tag.count > 2, tag[0] == UInt8(ascii: "W"), tag[1] == UInt8(ascii: "/") {
                tag = UnsafeRawBufferPointer(rebasing: tag[2...])
            }
            guard count < Self.numbersMax, let number = Self.number(tag) else { continue }
            numbers[count] = number
            count += 1
        }
    }

    /// The only tag; nil where there are none or several.
    var single: UInt64? { count == 1 && !isAny ? numbers[0] : nil }

    func contains(_ number: UInt64) -> Bool {
        if isAny { return true }
        for index in 0..<count where numbers[index] == number { return true }
        return false
    }

    /// Canonical decimal digits in quotes.
    private static func number(_ tag: UnsafeRawBufferPointer) -> UInt64? {
        guard tag.count >= 3, tag.count <= 22, tag[0] == UInt8(ascii: "\""), tag[tag.count - 1] == UInt8(ascii: "\"")
        else { return nil }
        let digits = tag[1..<(tag.count - 1)]
        guard digits.count == 1 || digits.first != UInt8(ascii: "0") else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard digit.isDigit else { return nil }
            let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, stillTooLarge) = product.addingReportingOverflow(UInt64(digit & 0x0F))
            if tooLarge || stillTooLarge { return nil }
            value = sum
        }
        return value
    }

    static func == (left: EntityTags, right: EntityTags) -> Bool {
        guard left.isAny == right.isAny, left.count == right.count else { return false }
        for index in 0..<left.count where left.numbers[index] != right.numbers[index] { return false }
        return true
    }
}
