import Foundation
import Testing

@testable import Engine
@testable import Server

/// Amounts of any size, and days as they are asked for.
@Suite struct ReportRenderingTests {
    @Test(arguments: [
        (Int128(0), 2, "0.00"), (12_345, 2, "123.45"), (-12_345, 2, "-123.45"), (Int128(Int64.max), 0, "\(Int64.max)"),
        (Int128(Int64.max) + 1, 2, "92233720368547758.08"),
        (-(Int128(1) << 100), 3, "-1267650600228229401496703205.376"),
        ((Int128(1) << 100) + 2, 0, "1267650600228229401496703205378"),
    ])
    func amountsAreExact(_ amount: Int128, _ digits: Int, _ expected: String) {
        var bytes = ByteWriter()
        bytes.money(wide: amount, fractionDigits: digits)
        #expect(bytes.withBytes { String(decoding: $0, as: UTF8.self) } == expected)
    }

    @Test func daysAreReadAndOthersRefused() {
        func day(_ text: String) -> Int64? {
            var text = text
            return text.withUTF8 { CivilDate(UnsafeRawBufferPointer($0))?.daysSinceEpoch }
        }
        #expect(day("1970-01-01") == 0 && day("2024-02-29") == 19_782)
        for text in [
            "", "2023-02-29", "2024-13-01", "2024-1-01", "2024-01-01T", "２024-01-0", "+024-01-01", "2024/01/01",
        ] {
            #expect(day(text) == nil, "\(text)")
        }
    }
}
