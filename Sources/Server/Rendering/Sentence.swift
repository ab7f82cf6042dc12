import Engine

/// A short text built in place by string interpolation, without touching the heap: refusals are told in sentences,
/// and once an event is sold out nearly every answer is a refusal.
///
/// What doesn't fit in `bytesMax` is cut off at a whole character.
struct Sentence: ExpressibleByStringInterpolation, Sendable {
    /// The longest sentence, in UTF-8 bytes.
    static let bytesMax = 320

    private var bytes = InlineArray<320, UInt8>(repeating: 0)
    private(set) var count = 0

    init(stringLiteral literal: String) { append(literal) }

    init(stringInterpolation: Interpolation) { self = stringInterpolation.sentence }

    init(_ text: String) { append(text) }

    private init() {}

    struct Interpolation: StringInterpolationProtocol {
        fileprivate var sentence = Sentence()

        init(literalCapacity: Int, interpolationCount: Int) {}

        mutating func appendLiteral(_ literal: String) { sentence.append(literal) }
        mutating func appendInterpolation(_ text: StaticString) { text.withUTF8Buffer { sentence.append($0) } }
        mutating func appendInterpolation(_ name: ShortText) { name.withBytes { sentence.append($0) } }
        mutating func appendInterpolation(_ text: String) { sentence.append(text) }
        mutating func appendInterpolation(_ number: some FixedWidthInteger) { sentence.append(decimal: number) }

        /// An amount of money in minor units, with its currency.
        mutating func appendInterpolation(_ amount: Int64, in currency: ShortText) {
            sentence.append(amount, minorDigits: Currency.minorDigits(of: currency))
            sentence.append(" ")
            appendInterpolation(currency)
        }

        /// A moment, as RFC 3339 to the second.
        mutating func appendInterpolation(time: Milliseconds) {
            let seconds = max(0, min(time, Timestamp.epochMillisecondsMax)) / 1_000
            let date = CivilDate(daysSinceEpoch: seconds / 86_400)
            sentence.append(twoDigits: date.year / 100)
            sentence.append(twoDigits: date.year % 100)
            sentence.append("-")
            sentence.append(twoDigits: date.month)
            sentence.append("-")
            sentence.append(twoDigits: date.day)
            sentence.append("T")
            sentence.append(twoDigits: Int(seconds / 3_600 % 24))
            sentence.append(":")
            sentence.append(twoDigits: Int(seconds / 60 % 60))
            sentence.append(":")
            sentence.append(twoDigits: Int(seconds % 60))
            sentence.append("Z")
        }

        mutating func appendInterpolation(tier: TierNumber, of event: EventKey) {
            withUnsafeTemporaryAllocation(byteCount: PublicIdentifiers.tierCharacters, alignment: 1) { buffer in
                PublicIdentifiers.writeTier(tier, of: event, into: buffer)
                sentence.append(buffer)
            }
        }
    }

    /// The text's UTF-8 bytes. Valid inside `body` only.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try withUnsafeBytes(of: bytes) { try body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    private mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append($0) }
    }

    private mutating func append(_ text: some BidirectionalCollection<UInt8>) {
        var kept = text.prefix(Self.bytesMax - count)
        if kept.count < text.count {
            // Drop the beginning of a character whose end was cut off.
            while let last = kept.last, last & 0xC0 == 0x80 { kept = kept.dropLast() }
            if let last = kept.last, last >= 0xC0 { kept = kept.dropLast() }
        }
        for byte in kept {
            bytes[count] = byte
            count += 1
        }
    }

    private mutating func append(twoDigits number: Int) {
        append(CollectionOfOne(UInt8(ascii: "0") + UInt8(number / 10)))
        append(CollectionOfOne(UInt8(ascii: "0") + UInt8(number % 10)))
    }

    private mutating func append(decimal number: some FixedWidthInteger) { append(number, minorDigits: 0) }

    private mutating func append(_ amount: some FixedWidthInteger, minorDigits: Int) {
        Currency.withDecimalText(amount, minorDigits: minorDigits) { append($0) }
    }
}

extension Sentence: CustomStringConvertible {
    var description: String { withBytes { String(decoding: $0, as: UTF8.self) } }
}
