import Engine

/// ISO 4217: how many digits a currency has behind its point, and amounts as exact decimal text.
enum Currency {
    /// Digits behind the point: 0 for the yen, 3 for the Kuwaiti dinar, 2 for most.
    static func minorDigits(of currency: ShortText) -> Int {
        currency.withBytes { code in
            guard code.count == 3 else { return 2 }
            let packed = UInt32(code[0]) << 16 | UInt32(code[1]) << 8 | UInt32(code[2])
            switch packed {
            case code3("BIF"), code3("CLP"), code3("DJF"), code3("GNF"), code3("ISK"), code3("JPY"), code3("KMF"),
                code3("KRW"), code3("PYG"), code3("RWF"), code3("UGX"), code3("UYI"), code3("VND"), code3("VUV"),
                code3("XAF"), code3("XOF"), code3("XPF"):
                return 0
            case code3("BHD"), code3("IQD"), code3("JOD"), code3("KWD"), code3("LYD"), code3("OMR"), code3("TND"):
                return 3
            case code3("CLF"), code3("UYW"):
                return 4
            default:
                return 2
            }
        }
    }

    /// Whether the text has the form of a code: three capital letters.
    static func isCode(_ text: ShortText) -> Bool {
        text.withBytes { bytes in
            bytes.count == 3 && bytes.allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
        }
    }

    /// An amount in minor units as decimal text with exactly `minorDigits` digits behind the point: 5000 → `50.00`.
    static func withDecimalText<R>(
        _ amount: some FixedWidthInteger,
        minorDigits: Int,
        _ body: (UnsafeRawBufferPointer) -> R
    ) -> R {
        var text = InlineArray<24, UInt8>(repeating: 0)
        return withUnsafeMutableBytes(of: &text) { raw in
            var place = raw.count
            var rest = UInt64(amount.magnitude)
            var digits = 0
            while rest > 0 || digits <= minorDigits {
                if digits == minorDigits, minorDigits > 0 {
                    place -= 1
                    raw[place] = UInt8(ascii: ".")
                }
                place -= 1
                raw[place] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
                digits += 1
            }
            if amount < 0 {
                place -= 1
                raw[place] = UInt8(ascii: "-")
            }
            return body(UnsafeRawBufferPointer(rebasing: raw[place...]))
        }
    }

    private static func code3(_ code: StaticString) -> UInt32 {
        let letters = code.utf8Start
        return UInt32(letters[0]) << 16 | UInt32(letters[1]) << 8 | UInt32(letters[2])
    }
}
