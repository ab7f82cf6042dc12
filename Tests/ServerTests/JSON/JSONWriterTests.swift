import Testing

@testable import Server

@Suite struct JSONWriterTests {
    private func written(_ write: (inout ByteWriter) -> Void) -> String {
        var writer = ByteWriter(capacity: 64)
        write(&writer)
        return writer.withBytes { String(decoding: $0, as: UTF8.self) }
    }

    @Test func commasComeByThemselves() {
        let document = written { json in
            json.beginObject()
            json.field("a", 1)
            json.field("b", true)
            json.key("list")
            json.beginArray()
            json.integer(-1)
            json.null()
            json.beginObject()
            json.endObject()
            json.beginArray()
            json.endArray()
            json.string("[")
            json.string("x")
            json.endArray()
            json.key("raw")
            "{\"k\":[1]}".utf8.withContiguousStorageIfAvailable { json.raw(UnsafeRawBufferPointer($0)) }
            json.field("price", minorUnits: 5000, fractionDigits: 2)
            json.field("tax_rate", basisPoints: 800)
            json.field("at", epochMilliseconds: 0)
            json.field("text", "say")
            json.endObject()
        }
        #expect(
            document == #"{"a":1,"b":true,"list":[-1,null,{},[],"[","x"],"raw":{"k":[1]},"price":50.00,"#
                + #""tax_rate":0.08,"at":"1970-01-01T00:00:00.000Z","text":"say"}"#
        )
    }

    @Test func stringsAreEscaped() {
        #expect(written { $0.string("a\"b\\c/é🎫") } == #""a\"b\\c/é🎫""#)
        let controls = String(String.UnicodeScalarView((0..<32).map { Unicode.Scalar(UInt8($0)) }))
        let escaped = written { $0.string(controls) }
        #expect(
            escaped.hasPrefix(#""\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010"#)
        )
        #expect(escaped.hasSuffix(#"\u001f""#))
        #expect(written { $0.string("") } == "\"\"")
    }

    @Test(
        arguments: [
            (0, 2, "0.00"), (5, 2, "0.05"), (-5, 2, "-0.05"), (5000, 2, "50.00"), (123, 0, "123"), (1, 3, "0.001"),
            (.min, 2, "-92233720368547758.08"), (.max, 0, "9223372036854775807"),
        ] as [(Int64, Int, String)]
    )
    func moneyHasAllItsDigits(given: (Int64, Int, String)) {
        #expect(written { $0.money(minorUnits: given.0, fractionDigits: given.1) } == given.2)
    }

    @Test(
        arguments: [
            (0, "0"), (800, "0.08"), (825, "0.0825"), (1, "0.0001"), (10_000, "1"), (12_500, "1.25"), (-50, "-0.005"),
        ] as [(Int64, String)]
    )
    func ratesHaveNoZerosAtTheEnd(given: (Int64, String)) {
        #expect(written { $0.rate(basisPoints: given.0) } == given.1)
    }
}
